import type { MonotonicClock } from '../../hal/contract/index.ts';

/** A loop's sleep that somebody else can end. A call that comes while nobody sleeps is not remembered: look before you sleep. */
export class Wake {
  readonly #clock: MonotonicClock;
  #wake: () => void = () => {};

  constructor(clock: MonotonicClock) {
    this.#clock = clock;
  }

  now(): void {
    this.#wake();
  }

  async sleep(atMostMs: number): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    if (atMostMs === Infinity) return woken;
    const timer = new AbortController();
    const asleep = this.#clock.sleep(atMostMs, timer.signal).catch(() => {});
    await Promise.race([woken, asleep]);
    timer.abort();
  }
}
