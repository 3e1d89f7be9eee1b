/** Writes messages of IEC 62056-21 as a meter does. Shares no code with the decoder; the seed of the fuzzer too. */
export interface BlockOptions {
  /** The first line, without its slash. */
  readonly identification?: string;
  /** Seven bits and even parity, as a port with eight bits and no parity sees them. */
  readonly parity?: boolean;
}

const STX = 0x02;
const ETX = 0x03;

/** Modes A to C: identification, and the data block with its check character. */
export function encodeBlock(lines: readonly string[], options: BlockOptions = {}): Uint8Array {
  const { identification = 'TST5EXAMPLE', parity = false } = options;
  const data = Buffer.from(`${lines.map((line) => `${line}\r\n`).join('')}!\r\n`, 'ascii');
  let check = ETX;
  for (const byte of data) check ^= byte;
  const header = identification === '' ? '' : `/${identification}\r\n`;
  const bytes = [...Buffer.from(header, 'ascii'), STX, ...data, ETX, check];
  return Uint8Array.from(parity ? bytes.map(evenParity) : bytes);
}

/** Mode D: no block check; an empty line after the first. */
export function encodePushed(identification: string, lines: readonly string[], parity = false): Uint8Array {
  const bytes = [...Buffer.from(`/${identification}\r\n\r\n${lines.join('\r\n')}\r\n!\r\n`, 'ascii')];
  return Uint8Array.from(parity ? bytes.map(evenParity) : bytes);
}

export function evenParity(character: number): number {
  let ones = 0;
  for (let bit = 0; bit < 7; bit++) ones += (character >> bit) & 1;
  return ones % 2 === 0 ? character : character | 0x80;
}

/** A readout with what industrial meters have, for fuzzing. */
export function exampleReadout(importKwh: string): string[] {
  return [
    '1-1:F.F(00000000)',
    '1-1:0.0.0(001TST0012345678)',
    '1-1:C.1.0(12345678)',
    '1-1:0.9.1(155420)',
    `1-1:1.8.0(${importKwh}*kWh)`,
    '1-1:1.8.0*18(00049555)',
    '1-1:1.6.1(27.19*kW)(1702090945)',
    '1-1:32.7.0(235.2*V)',
    '1-1:36.7.0(-000.82*kW)',
    '1-1:C.7.0(00000008)',
  ];
}
