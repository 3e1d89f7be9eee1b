// Everything that is in the bundle, in memory (docs/bundle.md has the layout).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { renderVerifier } from '../esbuild.verifier.config.js';
import { collectAddons, libraryFloor } from './addons.js';
import { buildJavaScript } from './javascript.js';
import { describeInside } from './inside.js';
import { buildMeterProfiles } from './meter-profiles.js';
import { readJson } from './read-json.js';
import { ROOT } from './root.js';

/** @typedef {{ content: Buffer, executable?: boolean }} BundledFile */
/** @typedef {Map<string, BundledFile>} Files path below the folder → file */

/**
 * What is the same for every target: all but addons/ and bundle.json.
 * @returns {Promise<{ files: Files, maps: Files }>} `maps`: source maps and what esbuild says of the build, which no device needs
 */
export async function buildShared() {
  const product = productOf();
  const javaScript = await buildJavaScript(product.version);
  const verifier = await renderVerifier();
  const metafiles = { bundle: javaScript.metafile, verifier: verifier.metafile };

  /** @type {Files} */
  const files = new Map();
  addAll(files, '', javaScript.code);
  addAll(files, 'models/', buildMeterProfiles());
  addAll(files, 'licenses/', describeInside(product, Object.values(metafiles)));
  files.set('verifier.html', { content: Buffer.from(verifier.html) });
  // An update asks it before it goes back to the release that this one has replaced.
  files.set('state-formats.json', { content: read('build/state-formats.json') });
  for (const name of ['delmonicos', 'delmonicos-gateway']) {
    files.set(`bin/${name}`, { content: read(`build/bin/${name}`), executable: true });
  }
  files.set('delmonicos.js', {
    .../** @type {BundledFile} */ (files.get('delmonicos.js')),
    executable: true,
  });

  /** @type {Files} */
  const maps = new Map();
  addAll(maps, '', javaScript.maps);
  for (const [name, metafile] of Object.entries(metafiles))
    maps.set(`${name}.meta.json`, { content: withoutRoot(json(metafile)) });
  return { files, maps };
}

/**
 * @param {import('./targets.js').Target} target
 * @param {import('./pinned-packages.js').NodeHeaders | undefined} headers of the Node that the addons are compiled for; without:
 *   for this machine and its Node, with what npm made
 * @returns {Promise<{ files: Files, maps: Files }>}
 */
export async function buildBundle(target, headers) {
  const { files, maps } = await buildShared();
  const addons = collectAddons(target, headers);
  for (const { file, content } of addons) files.set(`addons/${file}`, { content });
  files.set('bundle.json', { content: json(manifest(target, headers, addons, files)) });
  return { files, maps };
}

/** @returns {{ name: string, version: string, license: string }} */
function productOf() {
  return /** @type {{ name: string, version: string, license: string }} */ (readJson('package.json'));
}

/** @param {Files} files @param {string} folder @param {ReadonlyMap<string, Buffer>} contents */
function addAll(files, folder, contents) {
  for (const [name, content] of contents) files.set(folder + name, { content });
}

/**
 * @param {import('./targets.js').Target} target
 * @param {import('./pinned-packages.js').NodeHeaders | undefined} headers
 * @param {readonly import('./addons.js').Addon[]} addons
 * @param {Files} files
 */
function manifest(target, headers, addons, files) {
  const { name, version } = productOf();
  const own = { major: process.versions.node.split('.')[0], abi: process.versions.modules };
  return {
    name,
    version,
    arch: target.arch,
    node: headers ? { major: headers.major, abi: headers.abi } : own,
    needs: libraryFloor(addons),
    addons: Object.fromEntries(
      addons.map(({ file, interface: boundTo, elf }) => [file, { boundTo, libraries: elf.libraries }]),
    ),
    sha256: hashesOf(files),
  };
}

/** SHA-256 of each file, by name. @param {Files} files @returns {Record<string, string>} */
export function hashesOf(files) {
  return Object.fromEntries(
    [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([file, { content }]) => [file, createHash('sha256').update(content).digest('hex')]),
  );
}

/** esbuild names a file that it injects by its full path. @param {Buffer} content */
function withoutRoot(content) {
  return Buffer.from(content.toString('utf8').replaceAll(`"${ROOT}/`, '"'));
}

/** @param {string} file */
function read(file) {
  return readFileSync(path.join(ROOT, file));
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
