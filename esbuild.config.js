// Bundles the product into dist/: delmonicos.js (the core and the command line), gateway.js (the chain gateway) and
// verifier.html (the receipt verifier for a browser).
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { buildVerifier } from './esbuild.verifier.config.js';

const quiet = process.argv.includes('--quiet');
const entryPoints = {
  delmonicos: 'src/main.ts',
  ...(existsSync('src/chain/gateway/main.ts') ? { gateway: 'src/chain/gateway/main.ts' } : {}),
};

// A quiet build may run beside processes that still load chunks of the last one: it only adds files.
if (!quiet) rmSync('dist', { recursive: true, force: true });
const result = await build({
  entryPoints,
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: 'chunk-[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  minify: true,
  keepNames: true,
  sourcemap: 'linked',
  metafile: true,
  legalComments: 'none',
  // Native addons find their binary beside their own package.
  external: ['better-sqlite3', '@serialport/bindings-cpp', 'bufferutil', 'utf-8-validate'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
buildProfiles('hal/profile/models', 'dist/models');
const verifier = await buildVerifier('dist/verifier.html');

if (!quiet) {
  const rows = Object.entries(result.metafile.outputs)
    .filter(([file]) => file.endsWith('.js'))
    .map(([file, { bytes }]) => `  ${(bytes / 1024).toFixed(0).padStart(6)} KiB  ${file}`);
  rows.push(`  ${(verifier.bytes / 1024).toFixed(0).padStart(6)} KiB  dist/verifier.html`);
  console.log(`built:\n${rows.join('\n')}`);
}

/**
 * Meter profiles as JSON, which is YAML that is read a hundred times faster; under their names, because they stay YAML.
 * @param {string} from
 * @param {string} to
 */
function buildProfiles(from, to) {
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from).filter((name) => name.endsWith('.yaml'))) {
    const profile = JSON.stringify(parse(readFileSync(`${from}/${file}`, 'utf8')));
    // Renamed into its place: a process that starts meanwhile finds a whole file.
    const draft = `${to}/${file}.${process.pid}.draft`;
    writeFileSync(draft, `${profile}\n`);
    renameSync(draft, `${to}/${file}`);
  }
}
