import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exchangeBytes, figuresIntervalMs, keepAliveMs } from '../../../../src/telemetry/index.ts';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;

describe('the pace of what is always sent', () => {
  it('keeps alive every 30 seconds where bytes are cheap, and every four minutes where they are not', () => {
    expect([null, 10 * MIB, 5 * MIB, 2 * MIB, MIB, 1_000, 0].map((day) => keepAliveMs(day, false))).toEqual([
      30_000, 30_000, 60_000, 140_000, 240_000, 240_000, 240_000,
    ]);
  });

  it('renews figures within a sixth of the budget, and at least every six hours', () => {
    expect(figuresIntervalMs(null, 10_000)).toBe(5_000);
    expect(figuresIntervalMs(1e15, 10_000)).toBe(5_000);
    expect(figuresIntervalMs(0, 10_000)).toBe(6 * 3_600_000);
    fc.assert(
      fc.property(fc.integer({ min: MIB, max: 1e9 }), fc.integer({ min: 500, max: 60_000 }), (day, round) => {
        const everyMs = figuresIntervalMs(day, round);
        if (everyMs === 5_000 || everyMs === 6 * 3_600_000) return;
        expect((DAY_MS / everyMs) * round).toBeLessThanOrEqual(day / 6);
      }),
    );
  });

  it('reckons with headers of three segments for what is answered, and two records of TLS', () => {
    expect(exchangeBytes(2, false)).toBe(162);
    expect(exchangeBytes(2, true)).toBe(220);
  });
});
