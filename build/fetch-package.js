// A pinned package out of the registry, through npm itself, kept under node_modules/.cache.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { BuildError } from './build-error.js';
import { ROOT } from './root.js';

export const CACHE = path.join(ROOT, 'node_modules/.cache/delmonicos-inside');

/**
 * The tarball, whose hash is the pinned one. Throws a BuildError when the registry does not have it or gives another.
 * @param {import('./pinned-packages.js').PinnedPackage} pinned
 * @returns {string} its path
 */
export function fetchPackage({ name, version, integrity }) {
  const kept = path.join(CACHE, `${name.replace('/', '-')}-${version}.tgz`);
  if (existsSync(kept) && integrityOf(kept) === integrity) return kept;
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(path.join(CACHE, 'fetch-'));
  try {
    const args = ['pack', `${name}@${version}`, '--pack-destination', folder, '--silent'];
    /** @type {string} */
    let file;
    try {
      file = execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
    } catch (cause) {
      throw new BuildError(`npm cannot fetch ${name}@${version}: is the registry reachable?`, cause);
    }
    const fetched = path.join(folder, file.split('\n').at(-1) ?? '');
    const found = integrityOf(fetched);
    if (found !== integrity) {
      throw new BuildError(`${name}@${version} of the registry is ${found}, not the pinned ${integrity}`);
    }
    renameSync(fetched, kept);
    return kept;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A part of a pinned package, unpacked.
 * @param {import('./pinned-packages.js').PinnedPackage} pinned
 * @param {string} part a folder or file in it, such as `include` or `bin/node`
 * @returns {string} the path of that part
 */
export function unpackPackage(pinned, part) {
  const folder = path.join(
    CACHE,
    `${pinned.name.replace('/', '-')}-${pinned.version}`,
    part.replaceAll('/', '-'),
  );
  const unpacked = path.join(folder, part);
  if (existsSync(unpacked)) return unpacked;
  const tarball = fetchPackage(pinned);
  // Renamed into its place: what is there is whole, also beside another build.
  const draft = mkdtempSync(path.join(CACHE, 'unpack-'));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', draft, '--strip-components=1', `package/${part}`]);
    mkdirSync(path.dirname(folder), { recursive: true });
    if (!existsSync(folder)) renameSync(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return unpacked;
}

/** @param {string} file */
function integrityOf(file) {
  return `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
}
