// Rust crates inside a compiled file, as far as it tells: where a crate can panic, its name and version stand in the path of
// its source. A crate that cannot panic, or was optimised away, does not show; nor do licences.

const CRATE =
  /\/registry\/src\/[^/\s]+\/([A-Za-z][A-Za-z0-9_-]*?)-(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?)\//g;

/**
 * @param {Uint8Array} compiled WebAssembly or an ELF file
 * @returns {{ name: string, version: string }[]} by name and version, each once
 */
export function rustCrates(compiled) {
  const text = Buffer.from(compiled.buffer, compiled.byteOffset, compiled.byteLength).toString('latin1');
  const found = new Map(
    [...text.matchAll(CRATE)].map(([, name = '', version = '']) => [`${name} ${version}`, { name, version }]),
  );
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, crate]) => crate);
}
