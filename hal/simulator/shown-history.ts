import type { ObisCode } from '../contract/index.ts';
import { shownValues, type Shown, type ShownValue } from './register-image.ts';
import type { MeterModel } from './register-map.ts';

/** What a meter showed from one moment to another (ms since boot); `untilMonoMs` is absent while it still shows it. */
export interface ShownState {
  readonly fromMonoMs: number;
  readonly untilMonoMs: number | undefined;
  readonly values: ReadonlyMap<ObisCode, ShownValue>;
}

/** Integers side by side: a state of 35 values takes about 400 bytes, so that half an hour of them may be kept. */
interface Remembered {
  readonly fromMonoMs: number;
  readonly mantissas: BigInt64Array;
}

/**
 * The last states that a meter showed, at most `capacity` of them (an eighth more before it forgets); the oldest go
 * first, and the history says so (`sinceMonoMs`), so that nobody mistakes what was forgotten for what was never shown.
 */
export class ShownHistory {
  readonly #model: MeterModel;
  readonly #capacity: number;
  #states: Remembered[] = [];

  constructor(model: MeterModel, capacity: number) {
    this.#model = model;
    this.#capacity = capacity;
  }

  /** The moment from which on every state is known; undefined before the first. */
  get sinceMonoMs(): number | undefined {
    return this.#states[0]?.fromMonoMs;
  }

  add(shown: Shown, atMonoMs: number): void {
    this.#states.push({ fromMonoMs: atMonoMs, mantissas: shown.mantissas });
    // Forgetting in blocks keeps its cost constant.
    if (this.#states.length > this.#capacity * 1.125) this.#states = this.#states.slice(-this.#capacity);
  }

  /** States that were shown at some moment of the window, both ends included, in the order of time. */
  between(beginMonoMs: number, endMonoMs: number): readonly ShownState[] {
    const states: ShownState[] = [];
    for (let index = this.#states.length - 1; index >= 0; index--) {
      const state = this.#stateAt(index);
      if (state === undefined || (state.untilMonoMs ?? Infinity) < beginMonoMs) break;
      if (state.fromMonoMs <= endMonoMs) states.unshift(state);
    }
    return states;
  }

  all(): readonly ShownState[] {
    return this.between(-Infinity, Infinity);
  }

  latest(): ShownState | undefined {
    return this.#stateAt(this.#states.length - 1);
  }

  #stateAt(index: number): ShownState | undefined {
    const state = this.#states[index];
    if (state === undefined) return undefined;
    const values = () => shownValues(this.#model, state.mantissas);
    return {
      fromMonoMs: state.fromMonoMs,
      untilMonoMs: this.#states[index + 1]?.fromMonoMs,
      // Built only when asked for: a search by time passes over many states.
      get values() {
        return values();
      },
    };
  }
}
