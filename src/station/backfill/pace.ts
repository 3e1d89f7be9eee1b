/** Half of what a slow mobile link carries: whatever else hangs on that router has the rest. */
export const USUAL_BYTES_PER_SECOND = 32 * 1_024;
/** MQTT and TCP/IP around one message and its acknowledgement. */
const AROUND_MESSAGE_BYTES = 200;

/** Whoever was woken late, by so much at most, makes up for it. */
const LATE_MS = 100;

/**
 * How fast entries are sent, by all transfers together. What the day may cost is telemetry's budget, not decided here. Pure: the caller
 * says what time it is.
 */
export class Pace {
  readonly #bytesPerSecond: number;
  /** Nothing is sent before this moment. */
  #freeAtMonoMs = 0;

  constructor(bytesPerSecond: number = USUAL_BYTES_PER_SECOND) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** How long to wait before a message may be sent, in ms; 0: now, and it counts as sent. */
  take(payloadBytes: number, nowMonoMs: number): number {
    if (nowMonoMs < this.#freeAtMonoMs) return Math.ceil(this.#freeAtMonoMs - nowMonoMs);
    const from = Math.max(this.#freeAtMonoMs, nowMonoMs - LATE_MS);
    this.#freeAtMonoMs = from + ((payloadBytes + AROUND_MESSAGE_BYTES) / this.#bytesPerSecond) * 1_000;
    return 0;
  }
}
