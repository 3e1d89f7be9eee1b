// Random moments that can be had again: TEST_SEED=<number> repeats a run, and every test that uses this says its seed.

/** 32 bits of state; small and good enough to choose moments (mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SeededRandom {
  readonly seed: number;
  /** For the name of a test: how to repeat it. */
  readonly note: string;
  /** A whole number from 0 to limit - 1; 0 when there is none. */
  below(limit: number): number;
}

/** The seed that TEST_SEED names (vitest.config.ts does), otherwise a new one each time. `salt` keeps two users of one seed apart. */
export function seededRandom(salt: string, given = process.env['TEST_SEED']): SeededRandom {
  const seed = Number.isSafeInteger(Number(given)) ? Number(given) : Math.floor(Math.random() * 2 ** 31);
  const next = mulberry32(
    [...salt].reduce((hash, letter) => Math.imul(hash, 31) + letter.charCodeAt(0), seed),
  );
  return {
    seed,
    note: `(TEST_SEED=${seed})`,
    below: (limit) => (limit < 1 ? 0 : Math.floor(next() * Math.floor(limit))),
  };
}
