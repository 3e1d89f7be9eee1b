import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/remote/index.ts';

describe('a bucket of tokens', () => {
  const size = fc.record({ burst: fc.integer({ min: 1, max: 5 }), everyMs: fc.integer({ min: 1, max: 50 }) });
  const moments = fc
    .array(fc.nat(60), { maxLength: 60 })
    .map((steps) => steps.reduce<number[]>((all, step) => [...all, (all.at(-1) ?? 0) + step], []));

  it('gives in no stretch of time more than its burst and what has come since', () => {
    fc.assert(
      fc.property(size, moments, ({ burst, everyMs }, times) => {
        const bucket = new TokenBucket({ burst, everyMs });
        const taken = times.filter((at) => bucket.take(at));
        for (const [i, from] of taken.entries())
          for (const [j, to] of taken.entries())
            if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(burst + Math.floor((to - from) / everyMs));
      }),
    );
  });

  it('says how long it takes until there is one, to the millisecond', () => {
    fc.assert(
      fc.property(size, moments, ({ burst, everyMs }, times) => {
        const bucket = new TokenBucket({ burst, everyMs });
        for (const at of times) {
          const wait = bucket.waitMs(at);
          expect(bucket.take(at)).toBe(wait === 0);
        }
        const last = times.at(-1) ?? 0;
        const wait = bucket.waitMs(last);
        if (wait > 0) expect(bucket.waitMs(last + wait - 1)).toBe(1);
        expect(bucket.waitMs(last + wait)).toBe(0);
      }),
    );
  });
});
