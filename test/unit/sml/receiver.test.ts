import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import {
  decodeSmlCapture,
  MAX_TELEGRAM_BYTES,
  SmlReceiver,
  type SmlTelegram,
} from '../../../hal/driver/sml/index.ts';
import {
  concat,
  encodeElement,
  encodeFrame,
  encodeMessage,
  encodeTelegram,
  serverId,
  smlSeeds,
  type SmlElement,
} from '../../support/meters/sml-encoder.ts';

const ENERGY = [1, 0, 1, 8, 0, 255];
const START = Uint8Array.of(0x1b, 0x1b, 0x1b, 0x1b, 1, 1, 1, 1);
const ESCAPE = START.subarray(0, 4);

function telegramOf(tenths: bigint, text = Uint8Array.of(0x41)): Uint8Array {
  return encodeTelegram({
    serverId: serverId('ISK', 70_342_571),
    entries: [
      { obis: [1, 0, 96, 50, 1, 1], value: text },
      { obis: ENERGY, unit: 30, scaler: -1, value: { uint: tenths } },
    ],
  });
}

/** Energy of each telegram, or the code of its refusal. */
function story(telegrams: readonly SmlTelegram[]): (string | null)[] {
  return telegrams.map(({ ok, code, values }) => (ok ? formatDecimal(values.at(-1)!.value) : code));
}

function energies(bytes: Uint8Array): (string | null)[] {
  return story(decodeSmlCapture(bytes)).filter((entry) => entry?.startsWith('sml.') !== true);
}

/** Bytes without the beginnings that would make a telegram of them. */
const noise = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => bytes.map((byte) => (byte === 0x1b ? 0x1c : byte)));
const tenths = fc.bigInt(0n, (1n << 64n) - 1n);
/** Full of escape bytes, ones and end bytes. */
const treacherousText = fc
  .array(fc.constantFrom(0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x1a, 0x00), { minLength: 1, maxLength: 60 })
  .map((bytes) => Uint8Array.from(bytes));

