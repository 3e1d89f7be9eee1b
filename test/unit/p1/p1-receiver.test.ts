import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import {
  crc16Arc,
  createP1Receiver,
  decodeP1Capture,
  type P1Telegram,
} from '../../../hal/driver/p1/index.ts';
import {
  bitwiseCrc16Arc,
  encodeP1,
  exampleP1Telegram,
  fixedNumber,
  p1Line,
} from '../../support/meters/p1-encoder.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const bytesOf = (latin1: string): Uint8Array => Buffer.from(latin1, 'latin1');
const codes = (telegrams: readonly P1Telegram[]): (string | null)[] => telegrams.map(({ code }) => code);
const importOf = (telegram: P1Telegram | undefined): string | undefined => {
  const value = telegram?.values.find(({ obis }) => obis === '1-0:1.8.1*255')?.value;
  return value && formatDecimal(value);
};

/** Bytes in which no telegram can begin. */
const noise = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => bytes.map((byte) => ((byte & 0x7f) === 0x2f || byte === 0xdb ? 0x2e : byte)));
const register = fc.nat({ max: 999_999_999 });
const chunks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

function inChunks(bytes: Uint8Array, sizes: readonly number[]): P1Telegram[] {
  const receiver = createP1Receiver();
  const telegrams: P1Telegram[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    telegrams.push(...receiver.receive(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...telegrams, ...receiver.end()];
}

describe('a P1 receiver', () => {
  it('computes the CRC as its bitwise definition does', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => crc16Arc(bytes) === bitwiseCrc16Arc(bytes)));
    expect(crc16Arc(bytesOf('123456789'))).toBe(0xbb3d);
  });

  it('reads back what was encoded, to the last digit', () => {
    fc.assert(
      fc.property(register, register, (energy, reactive) => {
        const lines = [
          p1Line({ obis: '1-0:1.8.0', groups: [`${fixedNumber(energy)}*kWh`] }),
          p1Line({ obis: '1-0:3.8.0', groups: [`${fixedNumber(reactive)}*kvarh`] }),
        ];
        const [telegram] = decodeP1Capture(encodeP1('TST5X', lines));
        expect(telegram?.values).toEqual([
          {
            obis: '1-0:1.8.0*255',
            value: { mantissa: BigInt(energy), exponent: 0 },
            unit: 'Wh',
            quality: 'G',
          },
          {
            obis: '1-0:3.8.0*255',
            value: { mantissa: BigInt(reactive), exponent: 0 },
            unit: 'varh',
            quality: 'G',
          },
        ]);
      }),
    );
  });

  it('passes no value on when any one byte of a telegram with CRC was changed', () => {
    const telegram = exampleP1Telegram(1_234_567);
    const length = telegram.length - 2; // the CR LF after the CRC says nothing
    fc.assert(
      fc.property(fc.nat({ max: length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Uint8Array.from(telegram);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        expect(decodeP1Capture(damaged).filter(({ ok }) => ok)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('passes no value on when any one byte of a telegram with CRC was lost or doubled', () => {
    const telegram = exampleP1Telegram(1_234_567);
    for (let at = 0; at < telegram.length - 2; at++) {
      const lost = Buffer.concat([telegram.subarray(0, at), telegram.subarray(at + 1)]);
      const doubled = Buffer.concat([telegram.subarray(0, at + 1), telegram.subarray(at)]);
      // Two slashes, or a fifth digit after the CRC, leave the telegram itself whole.
      const harmless = at === 0 || at >= telegram.length - 3;
      expect(
        decodeP1Capture(lost).some(({ ok }) => ok),
        `byte ${at} lost`,
      ).toBe(false);
      expect(
        decodeP1Capture(doubled).some(({ ok }) => ok),
        `byte ${at} doubled`,
      ).toBe(harmless);
    }
  });

  it('gives the same telegrams however the bytes are cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(register, { minLength: 1, maxLength: 3 }),
        noise,
        chunks,
        (energies, junk, sizes) => {
          const stream = Buffer.concat(energies.flatMap((energy) => [exampleP1Telegram(energy), junk]));
          expect(inChunks(stream, sizes)).toEqual(decodeP1Capture(stream));
        },
      ),
    );
  });

  it('finds every telegram between noise', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, register), { minLength: 1, maxLength: 4 }), (parts) => {
        const stream = Buffer.concat(parts.flatMap(([junk, energy]) => [junk, exampleP1Telegram(energy)]));
        const good = decodeP1Capture(stream).filter(({ ok }) => ok);
        expect(good.map(importOf)).toEqual(parts.map(([, energy]) => String(energy)));
      }),
    );
  });

  it('refuses a telegram that was cut, wherever it was cut, and reads the next one glued to it', () => {
    const first = exampleP1Telegram(1111);
    const second = exampleP1Telegram(2222);
    for (let end = 6; end < first.length - 2; end++) {
      const telegrams = decodeP1Capture(Buffer.concat([first.subarray(0, end), second]));
      expect(telegrams.filter(({ ok }) => ok).map(importOf), `cut at ${end}`).toEqual(['2222']);
    }
    for (let begin = 1; begin < first.length - 10; begin++) {
      const telegrams = decodeP1Capture(Buffer.concat([first.subarray(begin), second]));
      expect(telegrams.filter(({ ok }) => ok).map(importOf), `begun at ${begin}`).toEqual(['2222']);
    }
  });

  it('says why it refused, in the order of the telegrams', () => {
    const good = exampleP1Telegram(5);
    const wrongCrc = bytesOf(text(good).replace('000000.005', '000000.006'));
    const noCrc = bytesOf(text(good).replace(/![0-9A-F]{4}/, '!'));
    const badDigit = bytesOf(text(good).replace(/![0-9A-F]/, '!g'));
    const cut = good.subarray(0, 200);
    const stream = Buffer.concat([good.subarray(100), wrongCrc, noCrc, badDigit, good, cut]);
    expect(codes(decodeP1Capture(stream))).toEqual([
      'p1.cut',
      'p1.crc',
      'p1.crc_missing',
      'p1.crc',
      null,
      'p1.cut',
    ]);
  });

  it('holds no more than one telegram of bounded size', () => {
    const receiver = createP1Receiver();
    const endless = bytesOf(`/TST5X\r\n${'1-0:1.8.0(000001.000*kWh)\r\n'.repeat(2000)}`);
    const refused = [...receiver.receive(endless), ...receiver.receive(endless.subarray(8))];
    expect(codes(refused)).toEqual(['p1.too_long']);
    expect(codes(receiver.receive(exampleP1Telegram(7)))).toEqual([null]);
  });

  it('never throws, whatever arrives', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 300 }).map((s) => bytesOf(`/TST5X\r\n${s}\r\n!\r\n`)),
      fc
        .array(
          fc.constantFrom(
            '/TST5X\r\n',
            '1-0:1.8.1',
            '(',
            ')',
            '*kWh',
            '0123.4',
            '\r\n',
            '!',
            '!0000',
            '/',
            '\x80',
          ),
        )
        .map((parts) => bytesOf(parts.join(''))),
    );
    fc.assert(
      fc.property(anything, (bytes) => void decodeP1Capture(bytes)),
      { numRuns: 3000 },
    );
  });
});

