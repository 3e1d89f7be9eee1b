import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandGate, GATE_LIMITS, signCommand, type GateLimits } from '../../../src/remote/index.ts';
import { bytesOf, nonceOf, NOW_MS, STATION, TestOperator } from '../../support/remote/command-fixture.ts';

const anna = new TestOperator('anna');
const stranger = new TestOperator('stranger');

const OPEN = { burst: 1_000_000, everyMs: 1 };

/** A gate with challenges that can be told apart, and a wall clock that goes with time since boot. */
function gateOf(limits: Partial<GateLimits> = {}) {
  let challenges = 0;
  const gate = new CommandGate({
    ...{ station: STATION, operators: [anna.as('read')], limits },
    randomBytes: () => nonceOf(1_000 + challenges++),
  });
  const judge = (bytes: Uint8Array, nowMonoMs = 0) =>
    gate.judge(bytes, { nowMonoMs, wallTimeMs: NOW_MS, clockStatus: 'S' });
  const command = (nonce: number, by = anna, challenge = gate.challenge): Uint8Array =>
    signCommand(
      {
        ...{ station: STATION, challenge: bytesOf(challenge), nonce: nonceOf(nonce), notAfterMs: NOW_MS + 1 },
        ...{ command: 'doctor', parameters: {} },
      },
      by,
    );
  const codeOf = (bytes: Uint8Array, nowMonoMs = 0): string => {
    const judged = judge(bytes, nowMonoMs);
    return judged.verdict === 'refused' ? judged.code : judged.verdict;
  };
  return { gate, judge, command, codeOf };
}

