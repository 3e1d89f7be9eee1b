import type { Shown, ShownValue } from './register-image.ts';
import type { ObisCode } from '../contract/index.ts';

/** What a meter showed from one moment to another (ms since boot); `untilMonoMs` is absent while it still shows it. */
export interface ShownState {
  readonly fromMonoMs: number;
  readonly untilMonoMs: number | undefined;
  readonly values: ReadonlyMap<ObisCode, ShownValue>;
}

/**
 * The last states that a meter showed, at most `capacity` of them; the oldest go first, and the history says so
 * (`since`), so that nobody mistakes what was forgotten for what was never shown.
 */
export class ShownHistory {
  readonly #capacity: number;
  #states: ShownState[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The moment from which on every state is known; undefined before the first. */
  get sinceMonoMs(): number | undefined {
    return this.#states[0]?.fromMonoMs;
  }

  add(shown: Shown, atMonoMs: number): void {
    const last = this.#states.at(-1);
    if (last !== undefined) this.#states[this.#states.length - 1] = { ...last, untilMonoMs: atMonoMs };
    this.#states.push({ fromMonoMs: atMonoMs, untilMonoMs: undefined, values: shown.values });
    // Cutting in blocks keeps the cost of forgetting constant; never more than an eighth above the capacity is held.
    if (this.#states.length > this.#capacity * 1.125) this.#states = this.#states.slice(-this.#capacity);
  }

  /** States that were shown at some moment of the window, both ends included, in the order of time. */
  between(beginMonoMs: number, endMonoMs: number): readonly ShownState[] {
    const states: ShownState[] = [];
    for (let index = this.#states.length - 1; index >= 0; index--) {
      const state = this.#states[index];
      if (state === undefined || (state.untilMonoMs !== undefined && state.untilMonoMs < beginMonoMs)) break;
      if (state.fromMonoMs <= endMonoMs) states.unshift(state);
    }
    return states;
  }

  all(): readonly ShownState[] {
    return this.#states;
  }
}
