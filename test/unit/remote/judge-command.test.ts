import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeCommand,
  MAX_COMMAND_BYTES,
  readCommand,
  signCommand,
  type CommandFacts,
  type CommandLaw,
  type CommandToSign,
} from '../../../src/remote/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { anyEncoding } from '../../support/remote/any-encoding.ts';
import {
  bytesOf,
  CHALLENGE,
  commandOf,
  FACTS,
  nonceOf,
  NOW_MS,
  STATION,
  TestOperator,
} from '../../support/remote/command-fixture.ts';

const anna = new TestOperator('anna');
const bert = new TestOperator('bert!');
const stranger = new TestOperator('stranger');
const LAW: CommandLaw = {
  ...{ station: STATION, challenge: CHALLENGE, usedNonces: new Set<string>() },
  operators: [anna.as('read'), bert.as('act')],
};

function verdictOf(
  bytes: Uint8Array,
  facts: Partial<CommandFacts> = {},
  law: Partial<CommandLaw> = {},
): string {
  const judged = judgeCommand(bytes, { ...FACTS, ...facts }, { ...LAW, ...law });
  return judged.verdict === 'refused' ? judged.code : judged.verdict;
}

/** What is wrong with a command, in the order in which it is looked at. */
const FAULTS = [
  ['remote.unknown_key', 'remote.bad_signature'],
  ['remote.other_station'],
  ['remote.stale', 'retained'],
  ['remote.expired'],
  ['remote.replayed'],
  ['remote.unknown_command', 'remote.not_allowed', 'remote.bad_parameters'],
] as const;
type Fault = (typeof FAULTS)[number][number];

function judgedWith(faults: ReadonlySet<Fault>) {
  const given: Partial<CommandToSign> = {
    ...(faults.has('remote.other_station') && { station: 'DE-ACME-0002' }),
    ...(faults.has('remote.stale') && { challenge: nonceOf(9) }),
    ...(faults.has('remote.expired') && { notAfterMs: NOW_MS - 1 }),
    ...(faults.has('remote.unknown_command') && { command: 'reboot' }),
    ...(faults.has('remote.not_allowed') && { command: 'sync now' }),
    ...(faults.has('remote.bad_parameters') && { parameters: { never: 1 } }),
  };
  const liar = { publicKey: anna.publicKey, sign: stranger.sign } as TestOperator;
  const by = faults.has('remote.unknown_key') ? stranger : faults.has('remote.bad_signature') ? liar : anna;
  const usedNonces = new Set(faults.has('remote.replayed') ? [Buffer.from(nonceOf(1)).toString('hex')] : []);
  return judgeCommand(
    commandOf(by, given),
    { ...FACTS, isRetained: faults.has('retained') },
    { ...LAW, usedNonces },
  );
}

