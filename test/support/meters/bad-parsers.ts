import type { FuzzTarget } from '../../fuzz/fuzz-target.ts';

// Parsers that do what the fuzzer must notice, each on inputs that begin with 0xff.

const SEEDS = [Uint8Array.of(1, 2, 3, 4)];
const isBad = (input: Uint8Array): boolean => input[0] === 0xff;
const base = { seeds: SEEDS, fullRuns: 1_000, maxMs: 100 };
const kept: unknown[] = [];

function busyFor(durationMs: number): void {
  const until = performance.now() + durationMs;
  while (performance.now() < until);
}

export const BAD_PARSERS: readonly FuzzTarget[] = [
  {
    ...base,
    name: 'throws',
    run(input) {
      if (isBad(input)) throw new TypeError('cannot read properties of undefined');
      return true;
    },
  },
  {
    ...base,
    name: 'slow',
    run(input) {
      if (isBad(input)) busyFor(150);
      return true;
    },
  },
  {
    ...base,
    name: 'hangs',
    run(input) {
      if (isBad(input)) busyFor(Infinity);
      return true;
    },
  },
  {
    ...base,
    name: 'hoards',
    run: (input) => kept.push(Array.from({ length: 10_000 }, () => input[0] ?? 0)) > 0,
  },
];

/** The name under which the fuzzer looks for them. */
export const TARGETS = BAD_PARSERS;
