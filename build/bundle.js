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
 * @param {import('./targets.js').Target} target
 * @param {import('./pinned-packages.js').NodeHeaders | undefined} headers of the Node that the addons are compiled for; without:
 *   for this machine and its Node, with what npm made
 * @returns {Promise<{ files: Files, maps: Files }>} `maps`: source maps and what esbuild says of the build, which no device needs
 */
export async function buildBundle(target, headers) {
  const addons = collectAddons(target, headers);
  const { product, files, maps } = await buildShared(addons);
  for (const { file, content } of addons) files.set(`addons/${file}`, { content });
  files.set('bundle.json', { content: json(manifest(product, target, headers, addons, files)) });
  return { files, maps };
}

/**
 * What is the same for every target: all but the addons and bundle.json.
 * @param {readonly { readonly package: string }[]} addons those that will be with it, whose licences then are
 * @returns {Promise<{ product: { name: string, version: string }, files: Files, maps: Files }>}
 */
export async function buildShared(addons) {
  const product = /** @type {{ name: string, version: string, license: string }} */ (
    readJson('package.json')
  );
  const javaScript = await buildJavaScript(product.version);
  const verifier = await renderVerifier();
  const metafiles = { bundle: javaScript.metafile, verifier: verifier.metafile };

  /** @type {Files} */
  const files = new Map();
  const add = (/** @type {string} */ folder, /** @type {Map<string, Buffer>} */ contents) => {
    for (const [name, content] of contents) files.set(folder + name, { content });
  };
  add('', javaScript.code);
  add('models/', buildMeterProfiles());
  add('', new Map([['verifier.html', Buffer.from(verifier.html)]]));
  add('licenses/', describeInside(product, Object.values(metafiles), addons));
  for (const name of ['delmonicos', 'delmonicos-gateway']) {
    files.set(`bin/${name}`, { content: read(`build/bin/${name}`), executable: true });
  }
  files.set('delmonicos.js', {
    .../** @type {BundledFile} */ (files.get('delmonicos.js')),
    executable: true,
  });

  const maps = new Map([...javaScript.maps].map(([name, content]) => [name, { content }]));
  for (const [name, metafile] of Object.entries(metafiles))
    maps.set(`${name}.meta.json`, { content: json(metafile) });
  return { product, files, maps };
}

/**
 * @param {{ name: string, version: string }} product
 * @param {import('./targets.js').Target} target
 * @param {import('./pinned-packages.js').NodeHeaders | undefined} headers
 * @param {readonly import('./addons.js').Addon[]} addons
 * @param {Files} files
 */
function manifest({ name, version }, target, headers, addons, files) {
  const own = { major: process.versions.node.split('.')[0], abi: process.versions.modules };
  return {
    name,
    version,
    arch: target.arch,
    node: headers ? { major: headers.major, abi: headers.abi } : own,
    needs: libraryFloor(addons),
    addons: Object.fromEntries(
      addons.map(({ file, package: from, interface: boundTo, elf }) => [
        file,
        { package: from, interface: boundTo, libraries: elf.libraries },
      ]),
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

/** @param {string} file */
function read(file) {
  return readFileSync(path.join(ROOT, file));
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`);
}
