import { Sign1 } from '@auth0/cose';
import { encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { obis, QUALITIES, UNITS, type Quality } from '../../../hal/contract/index.ts';
import { identityFromSeed, verifyEd25519 } from '../../../src/identity/index.ts';
import {
  CLOCK_STEP_REASONS,
  METER_RECORD_RESULTS,
  RETENTION_REASONS,
  decodeEntry,
  type CommandBody,
  encodeEntry,
  ENTRY_CONTENT_TYPE,
  verifyEntry,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import { ORIGIN, reading, SIGNER, START_MS } from '../../support/journal/journal-fixture.ts';

const STAMP = {
  station: ORIGIN,
  index: 7,
  timeMs: START_MS,
  clock: 'S',
  bootCount: 2,
  sinceBootMs: 123_456,
} as const;
const ENTRY: JournalEntry = { ...STAMP, kind: 'reading', body: reading(3) };
const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const uint = fc.nat();
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
const range = fc.tuple(fc.nat(), fc.nat()).map(([from, length]) => ({ from, to: from + length + 1 }));
const point = fc.uint8Array({ minLength: 65, maxLength: 65 });
const value = fc.record({
  obis: fc.tuple(fc.nat(255), fc.nat(255)).map(([c, d]) => obis(`1-0:${c}.${d}.0*255`)),
  value: fc.record({
    exponent: fc.integer({ min: -64, max: 64 }),
    mantissa: fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
  }),
  unit: fc.constantFrom(...UNITS),
  quality: fc.constantFrom(...(Object.keys(QUALITIES) as Quality[])),
});
const sample = fc
  .record({
    meterSerial: text,
    profileId: text,
    begin: uint,
    took: uint,
    values: fc.array(value, { maxLength: 5 }),
  })
  .map(({ begin, took, ...rest }) => ({ ...rest, readBeginMonoMs: begin, readEndMonoMs: begin + took }));
const meterRecord = fc.record({
  format: text,
  encoding: text,
  data: text,
  result: fc.constantFrom(...METER_RECORD_RESULTS),
  why: text,
});
const session = fc.oneof(
  fc.record({ sessionId: text, evseId: text, reading: sample }),
  fc.record({ sessionId: text, evseId: text, reading: sample, ocmf: text }),
  fc.record({ sessionId: text, evseId: text, reading: sample, meterRecord, meterId: text }),
);
const clock = fc.constantFrom('U', 'I', 'S', 'R');
const bodies = {
  boot: fc.record({
    bootId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    software: text,
    birthKey: digest,
    birth: fc.record({ chainAccount: digest, ocmfKey: point }),
    opening: uint,
  }),
  reading: sample,
  'meter-swap': fc.record({ meterId: text, profileId: text, oldSerial: text, newSerial: text }),
  'clock-step': fc.oneof(
    fc.record({ stepMs: fc.integer(), before: clock, after: clock }),
    fc.record({
      ...{ stepMs: fc.integer(), before: clock, after: clock, source: text, maxErrorMs: fc.nat() },
      reason: fc.constantFrom(...CLOCK_STEP_REASONS),
    }),
  ),
  config: fc.oneof(
    fc.record({ digest, reason: text }),
    fc.record({
      reason: text,
      rotation: fc.record({
        ...{ oldKey: digest, newKey: digest, chainAccount: digest, ocmfKey: point },
        signature: fc.uint8Array({ minLength: 64, maxLength: 64 }),
      }),
    }),
  ),
  gap: fc.oneof(
    fc.record({ meterId: text, fromMonoMs: uint, toMonoMs: uint, missing: uint, reason: text }),
    fc.record(
      {
        reason: fc.constantFrom(...RETENTION_REASONS),
        ranges: fc.array(range),
        dropped: fc.array(fc.record({ kind: fc.constant('reading'), entries: uint })),
        stretch: range,
        keepSpan: uint,
        root: digest,
      },
      { requiredKeys: ['reason', 'ranges', 'dropped', 'stretch', 'root'] },
    ),
  ),
  'session-begin': session,
  'session-end': session,
  tariff: fc.record({ tariffId: text, sessionId: text, tariff: text }),
  fault: fc.record(
    {
      ...{ code: text, message: text, facts: fc.array(fc.record({ name: text, value: text })) },
      holes: fc.array(fc.tuple(uint, fc.integer({ min: 1 })).map(([from, n]) => ({ from, to: from + n }))),
      tree: fc.record({ size: uint, root: digest }),
    },
    { requiredKeys: ['code', 'message'] },
  ),
  command: fc.oneof(
    fc.record({ command: text, operator: text, digest, outcome: fc.constant('accepted') }),
    fc.record(
      {
        ...{ command: text, operator: text, digest, outcome: fc.constant('refused'), code: text },
        count: fc.integer({ min: 1 }),
      },
      { requiredKeys: ['command', 'digest', 'outcome', 'code'] },
    ),
  ),
};
const entries = fc.oneof(
  ...Object.entries(bodies).map(([kind, body]) =>
    fc.record(
      {
        station: text,
        index: fc.maxSafeNat(),
        timeMs: fc.maxSafeNat(),
        clock,
        bootCount: uint,
        sinceBootMs: uint,
        ...(kind === 'reading' ? {} : { previous: fc.maxSafeNat() }),
        kind: fc.constant(kind),
        body: body as fc.Arbitrary<unknown>,
      },
      { requiredKeys: ['station', 'index', 'timeMs', 'clock', 'bootCount', 'sinceBootMs', 'kind', 'body'] },
    ),
  ),
) as fc.Arbitrary<JournalEntry>;

describe('an entry', () => {
  it('of every kind is read back as it was written, and its signature verifies', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(verifyEntry(encodeEntry(entry, SIGNER), SIGNER.publicKey)).toEqual(entry);
      }),
      { numRuns: 300 },
    );
  });

  it('is refused when any bit of it is turned', () => {
    const bytes = encodeEntry(ENTRY, SIGNER);
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Uint8Array.from(bytes);
        changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
        expect(() => verifyEntry(changed, SIGNER.publicKey)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^journal\.entry_/) as string }),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('is refused when it is cut short or followed by something', () => {
    const bytes = encodeEntry(ENTRY, SIGNER);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeEntry(bytes.subarray(0, length))).toThrow(code('entry_malformed'));
    }
    expect(() => decodeEntry(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(code('entry_malformed'));
  });

  it('is COSE_Sign1 to an independent COSE implementation', async () => {
    const bytes = encodeEntry(ENTRY, SIGNER);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(SIGNER.publicKey).toString('base64url') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const message = Sign1.decode(bytes);
    await expect(message.verify(key)).resolves.toBeUndefined();
    const other = createPublicKey({
      key: { ...jwk, x: Buffer.from(SIGNER.chainAccount.publicKey).toString('base64url') },
      format: 'jwk',
    });
    await expect(Sign1.decode(bytes).verify(other)).rejects.toThrow();
    expect(message.protectedHeaders).toEqual(
      new Map<number, unknown>([
        [1, -8],
        [3, ENTRY_CONTENT_TYPE],
        [4, expect.anything()],
      ]),
    );
    expect(hex(message.protectedHeaders.get(4) as Uint8Array)).toBe(hex(SIGNER.keyId));
  });

  it('of another key is told from one with a wrong signature', () => {
    const other = identityFromSeed(new Uint8Array(32).fill(8));
    expect(() => verifyEntry(encodeEntry(ENTRY, other), SIGNER.publicKey)).toThrow(code('entry_foreign_key'));
    const forger = { ...SIGNER, sign: (message: Uint8Array) => other.sign(message) };
    expect(() => verifyEntry(encodeEntry(ENTRY, forger), SIGNER.publicKey)).toThrow(
      code('entry_bad_signature'),
    );
  });

  it('names its own key, whichever key the entry read before it had', () => {
    const other = identityFromSeed(new Uint8Array(32).fill(8));
    for (const signer of [SIGNER, other, other, SIGNER, other]) {
      const decoded = decodeEntry(encodeEntry(ENTRY, signer));
      expect(hex(decoded.keyId)).toBe(hex(signer.keyId));
      expect(verifyEd25519(signer.publicKey, decoded.signedBytes, decoded.signature)).toBe(true);
    }
  });

  it.each([
    ['accepted, of nobody', { outcome: 'accepted' }],
    ['accepted, with a reason against it', { outcome: 'accepted', operator: 'o', code: 'remote.stale' }],
    ['accepted, more than once', { outcome: 'accepted', operator: 'o', count: 2 }],
    ['refused without a reason', { outcome: 'refused' }],
    ['refused not even once', { outcome: 'refused', code: 'remote.stale', count: 0 }],
    ['neither accepted nor refused', { outcome: 'seen', code: 'remote.stale' }],
    ['accepted, by half a digest', { outcome: 'accepted', operator: 'o', digest: new Uint8Array(16) }],
  ])('of a command that is %s is not written', (_what, given) => {
    const body = { command: 'doctor', digest: new Uint8Array(32), ...given } as CommandBody;
    expect(() => encodeEntry({ ...ENTRY, kind: 'command', body }, SIGNER)).toThrow(code('entry_invalid'));
  });

  it('keeps a reading interval that contains the true one', () => {
    const body = { ...reading(0), readBeginMonoMs: 10.9, readEndMonoMs: 20.1 };
    const { entry } = decodeEntry(encodeEntry({ ...ENTRY, kind: 'reading', body }, SIGNER));
    expect(entry.body).toMatchObject({ readBeginMonoMs: 10, readEndMonoMs: 21 });
  });

  it.each([
    ['a mantissa of more than 64 bits', { ...reading(0), values: [wild(2n ** 64n, 0)] }],
    ['a negative mantissa of more than 64 bits', { ...reading(0), values: [wild(-(2n ** 64n) - 1n, 0)] }],
    ['a wild exponent', { ...reading(0), values: [wild(1n, 65)] }],
    ['a time that is no number', { ...reading(0), readBeginMonoMs: NaN }],
    [
      'an interval that ends before it begins',
      { ...reading(0), readBeginMonoMs: 2_000, readEndMonoMs: 1_000 },
    ],
    ['half a surrogate pair', { ...reading(0), meterSerial: '\ud800' }],
    ['more bytes than a row may have', { ...reading(0), meterSerial: 'x'.repeat(65_536) }],
  ])('with %s is not written', (_what, body) => {
    expect(() => encodeEntry({ ...ENTRY, kind: 'reading', body }, SIGNER)).toThrow(code('entry_invalid'));
  });
});

