import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelayMs } from '../../../src/sync/planning/retry-schedule.ts';

const schedule = { firstMs: 2_000, maxMs: 600_000 };

describe('the delay after a failed sync', () => {
  it('doubles from the first to the longest', () => {
    expect([1, 2, 3, 4, 9, 10, 1_000].map((n) => retryDelayMs(n, 0.5, schedule))).toEqual([
      2_000, 4_000, 8_000, 16_000, 512_000, 600_000, 600_000,
    ]);
  });

  it('is spread over half to one and a half times that', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (n, random) => {
          const nominal = retryDelayMs(n, 0.5, schedule);
          const delay = retryDelayMs(n, random, schedule);
          expect(delay).toBeGreaterThanOrEqual(nominal * 0.5);
          expect(delay).toBeLessThanOrEqual(nominal * 1.5);
        },
      ),
    );
  });
});
