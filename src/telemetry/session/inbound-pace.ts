/** How much may come from a broker: in packets, of which a message that somebody published counts for `PUBLISH_COSTS`. */
export interface InboundPaceSize {
  /** At once. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Decoding, acknowledging and judging a message takes so many times the work of an acknowledgement. */
export const PUBLISH_COSTS = 20;

/**
 * What a broker may make the station do, by a clock that never goes back. Whoever sends more is read no faster: the window of its
 * connection shuts, and meters are read meanwhile as if nobody had sent anything. Pure.
 */
export class InboundPace {
  readonly #size: InboundPaceSize;
  #spent = 0;
  #atMonoMs: number;

  constructor(size: InboundPaceSize, nowMonoMs: number) {
    this.#size = size;
    this.#atMonoMs = nowMonoMs;
  }

  /** So much has come. @returns how long nothing more is to be read, in ms; 0: go on */
  spend(packets: number, nowMonoMs: number): number {
    const { burst, perSecond } = this.#size;
    const regained = ((nowMonoMs - this.#atMonoMs) * perSecond) / 1_000;
    this.#atMonoMs = nowMonoMs;
    this.#spent = Math.max(0, this.#spent - regained) + packets;
    return this.#spent <= burst ? 0 : Math.ceil(((this.#spent - burst) * 1_000) / perSecond);
  }
}
