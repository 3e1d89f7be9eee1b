import type { SeedSeal } from './seed-seal.ts';

/** The seed as it is: the file's mode is its only protection. */
export const plainSeal: SeedSeal<'file'> = {
  kind: 'file',
  seal: (seed) => Promise.resolve({ kind: 'file', seed: Uint8Array.from(seed) }),
  unseal: ({ seed }) => Promise.resolve(seed),
  destroy: () => Promise.resolve(),
};
