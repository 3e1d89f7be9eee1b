import { performance } from 'node:perf_hooks';
import v8 from 'node:v8';
import vm from 'node:vm';
import { fuzzInput, type FuzzTarget } from './fuzz-target.ts';

export interface FuzzResult {
  readonly target: string;
  readonly runs: number;
  /** Inputs in which the parser found something. */
  readonly accepted: number;
  readonly seconds: number;
  readonly slowestMs: number;
  /** Heap after a full collection at the end, less the same when the run was warm. */
  readonly heapGrowthBytes: number;
  readonly failure: FuzzFailure | null;
}

export interface FuzzFailure {
  readonly index: number;
  readonly why: string;
  readonly inputHex: string;
}

export interface FuzzRunOptions {
  readonly runs: number;
  readonly seed: number;
  /** Called with the number of every input before it is fed. */
  readonly onInput?: (index: number) => void;
}

/** Heap that is still held after so many inputs; caches of a parser (compiled expressions) stay far below. */
export const MAX_HEAP_GROWTH_BYTES = 16 * 2 ** 20;

/** Feeds a target until its runs are done or something is found. */
export function fuzzTarget(target: FuzzTarget, { runs, seed, onInput }: FuzzRunOptions): FuzzResult {
  const startedAt = performance.now();
  const warmAfter = Math.min(20_000, Math.floor(runs / 4));
  let accepted = 0;
  let slowestMs = 0;
  let heapWhenWarm = 0;
  let failure: FuzzFailure | null = null;
  let index = 0;
  for (; index < runs && failure === null; index++) {
    if (index === warmAfter) heapWhenWarm = heapAfterCollection();
    onInput?.(index);
    const input = fuzzInput(target, seed, index);
    const before = performance.now();
    try {
      if (target.run(input)) accepted++;
    } catch (error) {
      failure = { index, why: whyOf(error), inputHex: hexOf(input) };
    }
    let tookMs = performance.now() - before;
    // The machine may have been busy with something else: only what is slow every time is slow.
    for (let again = 0; again < 3 && tookMs > target.maxMs && failure === null; again++) {
      tookMs = Math.min(
        tookMs,
        durationOf(() => target.run(input)),
      );
    }
    slowestMs = Math.max(slowestMs, tookMs);
    if (tookMs > target.maxMs && failure === null) {
      failure = {
        index,
        why: `took ${tookMs.toFixed(0)} ms, more than ${target.maxMs}`,
        inputHex: hexOf(input),
      };
    }
  }
  const heapGrowthBytes = heapAfterCollection() - heapWhenWarm;
  if (failure === null && heapGrowthBytes > MAX_HEAP_GROWTH_BYTES)
    failure = { index, why: `the heap grew by ${heapGrowthBytes} bytes`, inputHex: '' };
  const seconds = (performance.now() - startedAt) / 1_000;
  return { target: target.name, runs: index, accepted, seconds, slowestMs, heapGrowthBytes, failure };
}

function durationOf(work: () => unknown): number {
  const before = performance.now();
  work();
  return performance.now() - before;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function whyOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function heapAfterCollection(): number {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc') as () => void;
  collect();
  return v8.getHeapStatistics().used_heap_size;
}
