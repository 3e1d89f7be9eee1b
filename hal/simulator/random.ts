/** A stream of reproducible integers: the same seed and name give the same stream on every machine. */
export interface Random {
  /** An integer between `low` and `high`, both included. The range must be smaller than 2^32. */
  between(low: number, high: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/**
 * A stream of its own for each name, so that one more meter does not change what the others show.
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand): 32-bit integer arithmetic only.
 */
export function createRandom(seed: number, name: string): Random {
  let a = seed >>> 0;
  let b = hash(name);
  let c = 0x9e3779b9;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) next();
  const between = (low: number, high: number): number =>
    low + Math.floor((next() / 0x1_0000_0000) * (high - low + 1));
  return {
    between,
    pick: <T>(choices: readonly [T, ...T[]]): T => choices[between(0, choices.length - 1)] ?? choices[0],
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}
