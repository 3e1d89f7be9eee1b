import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import { decodeP1Capture, type P1Telegram } from '../../../hal/driver/p1/index.ts';
import { P1_VECTORS } from './p1-telegrams.ts';

const wire = (lines: readonly string[], lineEnd = '\r\n'): Uint8Array =>
  Buffer.from(lines.map((line) => line + lineEnd).join(''), 'latin1');

const shown = ({ values }: P1Telegram): string[] =>
  values.map(({ obis, value, unit }) => `${obis} ${formatDecimal(value)} ${unit}`);

describe('telegrams of real P1 ports', () => {
  it.each(P1_VECTORS)('$meter: every value, exactly', ({ lines, serial, subMeters, expect: values }) => {
    const [telegram, ...more] = decodeP1Capture(wire(lines));
    expect(more).toEqual([]);
    expect(telegram).toMatchObject({ ok: true, code: null, why: null, meter: { serial } });
    expect(shown(telegram as P1Telegram)).toEqual(values);
    expect(telegram?.subMeters.map((meter) => [meter.channel, meter.serial])).toEqual(subMeters ?? []);
  });

  it.each(P1_VECTORS)(
    '$meter: the same from a file that lost its carriage returns',
    ({ lines, expect: values }) => {
      const [telegram] = decodeP1Capture(wire(lines, '\n'));
      expect(telegram?.ok).toBe(true);
      expect(shown(telegram as P1Telegram)).toEqual(values);
    },
  );

  it('finds all of them glued together, in order, with the version and the time of each', () => {
    const capture = Buffer.concat(P1_VECTORS.map(({ lines }) => wire(lines)));
    const telegrams = decodeP1Capture(capture);
    expect(telegrams.map(({ ok }) => ok)).toEqual(P1_VECTORS.map(() => true));
    expect(telegrams.map(({ version }) => version)).toEqual([
      null,
      null,
      null,
      '42',
      '50',
      '50',
      '50217',
      '50213',
      '42',
      null,
      '50',
    ]);
    expect(telegrams[4]?.sentAt).toBe('2017-01-02T19:20:02+01:00');
    expect(telegrams[5]?.sentAt).toBe('2022-10-06T15:50:14+02:00');
    expect(telegrams.map(({ checked }) => checked).indexOf(true)).toBe(3);
  });
});
