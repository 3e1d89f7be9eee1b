import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusalLedger, type Judgement, type RemoteErrorCode } from '../../../src/remote/index.ts';
import type { CommandBody } from '../../../src/journal/index.ts';

type Refused = Extract<Judgement, { verdict: 'refused' }>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function refused(code: RemoteErrorCode, number = 0, operator?: string): Refused {
  return {
    ...({ verdict: 'refused', code, command: 'doctor', nonce: null, isAnswered: false } as const),
    ...{ error: { code, message: 'm', hint: null }, digest: new Uint8Array(32).fill(number) },
    ...(operator !== undefined && { operator }),
  };
}

/** What a station does: writes what is due the moment it is, and what comes of a refusal at once. */
function written(
  ledger: RefusalLedger,
  refusals: readonly (readonly [at: number, one: Refused])[],
  until: number,
) {
  const entries: { at: number; body: CommandBody }[] = [];
  const drain = (to: number): void => {
    for (let at = ledger.nextDueMonoMs(); at !== undefined && at <= to; at = ledger.nextDueMonoMs()) {
      for (const body of ledger.due(at)) entries.push({ at, body });
    }
  };
  for (const [at, one] of refusals) {
    drain(at);
    const body = ledger.add(one, at);
    if (body !== undefined) entries.push({ at, body });
  }
  drain(until);
  return entries;
}

describe('refusals on record', () => {
  it('are an entry at once, and say who and what', () => {
    expect(new RefusalLedger().add(refused('remote.expired', 7, 'anna'), 5)).toEqual({
      ...{ command: 'doctor', operator: 'anna', digest: new Uint8Array(32).fill(7) },
      ...{ outcome: 'refused', code: 'remote.expired', count: 1 },
    });
  });

  it('that come within a minute are one entry, with the last one’s digest and the count of all', () => {
    const ledger = new RefusalLedger();
    ledger.add(refused('remote.stale'), 0);
    for (let i = 1; i <= 50; i++) expect(ledger.add(refused('remote.stale', i), i * 1_000)).toBeUndefined();
    expect(ledger.nextDueMonoMs()).toBe(MINUTE);
    expect(ledger.due(MINUTE - 1)).toEqual([]);
    expect(ledger.due(MINUTE)).toMatchObject([{ count: 50, digest: new Uint8Array(32).fill(50) }]);
    expect(ledger.nextDueMonoMs()).toBeUndefined();
    expect(ledger.due(DAY)).toEqual([]);
  });

  it('of one reason do not keep those of another waiting', () => {
    const ledger = new RefusalLedger();
    expect(ledger.add(refused('remote.malformed'), 0)).toBeDefined();
    expect(ledger.add(refused('remote.replayed'), 1)).toBeDefined();
  });

  it('are all counted, once, and no two entries of a reason are within a minute', () => {
    const codes = ['remote.malformed', 'remote.unknown_key', 'remote.replayed'] as const;
    const arrivals = fc
      .array(
        fc.tuple(fc.oneof(fc.nat(5_000), fc.nat(2 * HOUR), fc.nat(2 * DAY)), fc.constantFrom(...codes)),
        {
          maxLength: 80,
        },
      )
      .map((steps) => {
        let at = 0;
        return steps.map(([step, code]) => [(at += step), refused(code)] as const);
      });
    fc.assert(
      fc.property(arrivals, (all) => {
        const ledger = new RefusalLedger();
        const last = all.at(-1)?.[0] ?? 0;
        const entries = written(ledger, all, last);
        const rest = ledger.rest(last);
        for (const code of codes) {
          const own = entries.filter(({ body }) => body.code === code);
          const counts = [...own.map(({ body }) => body), ...rest.filter((body) => body.code === code)];
          const sum = counts.reduce((total, { count = 0 }) => total + count, 0);
          expect(sum).toBe(all.filter(([, one]) => one.code === code).length);
          const gaps = own.slice(1).map(({ at }, i) => at - (own[i]?.at ?? 0));
          expect(Math.min(MINUTE, ...gaps)).toBe(MINUTE);
        }
        expect(ledger.rest(last)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('of a stranger who never stops are some thirty entries a day', () => {
    const flood = Array.from(
      { length: DAY / 5_000 },
      (_, i) => [i * 5_000, refused('remote.bad_signature')] as const,
    );
    const ledger = new RefusalLedger();
    const entries = written(ledger, flood, DAY);
    expect(entries.length).toBeGreaterThan(20);
    expect(entries.length).toBeLessThanOrEqual(31);
    const all = [...entries.map(({ body }) => body), ...ledger.rest(DAY)];
    expect(all.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(flood.length);
  });

  it('that nobody came to write for a day are not forgotten', () => {
    const ledger = new RefusalLedger();
    ledger.add(refused('remote.replayed'), 0);
    expect(ledger.add(refused('remote.replayed'), 1)).toBeUndefined();
    expect(ledger.add(refused('remote.replayed', 3), 2 * DAY)).toMatchObject({
      count: 2,
      digest: new Uint8Array(32).fill(3),
    });
  });

  it('begin anew after a quiet day', () => {
    const ledger = new RefusalLedger();
    const flood = Array.from({ length: 720 }, (_, i) => [i * 30_000, refused('remote.expired')] as const);
    written(ledger, flood, 8 * HOUR);
    const quiet = 719 * 30_000 + DAY;
    expect(ledger.add(refused('remote.expired'), quiet)).toMatchObject({ count: 1 });
    expect(ledger.add(refused('remote.expired'), quiet + 1)).toBeUndefined();
    expect(ledger.nextDueMonoMs()).toBe(quiet + MINUTE);
  });
});
