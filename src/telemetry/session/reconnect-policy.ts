import type { TelemetryErrorCode } from '../errors.ts';

/** MQTT protocol level as it stands in CONNECT: 5 is MQTT 5, 4 is MQTT 3.1.1. */
export type ProtocolLevel = 5 | 4;

export interface ReconnectState {
  readonly level: ProtocolLevel;
  /** Attempts and short sessions that failed since a session last lasted. */
  readonly failures: number;
}

export const FIRST_ATTEMPT: ReconnectState = { level: 5, failures: 0 };

export interface ReconnectBounds {
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

export interface NextAttempt {
  readonly state: ReconnectState;
  readonly delayMs: number;
}

/**
 * After a session: one that lasted longer than the longest pause proves a working broker, so the pauses start small
 * again. A broker that accepts and drops within seconds keeps the pause growing.
 */
export function afterSession(
  state: ReconnectState,
  lastedMs: number,
  { reconnectMaxMs }: ReconnectBounds,
): ReconnectState {
  return lastedMs > reconnectMaxMs ? { ...state, failures: 0 } : state;
}

/**
 * When and how to try again after a failed attempt or a lost connection.
 * Pauses double from `reconnectMinMs` to `reconnectMaxMs`; each is then spread over its upper half by `random` (0 <= r < 1),
 * so that a fleet that lost its broker does not return in one instant.
 * A broker that refuses MQTT 5 is asked at once for 3.1.1; the level then stays, until that one is refused.
 */
export function afterFailure(
  state: ReconnectState,
  code: TelemetryErrorCode,
  bounds: ReconnectBounds,
  random: number,
): NextAttempt {
  const failures = state.failures + 1;
  if (code === 'telemetry.protocol_version' && state.level === 5) {
    return { state: { level: 4, failures: state.failures }, delayMs: 0 };
  }
  const level = code === 'telemetry.protocol_version' ? 5 : state.level;
  // 2^30 minimum pauses exceed every bound; the cap keeps the power finite over years of failures.
  const full = Math.min(bounds.reconnectMaxMs, bounds.reconnectMinMs * 2 ** Math.min(failures - 1, 30));
  return { state: { level, failures }, delayMs: full * (0.5 + random / 2) };
}