describe('a telegram without CRC', () => {
  const lines = [
    '0-0:96.1.1(4B41)',
    '1-0:1.8.1(08689.832*kWh)',
    '1-0:1.8.2(03163.821*kWh)',
    '1-0:1.7.0(0000.33*kW)',
  ];
  const old = encodeP1('KMP5 KA6U', lines, { crc: false });

  it('counts when it is of DSMR 2.2 or 3.0, and says that nothing checked it', () => {
    expect(decodeP1Capture(old)).toMatchObject([{ ok: true, checked: false, version: null }]);
  });

  it.each([
    '1-3:0.2.8(40)',
    '0-0:1.0.0(210217184019W)',
    '0-0:96.1.4(50217)',
    '0-1:24.2.1(101209112500W)(1.0*m3)',
  ])('is refused when %s shows that a CRC was lost', (line) => {
    const telegram = encodeP1('KMP5 KA6U', [...lines, line], { crc: false });
    expect(codes(decodeP1Capture(telegram))).toEqual(['p1.crc_missing']);
  });

  it.each([
    ['1-0:1.8.1(0869.832*kWh)', 'a digit was lost'],
    ['1-0:1.8.1(086899.832*kWh)', 'a digit was added'],
    ['1-0:1.8.1(08689.832*kWh', 'a parenthesis was lost'],
    ['1-0:1.8.1(08689-832*kWh)', 'a character of a number was changed'],
    ['1-081.8.1(08689.832*kWh)', 'a character of a code was changed'],
  ])('is refused when it has %s: %s', (line) => {
    const telegram = encodeP1('KMP5 KA6U', [line, '1-0:1.8.2(03163.821*kWh)'], { crc: false });
    expect(codes(decodeP1Capture(telegram))).toEqual(['p1.malformed']);
  });

  it('is refused when it was put together from two telegrams', () => {
    const first = text(old).slice(0, text(old).indexOf('1-0:1.7.0'));
    const second = text(old).slice(text(old).indexOf('1-0:1.8.2'));
    expect(codes(decodeP1Capture(bytesOf(first + second)))).toEqual(['p1.malformed']);
  });

  it('is judged by the parity of its characters where the port delivers it', () => {
    const withParity = old.map((byte) => {
      const ones = [...byte.toString(2)].filter((bit) => bit === '1').length;
      return ones % 2 === 0 ? byte : byte | 0x80;
    });
    expect(decodeP1Capture(withParity)).toMatchObject([{ ok: true, meter: { serial: 'KA' } }]);
    for (let at = 0; at < withParity.length - 3; at++) {
      const damaged = Uint8Array.from(withParity);
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      expect(
        decodeP1Capture(damaged).some(({ ok }) => ok),
        `byte ${at}`,
      ).toBe(false);
    }
  });
});

describe('what a P1 telegram says beside its values', () => {
  it('is that a sub-meter was never read: it has no value then', () => {
    const lines = [
      '0-1:96.1.0()',
      '0-1:24.2.1(700101010000W)(00000000)',
      '0-2:24.2.1(632525252525W)(00000.000*m3)',
    ];
    const [telegram] = decodeP1Capture(encodeP1('TST5X', lines));
    expect(telegram).toMatchObject({ ok: true, values: [] });
    expect(telegram?.subMeters).toEqual([
      { channel: 1, serial: null, readAt: null },
      { channel: 2, serial: null, readAt: null },
    ]);
  });

  it('is when a sub-meter was read', () => {
    const [telegram] = decodeP1Capture(exampleP1Telegram(1));
    expect(telegram?.subMeters).toEqual([
      { channel: 1, serial: 'G0000000000000002', readAt: '2024-07-09T08:30:00+02:00' },
    ]);
  });

  it('is that it is encrypted', () => {
    const header = Uint8Array.of(0xdb, 0x08, 0x53, 0x41, 0x47, 1, 2, 3, 4, 5, 0x82, 0x00, 0x40);
    const frame = Buffer.concat([header, new Uint8Array(0x40).fill(0x2f)]);
    expect(codes(decodeP1Capture(Buffer.concat([frame, exampleP1Telegram(1), frame])))).toEqual([
      'p1.encrypted',
      null,
      'p1.encrypted',
    ]);
  });
});