describe('telegrams in a stream', () => {
  it('are the same however the stream is split', () => {
    const parts = fc.array(
      fc.oneof(
        noise,
        tenths.map((value) => telegramOf(value)),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(parts, fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (streamed, sizes) => {
        const stream = concat(...streamed);
        const receiver = new SmlReceiver();
        const telegrams: SmlTelegram[] = [];
        for (let offset = 0, chunk = 0; offset < stream.length; chunk++) {
          const size = sizes[chunk % sizes.length] ?? 1;
          telegrams.push(...receiver.push(stream.subarray(offset, offset + size)));
          offset += size;
        }
        expect([...telegrams, ...receiver.end()]).toEqual(decodeSmlCapture(stream));
      }),
      { numRuns: 60 },
    );
  });

  it('are all found, in order, with noise between them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, tenths), { minLength: 1, maxLength: 5 }), noise, (parts, last) => {
        const stream = concat(...parts.flatMap(([before, value]) => [before, telegramOf(value)]), last);
        const expected = parts.map(([, value]) => formatDecimal({ mantissa: value, exponent: -1 }));
        expect(story(decodeSmlCapture(stream))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('carry any text, escape bytes and false starts and ends in it included', () => {
    fc.assert(
      fc.property(treacherousText, tenths, (text, value) => {
        const stream = concat(telegramOf(value, text), telegramOf(7n));
        expect(story(decodeSmlCapture(stream))).toEqual([
          formatDecimal({ mantissa: value, exponent: -1 }),
          '0.7',
        ]);
      }),
      { numRuns: 300 },
    );
  });

  it('that were cut anywhere cost none of the telegrams beside them', () => {
    fc.assert(
      fc.property(treacherousText, fc.nat(), fc.nat(), (text, from, to) => {
        const middle = telegramOf(5n, text);
        const [begin, end] = [from % middle.length, to % middle.length].sort((a, b) => a - b);
        const stream = concat(telegramOf(1n), middle.subarray(begin, end), telegramOf(2n));
        expect(energies(stream)).toEqual(['0.1', '0.2']);
      }),
      { numRuns: 500 },
    );
  });

  it('with one byte changed are refused, or say the same', () => {
    fc.assert(
      fc.property(treacherousText, fc.nat(), fc.integer({ min: 1, max: 255 }), (text, position, change) => {
        const bytes = telegramOf(123n, text);
        const index = position % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        const found = energies(concat(bytes, telegramOf(9n)));
        expect([['0.9'], ['12.3', '0.9']]).toContainEqual(found);
      }),
      { numRuns: 1_000 },
    );
  });

  it('with one byte lost or doubled are refused, and the next one is not', () => {
    const bytes = telegramOf(123n, Uint8Array.of(0x1b, 0x1b, 0x1b, 0x1b, 0x1b));
    for (let index = 0; index < bytes.length; index++) {
      const lost = concat(bytes.subarray(0, index), bytes.subarray(index + 1));
      const doubled = concat(bytes.subarray(0, index + 1), bytes.subarray(index));
      expect(energies(concat(lost, telegramOf(9n))).at(-1)).toBe('0.9');
      expect(energies(concat(doubled, telegramOf(9n))).at(-1)).toBe('0.9');
      expect([['0.9'], ['12.3', '0.9']]).toContainEqual(energies(concat(doubled, telegramOf(9n))));
      expect([['0.9'], ['12.3', '0.9']]).toContainEqual(energies(concat(lost, telegramOf(9n))));
    }
  });
});

describe('a telegram that is refused', () => {
  it('for its missing beginning is reported once, at its end', () => {
    expect(story(decodeSmlCapture(concat(telegramOf(1n).subarray(20), telegramOf(2n))))).toEqual([
      'sml.cut',
      '0.2',
    ]);
  });

  it('for its missing end is reported when the next one begins, or the data end', () => {
    const cut = telegramOf(1n).subarray(0, 60);
    expect(story(decodeSmlCapture(concat(cut, telegramOf(2n), cut)))).toEqual(['sml.cut', '0.2', 'sml.cut']);
  });

  it('right after an escape does not take the next one with it', () => {
    const stream = concat(telegramOf(1n).subarray(0, 60), ESCAPE, telegramOf(2n));
    expect(story(decodeSmlCapture(stream))).toEqual(['sml.checksum', '0.2']);
  });

  it('for an escape of no meaning is reported once, its end not again', () => {
    const whole = telegramOf(1n);
    const stream = concat(whole.subarray(0, 60), ESCAPE, Uint8Array.of(9, 9, 9, 9), whole.subarray(60));
    expect(story(decodeSmlCapture(concat(stream, telegramOf(2n))))).toEqual(['sml.escape', '0.2']);
  });

  it('for transport version 2 says so by its escape', () => {
    const stream = concat(START, Uint8Array.of(1, 2, 3), ESCAPE, Uint8Array.of(2, 2, 2, 2));
    expect(story(decodeSmlCapture(stream))).toEqual(['sml.escape']);
  });

  it('for having no end within the limit is reported once, and the next one is found', () => {
    const stream = concat(START, new Uint8Array(3 * MAX_TELEGRAM_BYTES).fill(0x55), telegramOf(2n));
    expect(story(decodeSmlCapture(stream))).toEqual(['sml.too_long', '0.2']);
  });

  it('has no values and no serial number', () => {
    const bytes = telegramOf(1n);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    const [telegram] = decodeSmlCapture(bytes);
    expect(telegram).toMatchObject({ ok: false, meter: { serial: null }, values: [], sensorTime: null });
    expect(telegram?.why).toMatch(/checksum/);
  });

  it('leaves the receiver ready: a stream that ended does not reach into the next', () => {
    const receiver = new SmlReceiver();
    expect(story(receiver.push(telegramOf(1n).subarray(0, 60)))).toEqual([]);
    expect(story(receiver.end())).toEqual(['sml.cut']);
    expect(receiver.end()).toEqual([]);
    expect(story(receiver.push(telegramOf(2n)))).toEqual(['0.2']);
  });
});

describe('a frame whose checksum holds', () => {
  const message = (tag: number, content: SmlElement) => encodeMessage(tag, content);
  it.each([
    ['no message', new Uint8Array(0)],
    ['something that is no message', encodeElement([null, null])],
    ['a list response that is none', message(0x701, [null, null])],
    ['an entry that is none', message(0x701, [null, null, null, null, [[null]], null, null])],
    ['a number for a list of values', message(0x701, [null, null, null, null, { uint: 1n }, null, null])],
    ['a text for a time', message(0x701, [null, null, null, Uint8Array.of(1), [], null, null])],
    ['something after its last message', concat(message(0x201, [null]), Uint8Array.of(1))],
  ])('is refused as malformed with %s', (_what, file) => {
    expect(story(decodeSmlCapture(encodeFrame(file)))).toEqual(['sml.malformed']);
  });

  it('is refused for the wrong checksum of one message in it', () => {
    const damaged = encodeMessage(0x101, [null, null, null, serverId('ISK', 1), null, null]);
    damaged[25] = (damaged[25] ?? 0) ^ 1;
    const file = concat(damaged, encodeMessage(0x201, [null]));
    expect(story(decodeSmlCapture(encodeFrame(file)))).toEqual(['sml.message_checksum']);
  });

  it('is good without values when it is no list response', () => {
    const open = encodeMessage(0x101, [null, null, null, serverId('ISK', 12_345), null, null]);
    expect(decodeSmlCapture(encodeFrame(open))).toMatchObject([
      { ok: true, why: null, meter: { serial: '1ISK0000012345' }, values: [] },
    ]);
  });

  it('is good where the end of a message is left out', () => {
    const list = [null, serverId('ISK', 1), null, null, [], null, null];
    const file = concat(encodeMessage(0x701, list).subarray(0, -1), encodeMessage(0x201, [null]));
    expect(decodeSmlCapture(encodeFrame(file))).toMatchObject([{ ok: true }]);
  });
});

describe('arbitrary bytes', () => {
  it('never make the receiver throw, nor say a value', () => {
    const lure = fc.constantFrom<Uint8Array>(START, ESCAPE, Uint8Array.of(...ESCAPE, 0x1a), ...smlSeeds());
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      lure.chain((bytes) => fc.nat(bytes.length - 1).map((length) => bytes.subarray(0, length))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const telegrams = decodeSmlCapture(concat(...pieces));
        expect(telegrams.filter(({ ok }) => ok)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('full of starts hidden in escapes cost time in proportion to their number', () => {
    const hidden = concat(ESCAPE, START);
    const bytes = concat(START, ...Array.from({ length: 5_000 }, () => hidden), telegramOf(3n));
    const begin = performance.now();
    expect(energies(bytes)).toEqual(['0.3']);
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});
