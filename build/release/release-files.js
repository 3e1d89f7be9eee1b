// What is in the source release (docs/release.md): everything that an image builder needs who has no npm.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { buildShared, hashesOf } from '../bundle.js';
import { readJson } from '../read-json.js';
import { ROOT } from '../root.js';
import { TARGETS } from '../targets.js';

/** @typedef {import('./tar.js').ArchivedFile} ArchivedFile */

const SERIALPORT = 'node_modules/@serialport/bindings-cpp';

/** Of the package: what its addon is made from (build/better-sqlite3/Makefile), and its licence. */
const SQLITE_SOURCES = [
  'package.json',
  'LICENSE',
  'src',
  'deps/defines.gypi',
  'deps/sqlite3/sqlite3.c',
  'deps/sqlite3/sqlite3.h',
  'deps/sqlite3/sqlite3ext.h',
];

/**
 * @returns {Promise<{ name: string, version: string, files: Map<string, ArchivedFile> }>} `name`: the folder that all of them
 *   are in, and the archive's name
 */
export async function collectRelease() {
  const product = /** @type {{ name: string, version: string }} */ (readJson('package.json'));
  const { files: shared } = await buildShared();
  /** @type {Map<string, ArchivedFile>} */
  const files = new Map();
  for (const [file, content] of shared) files.set(`bundle/${file}`, content);
  // Compiled by its package, for any Node (Node-API). What we compile ourselves is there as source.
  for (const { arch, serialport } of Object.values(TARGETS)) {
    addTree(files, `addons/${arch}/serialport.node`, `${SERIALPORT}/${serialport}`);
  }
  addTree(files, 'better-sqlite3/Makefile', 'build/better-sqlite3/Makefile');
  for (const source of SQLITE_SOURCES)
    addTree(files, `better-sqlite3/${source}`, `node_modules/better-sqlite3/${source}`);
  addTree(files, 'unix-datagram', 'build/unix-datagram');
  addTree(files, 'systemd', 'systemd');
  addTree(files, 'docs/example-station.yaml', 'docs/example-station.yaml');
  addTree(files, 'LICENSE', 'LICENSE');

  const name = `${product.name}-${product.version}`;
  const release = { name: product.name, version: product.version, sha256: hashesOf(files) };
  files.set('release.json', { content: Buffer.from(`${JSON.stringify(release, null, 1)}\n`) });
  return {
    name,
    version: product.version,
    files: new Map([...files].map(([file, content]) => [`${name}/${file}`, content])),
  };
}

/**
 * A file, or a folder with all that is in it.
 * @param {Map<string, ArchivedFile>} files
 * @param {string} target
 * @param {string} source relative to the root
 */
function addTree(files, target, source) {
  const at = path.join(ROOT, source);
  if (statSync(at).isDirectory()) {
    for (const entry of readdirSync(at)) addTree(files, `${target}/${entry}`, `${source}/${entry}`);
    return;
  }
  const content = readFileSync(at);
  // The umask of the checkout is no part of a release: what begins with #! is a program.
  files.set(target, { content, executable: content.subarray(0, 2).toString('latin1') === '#!' });
}
