/** Messages of a transfer that wait in telemetry at once: the queue is for everybody's answers, and samples come behind them. */
const MOST = 2;

/** What a transfer has handed to telemetry and not heard of again. */
export class InFlight {
  #count = 0;
  #lost: number | undefined;
  #changed: () => void = () => {};

  /** Index of the first entry that did not reach the broker, when there is one. */
  get lost(): number | undefined {
    return this.#lost;
  }

  /** One more, whose first entry is that; returns what is to be told of it, once. */
  sent(first: number): (outcome: 'delivered' | 'lost') => void {
    this.#count++;
    return (outcome) => {
      this.#count--;
      if (outcome === 'lost') this.#lost = Math.min(first, this.#lost ?? first);
      this.#changed();
    };
  }

  /** Resolves when one more may wait. Rejects with the signal's reason. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.#count >= MOST) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const end = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', end, { once: true });
        this.#changed = () => {
          signal.removeEventListener('abort', end);
          resolve();
        };
      });
    }
    signal.throwIfAborted();
  }
}
