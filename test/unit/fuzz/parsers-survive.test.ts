import { describe, expect, it } from 'vitest';
import { fuzzTarget } from '../../fuzz/fuzz-run.ts';
import { TARGETS } from '../../fuzz/targets.ts';

/** The full run is `npm run fuzz`; this one shows that nothing obvious has broken. Slow parsers get fewer inputs. */
const RUNS = 2_000;
const SLOW_RUNS = 100;
const SLOW_BELOW = 150_000;

describe('every parser, fed damaged inputs', () => {
  it.each(TARGETS.map((target) => ({ name: target.name, target })))(
    'answers with its own error or a result: $name',
    ({ target }) => {
      const runs = target.fullRuns < SLOW_BELOW ? SLOW_RUNS : RUNS;
      const seeds = target.seeds.map((seed) => new Uint8Array(seed));
      // A busy machine makes everything slow: time is judged in the full run.
      const result = fuzzTarget({ ...target, maxMs: Infinity }, { runs, seed: 1 });
      expect(result.failure).toBeNull();
      expect(result.runs).toBe(runs);
      // A seed that were changed would make all later inputs worthless.
      expect(target.seeds.map((seed) => new Uint8Array(seed))).toEqual(seeds);
      // Seeds are good inputs, so something must have been accepted; damage must have been noticed.
      expect(result.accepted).toBeGreaterThan(0);
      expect(result.accepted).toBeLessThan(runs);
    },
  );
});
