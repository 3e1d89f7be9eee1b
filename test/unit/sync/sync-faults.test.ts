import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FaultConditions,
  type FaultEffect,
  isBalanceLow,
  newFaults,
  raisedFaults,
  REST_MS,
  stepFaults,
  SYNC_FAULT_CODES,
  type SyncFaultCode,
} from '../../../src/sync/status/sync-faults.ts';

const MINUTE = 60_000;

function conditions(given: Partial<Record<SyncFaultCode, boolean>>): FaultConditions {
  const of = (code: SyncFaultCode) => ({ holds: given[code], facts: [] });
  return Object.fromEntries(SYNC_FAULT_CODES.map((code) => [code, of(code)])) as unknown as FaultConditions;
}

/** What is told of one code when its condition is looked at each minute. */
function told(code: SyncFaultCode, minutes: readonly (boolean | undefined)[], raised?: ReadonlySet<string>) {
  let states = newFaults(0, raised);
  const effects: [minute: number, type: FaultEffect['type']][] = [];
  for (const [minute, holds] of minutes.entries()) {
    const step = stepFaults(
      states,
      conditions(holds === undefined ? {} : { [code]: holds }),
      minute * MINUTE,
    );
    states = step.next;
    for (const effect of step.effects) effects.push([minute, effect.type]);
  }
  return { effects, raised: raisedFaults(states) };
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('faults of syncing', () => {
  it('raises a light client without peers after half an hour, once, and clears it after a minute with one', () => {
    const { effects, raised } = told('sync.no_peers', [...times(300, true), ...times(10, false)]);
    expect(effects).toEqual([
      [30, 'raise'],
      [301, 'clear'],
    ]);
    expect(raised).toEqual([]);
  });

  it('counts on while nobody can say, as between two tries of a gateway', () => {
    const { effects } = told('sync.no_peers', [true, ...times(40, undefined)]);
    expect(effects).toEqual([[30, 'raise']]);
  });

  it('says nothing of a condition that comes and goes', () => {
    const flapping = Array.from({ length: 600 }, (_, minute) => minute % 2 === 0);
    expect(told('sync.no_peers', flapping).effects).toEqual([]);
    expect(told('sync.finality_stale', flapping).effects).toEqual([]);
  });

  it('raises what needs no patience at once, and not again for an hour after it was cleared', () => {
    const { effects } = told('sync.low_balance', [true, false, ...times(100, true)]);
    expect(effects).toEqual([
      [0, 'raise'],
      [1, 'clear'],
      [1 + REST_MS / MINUTE, 'raise'],
    ]);
  });

  it('neither repeats what the journal has as raised nor leaves it open', () => {
    const before = new Set(['sync.anchor_overdue', 'some.other_fault']);
    expect(told('sync.anchor_overdue', times(90, true), before).effects).toEqual([]);
    expect(told('sync.anchor_overdue', [true, false], before).effects).toEqual([[1, 'clear']]);
    expect(told('sync.low_balance', times(9, undefined), before).raised).toEqual(['sync.anchor_overdue']);
  });

  it('whatever happens, raises and clears in turn and at most once an hour', () => {
    const minutes = fc.array(fc.constantFrom(true, false, undefined), { maxLength: 400 });
    fc.assert(
      fc.property(fc.constantFrom(...SYNC_FAULT_CODES), minutes, (code, given) => {
        const { effects, raised } = told(code, given);
        for (const [i, [minute, type]] of effects.entries()) {
          expect(type).toBe(i % 2 === 0 ? 'raise' : 'clear');
          const before = effects[i - 1];
          if (before?.[1] === 'clear') expect(minute - before[0]).toBeGreaterThanOrEqual(REST_MS / MINUTE);
        }
        expect(raised).toEqual(effects.at(-1)?.[1] === 'raise' ? [code] : []);
      }),
    );
  });
});

describe('a low balance', () => {
  it('is below the limit, good again with a quarter more, and in between what it was', () => {
    expect(isBalanceLow('999', '1000')).toBe(true);
    expect(isBalanceLow('1000', '1000')).toBeUndefined();
    expect(isBalanceLow('1249', '1000')).toBeUndefined();
    expect(isBalanceLow('1250', '1000')).toBe(false);
  });

  it('is exact where a float is not', () => {
    expect(isBalanceLow('90071992547409920', '90071992547409921')).toBe(true);
  });

  it('is not judged without a balance or a limit', () => {
    expect([isBalanceLow(null, '1'), isBalanceLow('1', null)]).toEqual([undefined, undefined]);
  });
});
