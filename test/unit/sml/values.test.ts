import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import { decodeSmlCapture, type SmlTelegram } from '../../../hal/driver/sml/index.ts';
import {
  encodeTelegram,
  serverId,
  type SmlElement,
  type SmlEntry,
} from '../../support/meters/sml-encoder.ts';

const ENERGY = [1, 0, 1, 8, 0, 255];
const POWER = [1, 0, 16, 7, 0, 255];

function decode(entries: readonly SmlEntry[], id = serverId('ISK', 70_342_571), sensorTime?: SmlElement) {
  const bytes = encodeTelegram({
    serverId: id,
    entries,
    ...(sensorTime === undefined ? {} : { sensorTime }),
  });
  const [telegram] = decodeSmlCapture(bytes);
  return telegram as SmlTelegram;
}

function shown({ values }: SmlTelegram): string[] {
  return values.map(({ obis, value, unit, quality }) => `${obis} ${formatDecimal(value)} ${unit} ${quality}`);
}

describe('a value of a list response', () => {
  it('is exact, scaled by a power of ten, with the unit of its code', () => {
    const telegram = decode([
      { obis: ENERGY, unit: 30, scaler: -4, value: { uint: 34_323_363_270n } },
      { obis: POWER, unit: 27, scaler: 0, value: { int: -15n, bytes: 5 } },
      { obis: [1, 0, 2, 8, 0, 255], unit: 30, scaler: 3, value: { uint: 46n } },
      { obis: [1, 0, 3, 8, 0, 255], unit: 32, value: { uint: 5n } },
      { obis: [1, 0, 3, 7, 0, 255], unit: 29, value: { int: -5n } },
      { obis: [1, 0, 32, 7, 0, 255], unit: 35, scaler: -1, value: { uint: 2_301n } },
      { obis: [1, 0, 31, 7, 0, 255], unit: 33, scaler: -2, value: { uint: 123n } },
      { obis: [1, 0, 14, 7, 0, 255], unit: 44, scaler: -1, value: { uint: 500n } },
    ]);
    expect(shown(telegram)).toEqual([
      '1-0:1.8.0*255 3432336.3270 Wh G',
      '1-0:16.7.0*255 -15 W G',
      '1-0:2.8.0*255 46000 Wh G',
      '1-0:3.8.0*255 5 varh G',
      '1-0:3.7.0*255 -5 var G',
      '1-0:32.7.0*255 230.1 V G',
      '1-0:31.7.0*255 1.23 A G',
      '1-0:14.7.0*255 50.0 Hz G',
    ]);
  });

  it('keeps a unit that the contract has not, by its name or its code', () => {
    const telegram = decode([
      { obis: [1, 0, 81, 7, 1, 255], unit: 8, value: { uint: 120n } },
      { obis: [1, 0, 99, 1, 0, 255], unit: 99, value: { uint: 1n } },
      { obis: [1, 0, 96, 5, 0, 255], value: { uint: 2n } },
    ]);
    expect(telegram.values.map(({ unit }) => unit)).toEqual(['°', 'DLMS unit 99', '1']);
  });

  it('comes with its status word and times, which change nothing else', () => {
    const time = [{ uint: 2n }, { uint: 1_700_000_000n }];
    const local = [{ uint: 3n }, [{ uint: 9n }, { int: 60n }, { int: 0n }]];
    const { values, sensorTime } = decode(
      [
        { obis: ENERGY, unit: 30, status: { uint: 0x1b0n }, time, value: { uint: 1n } },
        { obis: POWER, unit: 27, time: local, value: { uint: 1n } },
      ],
      undefined,
      [{ uint: 1n }, { uint: 77n }],
    );
    expect(sensorTime).toEqual({ kind: 'secondIndex', seconds: 77 });
    expect(values).toMatchObject([
      { status: 0x1b0n, time: { kind: 'timestamp', seconds: 1_700_000_000 } },
      { status: null, time: { kind: 'localTimestamp', seconds: 9, localOffsetMinutes: 60 } },
    ]);
  });

  it('is left out where it is no number: text, keys, a truth value, a list, nothing', () => {
    const telegram = decode([
      { obis: [129, 129, 199, 130, 5, 255], value: new Uint8Array(48).fill(7) },
      { obis: [1, 0, 96, 50, 1, 1], value: Uint8Array.of(0x49, 0x53, 0x4b) },
      { obis: [1, 0, 96, 3, 0, 255], value: true },
      { obis: [129, 0, 96, 8, 0, 1], value: [{ uint: 1n }, [{ uint: 2n }, { uint: 3n }]] },
      { obis: POWER, unit: 27, value: null },
    ]);
    expect(telegram).toMatchObject({ ok: true, values: [] });
  });

  it('with a scaler that is no power of ten of this world is refused', () => {
    expect(decode([{ obis: ENERGY, unit: 30, scaler: 100, value: { uint: 1n } }]).code).toBe('sml.malformed');
  });
});