describe('the gate of commands', () => {
  it('lets each through once', () => {
    const { command, codeOf } = gateOf();
    const [first, second] = [command(1), command(2)];
    expect([first, first, second, first, second].map((bytes) => codeOf(bytes))).toEqual([
      ...['accepted', 'remote.replayed', 'accepted', 'remote.replayed', 'remote.replayed'],
    ]);
  });

  it('does not let through later what it refused because too many were obeyed', () => {
    const { command, codeOf } = gateOf({ looked: OPEN, obeyed: { burst: 1, everyMs: 60_000 } });
    const refused = command(2);
    expect([codeOf(command(1)), codeOf(refused)]).toEqual(['accepted', 'remote.too_many']);
    expect(codeOf(refused, 60_000)).toBe('remote.replayed');
    expect(codeOf(command(3), 60_000)).toBe('accepted');
  });

  it('lets nothing through that was signed before the service started anew', () => {
    const before = gateOf();
    const seen = before.command(1);
    expect(before.codeOf(seen)).toBe('accepted');
    const unseen = before.command(2);
    const after = new CommandGate({
      ...{ station: STATION, operators: [anna.as('read')], randomBytes: () => nonceOf(7) },
    });
    for (const bytes of [seen, unseen])
      expect(after.judge(bytes, { nowMonoMs: 0, wallTimeMs: NOW_MS, clockStatus: 'U' })).toMatchObject({
        code: 'remote.stale',
      });
  });

  it('makes a new challenge when it remembers as many nonces as it may, and refuses all that is older', () => {
    const { gate, judge, command, codeOf } = gateOf({ looked: OPEN, obeyed: OPEN, nonces: 50 });
    expect(GATE_LIMITS.nonces).toBe(1_000);
    const first = gate.challenge;
    const late = command(999_999);
    const seen = Array.from({ length: 50 }, (_, i) => command(i));
    const verdicts = seen.map((bytes) => judge(bytes));
    expect(verdicts.every(({ verdict }) => verdict === 'accepted')).toBe(true);
    const told = verdicts.map((judged) => (judged.verdict === 'accepted' ? judged.newChallenge : undefined));
    expect(told.slice(0, -1).every((challenge) => challenge === undefined)).toBe(true);
    expect(told.at(-1)).toBe(gate.challenge);
    expect(gate.challenge).not.toBe(first);
    expect([late, ...seen.slice(0, 20)].map((bytes) => codeOf(bytes))).toEqual(
      Array(21).fill('remote.stale'),
    );
    // The same nonce under the new challenge is another command.
    expect(codeOf(command(1))).toBe('accepted');
  });

  it('looks at ten at once and two a second after that, whoever sends them', () => {
    const { command, codeOf } = gateOf();
    const flood = Array.from({ length: 30 }, () => codeOf(command(1, stranger)));
    expect(flood.filter((code) => code === 'remote.unknown_key')).toHaveLength(10);
    expect(flood.slice(10)).toEqual(Array(20).fill('remote.too_many'));
    const good = command(1);
    expect(codeOf(good, 499)).toBe('remote.too_many');
    // It was never looked at, so it is still good.
    expect(codeOf(good, 500)).toBe('accepted');
  });

  it('answers nobody whom it has not looked at, and who has asked too much is told how long to wait', () => {
    const { judge, command } = gateOf({ obeyed: { burst: 2, everyMs: 60_000 } });
    const verdicts = [1, 2, 3].map((nonce) => judge(command(nonce), 10));
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted', 'refused']);
    expect(verdicts[2]).toMatchObject({ code: 'remote.too_many', isAnswered: true, operator: 'anna' });
    const { hint = '' } = verdicts[2]?.verdict === 'refused' ? verdicts[2].error : {};
    expect(hint).toContain(' 60 s');
    expect(judge(command(4), 60_009)).toMatchObject({ code: 'remote.too_many' });
    expect(judge(command(5), 60_010)).toMatchObject({ verdict: 'accepted' });
    const flooded = gateOf({ looked: { burst: 1, everyMs: 500 } });
    flooded.judge(flooded.command(1));
    expect(flooded.judge(flooded.command(2))).toMatchObject({ isAnswered: false, nonce: null });
  });

  it('names what it judged by the digest of its bytes', () => {
    const { judge, command } = gateOf();
    const [good, bad] = [command(1), Uint8Array.of(1, 2, 3)];
    expect(Buffer.from(judge(bad).digest).toString('hex')).toBe(
      '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    );
    expect(judge(good).digest).not.toEqual(judge(bad).digest);
  });

  it('does as a model of it does, whatever comes in whatever order', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('new' as const), nonce: fc.nat(6) }),
      fc.record({ does: fc.constant('again' as const), which: fc.nat() }),
      fc.record({ does: fc.constant('forge' as const), nonce: fc.nat(6) }),
      fc.record({ does: fc.constant('noise' as const) }),
      fc.record({ does: fc.constant('wait' as const), ms: fc.nat(1_500) }),
    );
    const limits = { looked: { burst: 4, everyMs: 500 }, obeyed: { burst: 3, everyMs: 2_000 }, nonces: 3 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { gate, command, codeOf } = gateOf(limits);
        const sent: Uint8Array[] = [];
        const obeyedEver = new Set<string>();
        // In thousandths of a token, so that the model counts in whole numbers.
        let [now, looked, obeyed, challenge] = [0, 4_000, 3_000, gate.challenge];
        let used = new Set<string>();
        const expected = (nonce: string, signedFor: string, isForged: boolean, isNoise: boolean): string => {
          if (looked < 1_000) return 'remote.too_many';
          looked -= 1_000;
          if (isNoise) return 'remote.malformed';
          if (isForged) return 'remote.unknown_key';
          if (signedFor !== challenge) return 'remote.stale';
          if (used.has(nonce)) return 'remote.replayed';
          if (obeyed < 1_000) return 'remote.too_many';
          obeyed -= 1_000;
          used.add(nonce);
          return 'accepted';
        };
        const facts = new Map<Uint8Array, { nonce: string; signedFor: string }>();
        for (const one of steps) {
          if (one.does === 'wait') {
            now += one.ms;
            looked = Math.min(4_000, looked + one.ms * 2);
            obeyed = Math.min(3_000, obeyed + one.ms / 2);
            continue;
          }
          const again = one.does === 'again' ? sent[one.which % Math.max(sent.length, 1)] : undefined;
          const number = 'nonce' in one ? one.nonce : 0;
          const bytes =
            again ??
            (one.does === 'noise'
              ? Uint8Array.of(0xd2)
              : command(number, one.does === 'forge' ? stranger : anna));
          const known = facts.get(bytes) ?? { nonce: String(number), signedFor: challenge };
          const isForged = one.does === 'forge';
          if (!isForged && one.does !== 'noise') {
            facts.set(bytes, known);
            sent.push(bytes);
          }
          const verdict = codeOf(bytes, now);
          expect(verdict).toBe(expected(known.nonce, known.signedFor, isForged, one.does === 'noise'));
          if (verdict === 'accepted') {
            const id = Buffer.from(bytes).toString('hex');
            expect(obeyedEver.has(id)).toBe(false);
            obeyedEver.add(id);
          }
          if (used.size === limits.nonces) {
            used = new Set();
            challenge = gate.challenge;
          }
          expect(gate.challenge).toBe(challenge);
        }
      }),
      { numRuns: 40 },
    );
  });
});
