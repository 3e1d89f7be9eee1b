import type { MonotonicClock } from '../../../hal/contract/index.ts';

/** How often is looked whether the budget holds back what waits. */
const LOOK_EVERY_MS = 1_000;

export interface InFlightPorts {
  readonly clock: MonotonicClock;
  /** Whether entries wait for the day's budget. */
  readonly isHeldBack: () => boolean;
}

/** What a transfer has handed to telemetry and not heard of again. */
export class InFlight {
  readonly #ports: InFlightPorts;
  readonly #indices = new Set<number>();
  #lost: number | undefined;
  #changed: () => void = () => {};

  constructor(ports: InFlightPorts) {
    this.#ports = ports;
  }

  /** Index of the first entry that did not reach the broker, when there is one. */
  get lost(): number | undefined {
    return this.#lost;
  }

  /** Index of the first entry of which that is not known; undefined when it is known of all. */
  get first(): number | undefined {
    return this.#indices.size === 0 ? undefined : Math.min(...this.#indices);
  }

  /** One more, whose first entry is that; returns what is to be told of it, once. */
  sent(index: number): (outcome: 'delivered' | 'lost') => void {
    this.#indices.add(index);
    return (outcome) => {
      this.#indices.delete(index);
      if (outcome === 'lost') this.#lost = Math.min(index, this.#lost ?? index);
      this.#changed();
    };
  }

  /** Resolves when at most so many are on their way; with true when the budget holds them back. Rejects with the signal's reason. */
  async atMost(count: number, signal: AbortSignal): Promise<'held-back' | undefined> {
    signal.throwIfAborted();
    while (this.#indices.size > count) {
      const changed = new AbortController();
      this.#changed = () => changed.abort();
      const look = AbortSignal.any([signal, changed.signal]);
      await this.#ports.clock.sleep(LOOK_EVERY_MS, look).catch(() => undefined);
      this.#changed = () => {};
      signal.throwIfAborted();
      if (!changed.signal.aborted && this.#ports.isHeldBack()) return 'held-back';
    }
    return undefined;
  }
}
