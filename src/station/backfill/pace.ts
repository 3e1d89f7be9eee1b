/** What transfers of entries may take of the link, all of them together. */
export interface PaceBounds {
  /** While there is something to send. */
  readonly bytesPerSecond: number;
  /** On the wire; null: whatever it takes. */
  readonly bytesPerDay: number | null;
}

export type PaceAnswer =
  | { readonly state: 'go' }
  | { readonly state: 'wait'; readonly ms: number }
  /** The day's share is used up; `ms` until an hour's worth of it is there again. */
  | { readonly state: 'used-up'; readonly ms: number };

/** Half of what a slow mobile link carries: the rest is for what is measured meanwhile. */
const BYTES_PER_SECOND = 32 * 1_024;
/** Of a day's budget: samples, states and answers have the rest. */
const SHARE_OF_DAY = 4;
const DAY_MS = 86_400_000;
const HOURS = 24;
/** MQTT and TCP/IP around one message and its acknowledgement. */
const AROUND_MESSAGE_BYTES = 200;

export function paceBounds(bytesPerDay: number | null): PaceBounds {
  return {
    bytesPerSecond: BYTES_PER_SECOND,
    bytesPerDay: bytesPerDay === null ? null : Math.floor(bytesPerDay / SHARE_OF_DAY),
  };
}

/** Two token buckets, one for the second and one for the day. Pure: the caller says what time it is. */
export class Pace {
  readonly #bounds: PaceBounds;
  /** Nothing is sent before this moment. */
  #freeAtMonoMs: number;
  /** Of the day's share; a message is sent while there is any, and what it is short of comes off the next. */
  #dayBytes: number;
  #dayAtMonoMs: number;

  constructor(bounds: PaceBounds, nowMonoMs: number) {
    this.#bounds = bounds;
    this.#freeAtMonoMs = nowMonoMs;
    this.#dayBytes = bounds.bytesPerDay ?? 0;
    this.#dayAtMonoMs = nowMonoMs;
  }

  /** Whether a message may be sent now: with `go` it counts as sent. */
  take(payloadBytes: number, nowMonoMs: number): PaceAnswer {
    if (nowMonoMs < this.#freeAtMonoMs)
      return { state: 'wait', ms: Math.ceil(this.#freeAtMonoMs - nowMonoMs) };
    const bytes = payloadBytes + AROUND_MESSAGE_BYTES;
    const usedUp = this.#spend(bytes, nowMonoMs);
    if (usedUp !== undefined) return usedUp;
    this.#freeAtMonoMs = nowMonoMs + (bytes / this.#bounds.bytesPerSecond) * 1_000;
    return { state: 'go' };
  }

  #spend(bytes: number, nowMonoMs: number): PaceAnswer | undefined {
    const { bytesPerDay } = this.#bounds;
    if (bytesPerDay === null) return undefined;
    const refilled = ((nowMonoMs - this.#dayAtMonoMs) / DAY_MS) * bytesPerDay;
    this.#dayBytes = Math.min(bytesPerDay, this.#dayBytes + refilled);
    this.#dayAtMonoMs = nowMonoMs;
    if (this.#dayBytes <= 0) {
      const missing = bytesPerDay / HOURS - this.#dayBytes;
      return { state: 'used-up', ms: Math.ceil((missing / Math.max(1, bytesPerDay)) * DAY_MS) };
    }
    this.#dayBytes -= bytes;
    return undefined;
  }
}
