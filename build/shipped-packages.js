// Which packages are inside the bundle: those of whose files something is in what esbuild wrote, and those of the addons.
import { BuildError } from './build-error.js';
import { readJson } from './read-json.js';

/** @typedef {import('esbuild').Metafile} Metafile */

/**
 * @typedef {object} ShippedPackage
 * @property {string} folder in node_modules, relative to the root
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX expression, as its package.json says
 * @property {string | undefined} integrity of its tarball, from the lockfile
 * @property {readonly string[]} uses folders of the shipped packages whose files its own import
 */

const PACKAGE = /^((?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)\//;

/** @param {string} file @returns {string | undefined} the folder of the package that it belongs to */
export function packageFolder(file) {
  return PACKAGE.exec(file)?.[1];
}

/**
 * @param {readonly Metafile[]} metafiles
 * @param {readonly string[]} more folders of packages that are inside without a file of theirs that esbuild saw
 * @returns {ShippedPackage[]} by name and version
 */
export function shippedPackages(metafiles, more = []) {
  /** @type {Map<string, Set<string>>} */
  const uses = new Map(more.map((folder) => [folder, new Set()]));
  for (const { inputs, outputs } of metafiles) {
    for (const [file, { bytesInOutput }] of Object.values(outputs).flatMap((output) =>
      Object.entries(output.inputs),
    )) {
      const folder = packageFolder(file);
      if (folder === undefined || bytesInOutput === 0) continue;
      const used = uses.get(folder) ?? new Set();
      uses.set(folder, used);
      for (const { path: target } of inputs[file]?.imports ?? []) {
        const other = packageFolder(target);
        if (other !== undefined && other !== folder) used.add(other);
      }
    }
  }
  const lock = /** @type {{ packages: Record<string, { integrity?: string }> }} */ (
    readJson('package-lock.json')
  );
  return [...uses]
    .map(([folder, used]) => ({
      ...describe(folder),
      folder,
      integrity: lock.packages[folder]?.integrity,
      uses: [...used].filter((other) => uses.has(other)).sort(),
    }))
    .sort((a, b) => (id(a) < id(b) ? -1 : 1));
}

/** @param {{ name: string, version: string }} shipped */
const id = ({ name, version }) => `${name}@${version}`;

/** @param {string} folder */
function describe(folder) {
  const { name, version, license } = /** @type {Record<string, unknown>} */ (
    readJson(`${folder}/package.json`)
  );
  if (typeof name !== 'string' || typeof version !== 'string' || typeof license !== 'string') {
    throw new BuildError(`${folder}/package.json does not say name, version and license`);
  }
  return { name, version, license };
}