function wild(mantissa: bigint, exponent: number) {
  return { ...reading(0, 1).values[0]!, value: { mantissa, exponent } };
}

describe('an entry in another encoding', () => {
  const bytes = encodeEntry(ENTRY, SIGNER);
  const [header, payload] = splitSign1(bytes);

  /** Signed properly, so that only its form can be the reason for a refusal. */
  function signed(
    protectedHeader: Uint8Array,
    body: Uint8Array,
    unprotected = new Map<number, unknown>(),
    tag = 18,
  ) {
    const toSign = encode(['Signature1', protectedHeader, new Uint8Array(0), body], rfc8949EncodeOptions);
    const message = new Tagged(tag, [protectedHeader, unprotected, body, SIGNER.sign(toSign)]);
    return encode(message, rfc8949EncodeOptions);
  }
  const headerWith = (change: [number, unknown]) =>
    encode(
      new Map<number, unknown>([[1, -8], [3, ENTRY_CONTENT_TYPE], [4, SIGNER.keyId], change]),
      rfc8949EncodeOptions,
    );
  const edit = (from: string, to: string) => {
    expect(hex(payload)).toContain(from);
    return signed(header, Buffer.from(hex(payload).replace(from, to), 'hex'));
  };

  it('is the same bytes when the encoding is the right one', () => {
    expect(hex(signed(header, payload))).toBe(hex(bytes));
  });

  it.each([
    ['another algorithm', () => signed(headerWith([1, -7]), payload)],
    ['another content type', () => signed(headerWith([3, 'application/cbor']), payload)],
    ['a kid of another length', () => signed(headerWith([4, SIGNER.publicKey]), payload)],
    ['an unknown header', () => signed(headerWith([16, 1]), payload)],
    ['an unprotected header', () => signed(header, payload, new Map([[4, SIGNER.keyId]]))],
    ['another tag', () => signed(header, payload, new Map(), 98)],
    ['no tag', () => bytes.subarray(1)],
    ['an integer longer than needed (index 7)', () => edit('0207', '021807')],
    ['keys out of order', () => edit('0207036772656164696e67', '036772656164696e670207')],
    ['a map of indefinite length', () => signed(header, Buffer.from(`bf${hex(payload).slice(2)}ff`, 'hex'))],
    ['a key twice', () => edit('0207', '02070207')],
    ['an unknown key', () => signed(header, Buffer.from(`a8${hex(payload).slice(2)}0900`, 'hex'))],
    [
      'a reading that names an entry before it',
      () => signed(header, Buffer.from(`a8${hex(payload).slice(2)}0800`, 'hex')),
    ],
    ['an unknown kind', () => edit(hex(Buffer.from('reading')), hex(Buffer.from('reedimg')))],
    ['a decimal that is a float', () => edit('c482201a000186a3', 'fb40c388b333333333')],
    ['a unit that is none', () => edit('625768', '625858')],
    ['a negative index', () => edit('0207', '0226')],
  ])('is refused: %s', (_what, make) => {
    expect(() => decodeEntry(make())).toThrow(code('entry_malformed'));
  });
});

/** Protected header and payload, cut out by hand: d2 84, then byte strings with two-byte and three-byte heads. */
function splitSign1(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const buffer = Buffer.from(bytes);
  const headerEnd = 4 + buffer[3]!;
  const payloadStart = headerEnd + (buffer[headerEnd + 1] === 0x58 ? 3 : 4);
  const length = buffer[headerEnd + 1] === 0x58 ? buffer[headerEnd + 2]! : buffer.readUInt16BE(headerEnd + 2);
  return [buffer.subarray(4, headerEnd), buffer.subarray(payloadStart, payloadStart + length)];
}
