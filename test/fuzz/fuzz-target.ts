import { mutate } from './mutate.ts';
import { Random, seedOf } from './random.ts';

/** A parser, and what it is fed. */
export interface FuzzTarget {
  readonly name: string;
  /** Good inputs, made by our own encoders. */
  readonly seeds: readonly Uint8Array[];
  /** Inputs of a full run. */
  readonly fullRuns: number;
  /** Longest time that one input may take, in milliseconds; one that is far above what the slowest good input takes. */
  readonly maxMs: number;
  /**
   * Feeds one input. Says whether the parser found something in it. Throws when the parser does what it must not: an error
   * that is not one of its own, or a result that cannot be.
   */
  readonly run: (input: Uint8Array) => boolean;
  /** Makes the checks of a damaged input right again (CRC, signature), so that what lies behind them is reached. */
  readonly repair?: (input: Uint8Array, random: Random) => Uint8Array;
  /** Instead of changing bytes, for half of the inputs. */
  readonly mutate?: (seed: Uint8Array, random: Random) => Uint8Array;
}

/** Input number `index` of a run: the first ones are the seeds as they are. */
export function fuzzInput(target: FuzzTarget, seed: number, index: number): Uint8Array {
  const asItIs = target.seeds[index];
  if (asItIs !== undefined) return asItIs;
  const random = new Random(seedOf(seed, target.name, index));
  const base = random.pick(target.seeds);
  if (target.mutate !== undefined && random.oneIn(2)) return target.mutate(base, random);
  const bytes = mutate(base, target.seeds, random);
  return target.repair !== undefined && random.oneIn(2) ? target.repair(bytes, random) : bytes;
}

/** The wanted kind of error is an answer; every other one is a finding. */
export function foundUnless(isTyped: (error: unknown) => boolean, parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (isTyped(error)) return false;
    throw error;
  }
}

/** For what must hold whatever the input is. */
export function mustHold(condition: boolean, what: string): void {
  if (!condition) throw new Error(`broken: ${what}`);
}