describe('the serial number', () => {
  const numberObject = (value: Uint8Array) => ({ obis: [1, 0, 96, 1, 0, 255], value });
  it.each([
    ['as printed on the meter', serverId('ISK', 70_342_571), '1ISK0070342571'],
    ['with its fabrication block in hexadecimal', serverId('ESY', 62_232_997, 0x11), '1ESY1162232997'],
    [
      'of the older form that begins with 09',
      Uint8Array.from([9, ...serverId('DNT', 8_240, 1).subarray(1)]),
      '1DNT0100008240',
    ],
    [
      'of another form in hexadecimal',
      Uint8Array.from(Buffer.from('06454d480107197c2456', 'hex')),
      '06454D480107197C2456',
    ],
    ['as text where the meter sends text', Uint8Array.from(Buffer.from('02280816')), '02280816'],
    [
      'in hexadecimal when it has more than eight digits',
      serverId('ISK', 100_000_000),
      '0A0149534B0005F5E100',
    ],
    ['as nothing where all is zero', new Uint8Array(10), null],
  ])('is given %s', (_how, id, serial) => {
    expect(decode([], id).meter.serial).toBe(serial);
  });

  it('is taken from the objects that name the meter where the server id says nothing', () => {
    expect(decode([numberObject(serverId('EMH', 12_345_678))], new Uint8Array(10)).meter.serial).toBe(
      '1EMH0012345678',
    );
  });
});

describe('what meters do otherwise than the standard', () => {
  const entries = [{ obis: ENERGY, unit: 30, scaler: -1, value: { uint: 19n } }];
  const CHECKSUMS = ['x25', 'kermit'] as const;
  const codeOf = (manufacturer: string, messageChecksum: 'x25' | 'kermit', frameChecksum: 'x25' | 'kermit') =>
    decodeSmlCapture(
      encodeTelegram({ serverId: serverId(manufacturer, 5), entries, messageChecksum, frameChecksum }),
    )[0]?.code;

  it('HOLLEY_KERMIT: the other checksum counts of Holley meters, in all messages at once', () => {
    const found = CHECKSUMS.flatMap((message) => CHECKSUMS.map((frame) => codeOf('HLY', message, frame)));
    expect(found).toEqual([null, 'sml.checksum', null, null]);
  });

  it('HOLLEY_KERMIT: the other checksum does not count of any other meter', () => {
    const found = CHECKSUMS.flatMap((message) => CHECKSUMS.map((frame) => codeOf('ISK', message, frame)));
    expect(found).toEqual([null, 'sml.checksum', 'sml.message_checksum', 'sml.checksum']);
  });

  it('HOLLEY_KERMIT: no changed byte of such a telegram changes a value', () => {
    for (const frameChecksum of CHECKSUMS) {
      const whole = encodeTelegram({
        serverId: serverId('HLY', 5),
        entries,
        messageChecksum: 'kermit',
        frameChecksum,
      });
      for (let index = 0; index < whole.length; index++) {
        for (let change = 1; change < 256; change += 3) {
          const bytes = whole.slice();
          bytes[index] = (bytes[index] ?? 0) ^ change;
          const good = decodeSmlCapture(bytes).filter(({ ok }) => ok);
          if (good.length > 0) expect(good.map(shown)).toEqual([['1-0:1.8.0*255 1.9 Wh G']]);
        }
      }
    }
  });

  it('HOLLEY_UNTAGGED_TIME: a bare number of seconds is a time', () => {
    const { ok, sensorTime, values } = decode(
      [{ obis: ENERGY, unit: 30, time: { uint: 5n }, value: { uint: 1n } }],
      serverId('HLY', 5),
      { uint: 4n },
    );
    expect(ok).toBe(true);
    expect(sensorTime).toEqual({ kind: 'secondIndex', seconds: 4 });
    expect(values[0]?.time).toEqual({ kind: 'secondIndex', seconds: 5 });
  });

  it.each([
    ['of an old DVS74 is unsigned where it came short', 42_082_910, 2, '356.24'],
    ['of an old DVS74 of the second range too', 55_000_000, 2, '356.24'],
    ['of an old DVS74 is negative where it came in four bytes', 42_082_910, 4, '-299.12'],
    ['of a newer DVS74 is negative', 60_694_611, 2, '-299.12'],
    ['of a DWSB20, which sends it rightly, is negative', 40_051_478, 2, '-299.12'],
  ])('DZG_UNSIGNED_POWER: the power %s', (_what, number, bytes, expected) => {
    const value = { int: -29_912n, bytes };
    const { values } = decode([{ obis: POWER, unit: 27, scaler: -2, value }], serverId('DZG', number));
    expect(values.map((entry) => formatDecimal(entry.value))).toEqual([expected]);
  });

  it('DZG_UNSIGNED_POWER: nothing else of that meter, and no other meter, is read so', () => {
    const value = { int: -29_912n };
    const phase = { obis: [1, 0, 36, 7, 0, 255], unit: 27, scaler: -2, value };
    const power = { obis: POWER, unit: 27, scaler: -2, value };
    const read = (entry: SmlEntry, id: Uint8Array) => formatDecimal(decode([entry], id).values[0]!.value);
    expect(read(phase, serverId('DZG', 42_082_910))).toBe('-299.12');
    expect(read(power, serverId('ISK', 42_082_910))).toBe('-299.12');
  });
});