describe('a command', () => {
  it('that is good in every respect is accepted, and says who asked for what', () => {
    expect(judgeCommand(commandOf(bert, { command: 'sync now' }), FACTS, LAW)).toEqual({
      ...{ verdict: 'accepted', command: { name: 'sync now', parameters: {} } },
      ...{ operator: bert.as('act'), nonce: '00000000000000000000000000000001', isExpiryJudged: true },
    });
  });

  it('is refused for the first thing that is wrong with it, whatever else is', () => {
    const someFaults = fc.tuple(...FAULTS.map((kinds) => fc.option(fc.constantFrom(...kinds))));
    fc.assert(
      fc.property(someFaults, (chosen) => {
        const faults = new Set(chosen.filter((fault) => fault !== null));
        const [first] = chosen.filter((fault) => fault !== null);
        const judged = judgedWith(faults);
        const expected = first === 'retained' ? 'remote.stale' : (first ?? 'accepted');
        expect(judged.verdict === 'refused' ? judged.code : judged.verdict).toBe(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('is answered when a known key signed it, and only then', () => {
    for (const fault of FAULTS.flat()) {
      const judged = judgedWith(new Set([fault]));
      const isStranger = fault === 'remote.unknown_key' || fault === 'remote.bad_signature';
      expect(judged).toMatchObject({ verdict: 'refused', isAnswered: !isStranger });
      expect('operator' in judged ? judged.operator : undefined, fault).toBe(isStranger ? undefined : 'anna');
    }
    expect(judgeCommand(bytesOf('00'), FACTS, LAW)).toMatchObject({
      isAnswered: false,
      command: '',
      nonce: null,
    });
  });

  it('with any byte changed is refused, and nobody is answered', () => {
    const good = commandOf(anna);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(good);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(judgeCommand(changed, FACTS, LAW)).toMatchObject({ verdict: 'refused', isAnswered: false });
      }),
      { numRuns: 250 },
    );
  });

  it('that is cut short, or followed by something, is none', () => {
    const good = commandOf(anna);
    for (let length = 0; length < good.length; length++)
      expect(verdictOf(good.subarray(0, length)), String(length)).toBe('remote.malformed');
    expect(verdictOf(Buffer.concat([good, Buffer.of(0)]))).toBe('remote.malformed');
  });

  it('in any encoding but the canonical one is none, though its signature fits it', () => {
    const header = [
      [1, -8],
      [3, 'application/vnd.delmonicos.command+cbor'],
      [4, Buffer.from(anna.as('read').keyId, 'hex')],
    ] as const;
    const payload = [
      [1, STATION],
      [2, bytesOf(CHALLENGE)],
      [3, nonceOf(1)],
      [4, NOW_MS + 60_000],
      [5, 'doctor'],
      [6, '{}'],
    ] as const;
    const canonical = commandOf(anna);
    let accepted = 0;
    fc.assert(
      fc.property(anyEncoding(header), anyEncoding(payload), (loseHeader, losePayload) => {
        const signature = anna.sign(encode(['Signature1', loseHeader, new Uint8Array(0), losePayload]));
        const message = Buffer.concat([
          Buffer.of(0xd2),
          encode([loseHeader, new Map(), losePayload, signature]),
        ]);
        const isCanonical = Buffer.compare(message, canonical) === 0;
        if (isCanonical) accepted++;
        expect(verdictOf(message)).toBe(isCanonical ? 'accepted' : 'remote.malformed');
      }),
      { numRuns: 200 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it.each([
    ['a key too many', new Map<number, string | number>([[7, 'x']])],
    ['a challenge of another length', new Map([[2, new Uint8Array(15)]])],
    ['a nonce that is text', new Map([[3, '0123456789abcdef']])],
    ['a time before 1970', new Map([[4, -1]])],
    ['a time that is text', new Map([[4, '1795435200000']])],
    ['parameters that are bytes', new Map([[6, new Uint8Array(2)]])],
  ])('with %s is none', (_what, changed) => {
    const { envelope } = readCommand(commandOf(anna));
    const payload = encode(new Map<number, unknown>([...envelope.payload, ...changed]));
    const header = encode(
      new Map<number, unknown>([
        [1, -8],
        [3, envelope.contentType],
        [4, envelope.keyId],
      ]),
    );
    const signature = anna.sign(encode(['Signature1', header, new Uint8Array(0), payload]));
    const message = Buffer.concat([Buffer.of(0xd2), encode([header, new Map(), payload, signature])]);
    expect(verdictOf(message)).toBe('remote.malformed');
  });

  it('is not made when it would not be taken', () => {
    const order = { station: STATION, challenge: bytesOf(CHALLENGE), nonce: nonceOf(1), notAfterMs: NOW_MS };
    const sign = (given: Partial<CommandToSign>) => () =>
      signCommand({ ...order, command: 'doctor', parameters: {}, ...given }, anna);
    expect(sign({ parameters: { session: 'x'.repeat(MAX_COMMAND_BYTES) } })).toThrow(
      hasCode('remote.malformed'),
    );
    expect(sign({ nonce: new Uint8Array(8) })).toThrow(hasCode('remote.malformed'));
    expect(sign({ notAfterMs: -1 })).toThrow(hasCode('remote.malformed'));
  });
});

describe('the time of a command', () => {
  const TEN_MINUTES = 600_000;
  it.each([
    ['S', NOW_MS - 1, 'remote.expired'],
    ['S', NOW_MS, 'accepted'],
    ['S', NOW_MS + TEN_MINUTES, 'accepted'],
    ['S', NOW_MS + TEN_MINUTES + 1, 'remote.expired'],
    ['I', NOW_MS - 1, 'remote.expired'],
    ['I', NOW_MS + TEN_MINUTES + 1, 'remote.expired'],
    ['R', NOW_MS - 1, 'remote.expired'],
    ['R', NOW_MS + TEN_MINUTES + 1, 'remote.expired'],
    ['U', NOW_MS - 1, 'accepted'],
    ['U', 0, 'accepted'],
    ['U', Number.MAX_SAFE_INTEGER, 'accepted'],
  ] as const)('by a clock of status %s: %d is %s', (clockStatus, notAfterMs, expected) => {
    expect(verdictOf(commandOf(anna, { notAfterMs }), { clockStatus })).toBe(expected);
  });

  it('is not held against it where the clock is unknown, and the answer can say so', () => {
    const judge = (clockStatus: CommandFacts['clockStatus']) =>
      judgeCommand(commandOf(anna), { ...FACTS, clockStatus }, LAW);
    expect(judge('U')).toMatchObject({ verdict: 'accepted', isExpiryJudged: false });
    expect(judge('R')).toMatchObject({ verdict: 'accepted', isExpiryJudged: true });
  });

  it('that is over comes with the station’s own, and signed relative to it the command is obeyed', () => {
    // The station's clock is 26 years behind, and it thinks that it knows the time.
    const wallTimeMs = Date.UTC(2000, 0, 1) + 0.75;
    const refused = judgeCommand(commandOf(anna), { wallTimeMs, clockStatus: 'S' }, LAW);
    expect(refused).toMatchObject({ code: 'remote.expired', error: { stationTimeMs: Date.UTC(2000, 0, 1) } });
    const { stationTimeMs = 0 } = refused.verdict === 'refused' ? refused.error : {};
    const again = commandOf(anna, { notAfterMs: stationTimeMs + 60_000 });
    expect(verdictOf(again, { wallTimeMs })).toBe('accepted');
  });
});

describe('a refusal', () => {
  it('for a challenge that is over comes with the one that holds', () => {
    const judged = judgeCommand(commandOf(anna, { challenge: nonceOf(9) }), FACTS, LAW);
    expect(judged).toMatchObject({ error: { code: 'remote.stale', challenge: CHALLENGE } });
  });

  it('is small and harmless on a terminal, whatever was asked', () => {
    const evil = '\u001b[2J\u009b\u202e\u0000'.repeat(60);
    const orders: Partial<CommandToSign>[] = [
      { station: evil },
      { command: evil },
      { parameters: { [evil]: 1 } },
      { command: 'journal proof', parameters: { index: evil } },
      { command: 'meter read', parameters: { meter: [evil] } },
      { command: 'meter read', parameters: { meter: evil } },
      { command: 'journal receipt', parameters: { indices: [evil] } },
      { command: 'journal receipt', parameters: { session: evil.repeat(2) } },
      { command: 'log level', parameters: { level: evil, forMs: evil } },
      {
        command: 'meter trace',
        parameters: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])),
      },
    ];
    for (const order of orders) {
      const judged = judgeCommand(commandOf(anna, order), FACTS, { ...LAW, operators: [anna.as('act')] });
      const { message = '' } = judged.verdict === 'refused' ? judged.error : {};
      expect(message.length).toBeGreaterThan(10);
      expect(message.length).toBeLessThan(500);
      expect(message).not.toMatch(/\p{Cc}|\p{Cf}/u);
    }
  });
});
