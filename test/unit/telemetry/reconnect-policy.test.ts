import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  afterSession,
  FIRST_ATTEMPT,
} from '../../../src/telemetry/session/reconnect-policy.ts';

const BOUNDS = { reconnectMinMs: 1_000, reconnectMaxMs: 60_000 };

describe('after a failure, telemetry', () => {
  it('doubles its pause up to the bound', () => {
    let state = FIRST_ATTEMPT;
    const pauses = Array.from({ length: 8 }, () => {
      const next = afterFailure(state, 'telemetry.unreachable', BOUNDS, 0.999_999);
      state = next.state;
      return Math.round(next.delayMs / 1_000);
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  it('spreads a fleet over the upper half of every pause, also after years of failures', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const { delayMs } = afterFailure({ level: 5, failures }, 'telemetry.unreachable', BOUNDS, random);
          const full = Math.min(60_000, 1_000 * 2 ** Math.min(failures, 30));
          expect(delayMs).toBeGreaterThanOrEqual(full / 2);
          expect(delayMs).toBeLessThan(full + 0.001);
        },
      ),
    );
  });

  it('asks a broker that refuses MQTT 5 for 3.1.1, at once and for good', () => {
    const next = afterFailure(FIRST_ATTEMPT, 'telemetry.protocol_version', BOUNDS, 0.5);
    expect(next).toEqual({ state: { level: 4, failures: 0 }, delayMs: 0 });
    expect(afterFailure(next.state, 'telemetry.connection_lost', BOUNDS, 0.5).state.level).toBe(4);
  });

  it('does not swing between the versions without a pause when a broker refuses both', () => {
    const older = afterFailure(FIRST_ATTEMPT, 'telemetry.protocol_version', BOUNDS, 0);
    const back = afterFailure(older.state, 'telemetry.protocol_version', BOUNDS, 0);
    expect(back.state.level).toBe(5);
    expect(back.delayMs).toBeGreaterThan(0);
    expect(back.state.failures).toBeGreaterThan(older.state.failures);
  });
});

it('only a session longer than the longest pause makes the pauses short again', () => {
  const weary = { level: 5, failures: 9 } as const;
  expect(afterSession(weary, 59_000, BOUNDS)).toEqual(weary);
  expect(afterSession(weary, 60_001, BOUNDS)).toEqual(FIRST_ATTEMPT);
});
