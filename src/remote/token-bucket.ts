/** So many at once, and one more each `everyMs`. */
export interface BucketSize {
  readonly burst: number;
  readonly everyMs: number;
}

/** Bounds how often something happens, by a clock that never goes back. */
export class TokenBucket {
  readonly #size: BucketSize;
  /** When it is full again, if nothing more is taken. */
  #fullAtMonoMs = -Infinity;

  constructor(size: BucketSize) {
    this.#size = size;
  }

  /** Takes a token if there is one. */
  take(nowMonoMs: number): boolean {
    const { burst, everyMs } = this.#size;
    const fullAt = Math.max(this.#fullAtMonoMs, nowMonoMs) + everyMs;
    if (fullAt - nowMonoMs > burst * everyMs) return false;
    this.#fullAtMonoMs = fullAt;
    return true;
  }

  /** How long until there is a token; 0: there is one. */
  waitMs(nowMonoMs: number): number {
    const { burst, everyMs } = this.#size;
    return Math.max(0, Math.max(this.#fullAtMonoMs, nowMonoMs) + everyMs - nowMonoMs - burst * everyMs);
  }
}
