/** Writes P1 telegrams as a meter does. Shares no code with the decoder; the seed of the fuzzer too. */
export interface P1Line {
  readonly obis: string;
  readonly groups: readonly string[];
}

/** CRC-16/ARC bit by bit, most plainly. */
export function bitwiseCrc16Arc(bytes: Uint8Array): number {
  let register = 0;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const feedback = ((register ^ (byte >> bit)) & 1) === 1;
      register = (register >>> 1) ^ (feedback ? 0xa001 : 0);
    }
  }
  return register;
}

/** `crc: false`: as DSMR 2.2 and 3.0 end a telegram. */
export function encodeP1(identification: string, lines: readonly string[], { crc = true } = {}): Uint8Array {
  const text = `/${identification}\r\n\r\n${lines.map((line) => `${line}\r\n`).join('')}!`;
  const bytes = Buffer.from(text, 'latin1');
  const check = crc ? bitwiseCrc16Arc(bytes).toString(16).toUpperCase().padStart(4, '0') : '';
  return Buffer.concat([bytes, Buffer.from(`${check}\r\n`, 'latin1')]);
}

export function p1Line({ obis, groups }: P1Line): string {
  return `${obis}${groups.map((group) => `(${group})`).join('')}`;
}

/** Fixed width, as DSMR's formats `F9(3,3)`: 1234567 with 3 decimals and 9 digits is `001234.567`. */
export function fixedNumber(thousandths: number, digits = 9): string {
  const padded = String(thousandths).padStart(digits, '0');
  return `${padded.slice(0, -3)}.${padded.slice(-3)}`;
}

/** A telegram with what DSMR 5 has, for fuzzing. */
export function exampleP1Telegram(importWh: number): Uint8Array {
  return encodeP1('TST5\\2EXAMPLE-1', [
    '1-3:0.2.8(50)',
    '0-0:1.0.0(240709083015S)',
    '0-0:96.1.1(4530303030303030303030303030303031)',
    `1-0:1.8.1(${fixedNumber(importWh)}*kWh)`,
    '1-0:1.8.2(000017.004*kWh)',
    '1-0:2.8.1(000000.000*kWh)',
    '0-0:96.14.0(0002)',
    '1-0:1.7.0(03.680*kW)',
    '0-0:96.7.21(00004)',
    '1-0:99.97.0(1)(0-0:96.7.19)(230101120000W)(0000000240*s)',
    '0-0:96.13.0()',
    '1-0:32.7.0(230.1*V)',
    '1-0:31.7.0(016*A)',
    '0-1:24.1.0(003)',
    '0-1:96.1.0(4730303030303030303030303030303032)',
    '0-1:24.2.1(240709083000S)(00123.456*m3)',
  ]);
}
