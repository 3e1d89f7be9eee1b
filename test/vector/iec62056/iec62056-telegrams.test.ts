import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import { decodeIec62056Capture, type Iec62056Telegram } from '../../../hal/driver/iec62056/index.ts';
import { encodeBlock, encodePushed } from '../../support/meters/iec62056-encoder.ts';
import { IEC62056_VECTORS, type Iec62056Vector } from './iec62056-telegrams.ts';

/** The block check is the published one where there is one. */
function wire({ mode, lines, identification, blockCheck }: Iec62056Vector, parity = false): Uint8Array {
  if (mode === 'D') return encodePushed(identification, lines, parity);
  const bytes = encodeBlock(lines, { identification, parity });
  if (blockCheck !== null && !parity) bytes[bytes.length - 1] = blockCheck;
  return bytes;
}

const shown = ({ values }: Iec62056Telegram): string[] =>
  values.map(({ obis, value, unit }) => `${obis} ${formatDecimal(value)} ${unit}`);

describe('readouts of real meters of IEC 62056-21', () => {
  it.each(IEC62056_VECTORS)('$meter: every value, exactly', (vector) => {
    const [telegram, ...more] = decodeIec62056Capture(wire(vector));
    expect(more).toEqual([]);
    expect(telegram).toMatchObject({ ok: true, why: null, meter: { serial: vector.serial } });
    expect(telegram?.identification).toBe(vector.identification);
    expect(telegram?.checked).toBe(vector.mode === 'C');
    expect(shown(telegram as Iec62056Telegram)).toEqual(vector.expect);
  });

  it.each(IEC62056_VECTORS)('$meter: the same with the parity that an eight-bit port delivers', (vector) => {
    const [telegram] = decodeIec62056Capture(wire(vector, true));
    expect(telegram?.ok).toBe(true);
    expect(shown(telegram as Iec62056Telegram)).toEqual(vector.expect);
  });

  it('finds all of them in one capture of both directions', () => {
    const sent = (text: string): Uint8Array => Buffer.from(text, 'latin1');
    const capture = Buffer.concat(
      IEC62056_VECTORS.flatMap((vector) => {
        const bytes = wire(vector);
        const dataBegins = bytes.indexOf(0x02);
        if (vector.mode === 'D') return [bytes];
        return [
          sent('/?!\r\n'),
          bytes.subarray(0, dataBegins),
          sent('\x06050\r\n'),
          bytes.subarray(dataBegins),
        ];
      }),
    );
    const telegrams = decodeIec62056Capture(capture);
    expect(telegrams.map(({ ok, identification }) => [ok, identification])).toEqual(
      IEC62056_VECTORS.map(({ identification }) => [true, identification]),
    );
  });
});
