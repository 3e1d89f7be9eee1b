import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  faultOf,
  FAULTS,
  NO_MEMORY,
  stepHealth,
  type FaultCode,
  type HealthMemory,
  type HealthState,
  type Look,
} from '../../../src/health/index.ts';

function look(code: FaultCode, holds: boolean | undefined, subject?: string): Look {
  return {
    check: faultOf(code).check,
    ...(subject !== undefined && { subject }),
    normal: { state: 'ok', detail: 'well' },
    conditions: [{ code, holds, detail: 'as it is' }],
  };
}

/** Every raise and clear of one condition, by when it came. */
function told(
  code: FaultCode,
  looks: readonly { readonly at: number; readonly holds: boolean | undefined }[],
) {
  let memory: HealthMemory = NO_MEMORY;
  return looks.flatMap(({ at, holds }) => {
    const { next, changes, items } = stepHealth(memory, [look(code, holds)], at);
    memory = next;
    const [item] = items;
    expect(items).toHaveLength(1);
    return changes.map(({ type }) => ({ type, at, shown: item?.state }));
  });
}

describe('the steps of the health list', () => {
  it('raise after the time in the catalogue, clear after the other, and say since when', () => {
    const { raiseMs, clearMs, severity } = faultOf('telemetry.disconnected');
    let memory: HealthMemory = NO_MEMORY;
    const at = (nowMonoMs: number, holds: boolean) => {
      const step = stepHealth(memory, [look('telemetry.disconnected', holds)], nowMonoMs);
      memory = step.next;
      return step;
    };
    expect(at(0, false).items).toMatchObject([{ state: 'ok', sinceMs: 0, code: null, advice: null }]);
    expect(at(1_000, true).items).toMatchObject([{ state: 'ok', sinceMs: 0 }]);
    expect(at(1_000 + raiseMs - 1, true).changes).toEqual([]);
    const raised = at(1_000 + raiseMs, true);
    expect(raised.changes).toMatchObject([{ type: 'raise', code: 'telemetry.disconnected' }]);
    expect(raised.items).toMatchObject([
      {
        check: 'broker',
        state: severity,
        code: 'telemetry.disconnected',
        sinceMs: 1_000,
        detail: 'as it is',
      },
    ]);
    expect(raised.items[0]?.advice).toBe(FAULTS['telemetry.disconnected'].advice);
    const goneAt = 2_000 + raiseMs;
    expect(at(goneAt, false).items).toMatchObject([{ code: 'telemetry.disconnected' }]);
    expect(at(goneAt + clearMs - 1, false).items[0]?.detail).toContain('no more for');
    const cleared = at(goneAt + clearMs, false);
    expect(cleared.changes).toMatchObject([{ type: 'clear' }]);
    expect(cleared.items).toMatchObject([{ state: 'ok', sinceMs: goneAt + clearMs }]);
  });

  it('keep what was known while nobody can say', () => {
    const at = (index: number, holds: boolean | undefined) => ({ at: index * 60_000, holds });
    const looks = [at(0, true), at(1, undefined), at(2, undefined), at(3, false), at(4, undefined)];
    expect(told('line.not_open', looks).map(({ type }) => type)).toEqual(['raise', 'clear']);
  });

  it('call a thing well until something is raised, once it was known to be', () => {
    const line = (state: 'ok' | 'unknown', holds: boolean): Look => ({
      ...look('line.not_open', holds, 'rs485'),
      normal: { state, detail: state },
    });
    let memory: HealthMemory = NO_MEMORY;
    const states = (['unknown', 'ok', 'unknown', 'ok', 'unknown'] as const).map((state, index) => {
      const { next, items } = stepHealth(memory, [line(state, false)], index * 1_000);
      memory = next;
      return items.map((item) => [item.state, item.detail, item.sinceMs]);
    });
    expect(states.flat()).toEqual([
      ['unknown', 'unknown', 0],
      ['ok', 'ok', 1_000],
      ['ok', 'unknown', 1_000],
      ['ok', 'ok', 1_000],
      ['ok', 'unknown', 1_000],
    ]);
  });

  it('show every condition of a thing that is raised, worst first, and the thing itself once it has none', () => {
    const both: Look = {
      check: 'memory',
      subject: 'core',
      normal: { state: 'ok', detail: 'well' },
      conditions: [
        { code: 'memory.near_limit', holds: true, detail: '96 %' },
        { code: 'memory.at_limit', holds: true, detail: '96 %' },
      ],
    };
    const first = stepHealth(NO_MEMORY, [look('clock.unknown', undefined), both], 0);
    const later = stepHealth(first.next, [look('clock.unknown', undefined), both], 60_000);
    expect(later.items.map(({ state, code, subject }) => [state, code, subject])).toEqual([
      ['fault', 'memory.at_limit', 'core'],
      ['warning', 'memory.near_limit', 'core'],
      ['ok', null, undefined],
    ]);
  });

  it('tell one thing from another by its subject', () => {
    const looks = [look('meter.silent', true, 'a'), look('meter.silent', false, 'b')];
    const { items } = stepHealth(NO_MEMORY, looks, 0);
    expect(items.map(({ subject, state }) => [subject, state])).toEqual([
      ['a', 'fault'],
      ['b', 'ok'],
    ]);
  });

  const codes = Object.keys(FAULTS) as FaultCode[];
  const story = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 1, max: 200_000 }),
      holds: fc.constantFrom(true, false, undefined),
    }),
    { minLength: 1, maxLength: 80 },
  );

  it('never flap: raises and clears take turns, each only after it has been so without a break for its time', () => {
    fc.assert(
      fc.property(fc.constantFrom(...codes), story, (code, steps) => {
        let at = 0;
        const looks = steps.map(({ afterMs, holds }) => ({ at: (at += afterMs), holds }));
        const changes = told(code, looks);
        changes.forEach(({ type, at: when, shown }, index) => {
          const wanted = type === 'raise';
          expect(wanted).toBe(index % 2 === 0);
          // The list shows a change with the step that makes it.
          expect(shown === 'ok').toBe(!wanted);
          const patience = wanted ? faultOf(code).raiseMs : faultOf(code).clearMs;
          const contrary = looks.findLast((one) => one.at <= when && one.holds === !wanted)?.at ?? -1;
          const since = looks.find((one) => one.at > contrary && one.holds === wanted)?.at ?? Infinity;
          expect(when - since).toBeGreaterThanOrEqual(patience);
        });
      }),
    );
  });

  it('forget nothing that lasts and remember no more than there are conditions', () => {
    fc.assert(
      fc.property(fc.array(fc.subarray(codes, { minLength: 1 }), { maxLength: 30 }), (rounds) => {
        let memory: HealthMemory = NO_MEMORY;
        let shown: readonly HealthState[] = [];
        rounds.forEach((holding, round) => {
          const looks = codes.map((code) => look(code, holding.includes(code)));
          const step = stepHealth(memory, looks, round * 600_000);
          memory = step.next;
          shown = step.items.map(({ state }) => state);
        });
        expect(memory.conditions.size).toBeLessThanOrEqual(codes.length);
        const order = ['fault', 'warning', 'unknown', 'ok'];
        expect(shown.map((state) => order.indexOf(state))).toEqual(
          shown.map((state) => order.indexOf(state)).sort((a, b) => a - b),
        );
      }),
      { numRuns: 30 },
    );
  });
});
