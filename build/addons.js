// The native addons of the bundle: which there are, and where the file for a target comes from.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BuildError, MissingToolError } from './build-error.js';
import { compileAddon } from './compile-addon.js';
import { newestVersions, readElf } from './elf.js';
import { ROOT } from './root.js';

/** @typedef {import('./targets.js').Target} Target */
/** @typedef {import('./pinned-packages.js').NodeHeaders} NodeHeaders */

/**
 * @typedef {object} Addon
 * @property {string} file its name in addons/
 * @property {'node' | 'napi'} interface bound to a major version of Node, or to any
 * @property {Buffer} content
 * @property {import('./elf.js').ElfFacts} elf
 */

const SQLITE = 'node_modules/better-sqlite3';
const SERIALPORT = 'node_modules/@serialport/bindings-cpp';

/** @type {import('./compile-addon.js').Recipe} */
const SQLITE_RECIPE = {
  file: 'better_sqlite3.node',
  makefile: 'build/better-sqlite3',
  sources: ['package.json', 'src/better_sqlite3.cpp', 'deps/defines.gypi', 'deps/sqlite3/sqlite3.c'].map(
    (file) => `${SQLITE}/${file}`,
  ),
  variables: { BETTER_SQLITE3: path.join(ROOT, SQLITE) },
};

/** @type {import('./compile-addon.js').Recipe} */
const DATAGRAM_RECIPE = {
  file: 'unix_datagram.node',
  makefile: 'build/unix-datagram',
  sources: ['build/unix-datagram/unix-datagram.c', 'node_modules/node-api-headers/package.json'],
  variables: { NODE_API_INCLUDE: path.join(ROOT, 'node_modules/node-api-headers/include') },
};

/** Folders of the packages that the addons are from or made with. */
export const ADDON_PACKAGES = [
  SQLITE,
  SERIALPORT,
  'node_modules/node-addon-api',
  'node_modules/node-api-headers',
];

/**
 * All addons for a target. Throws a BuildError when one is missing, or is not for that target.
 * @param {Target} target
 * @param {NodeHeaders | undefined} headers what better-sqlite3 is compiled with; without: what npm made on this machine
 * @returns {Addon[]}
 */
export function collectAddons(target, headers) {
  const sqlite = headers
    ? readFileSync(compileAddon(SQLITE_RECIPE, target, headers))
    : stripped(`${SQLITE}/build/Release/better_sqlite3.node`);
  const bound = addon('better_sqlite3.node', 'node', sqlite, target);
  if (headers) return [bound, ...prebuiltAddons(target)];
  try {
    return [bound, ...prebuiltAddons(target)];
  } catch (error) {
    // npm may have fetched better-sqlite3's addon ready-made for a machine without a compiler: all but systemd works there.
    if (!(error instanceof MissingToolError)) throw error;
    console.error(
      `build: without unix_datagram.node, and so without systemd's notify socket: ${error.message}`,
    );
    return [bound, serialport(target)];
  }
}

/**
 * The addons that are bound to no version of Node (Node-API).
 * @param {Target} target
 * @returns {Addon[]}
 */
export function prebuiltAddons(target) {
  return [
    serialport(target),
    addon('unix_datagram.node', 'napi', readFileSync(compileAddon(DATAGRAM_RECIPE, target)), target),
  ];
}

/** @param {Target} target */
function serialport(target) {
  return addon('serialport.node', 'napi', installed(`${SERIALPORT}/${target.serialport}`), target);
}

/**
 * The newest versions of symbols that any of them needs: what the target's C and C++ libraries must have.
 * @param {readonly Addon[]} addons
 */
export function libraryFloor(addons) {
  return newestVersions(addons.flatMap(({ elf }) => elf.symbolVersions));
}

/**
 * @param {string} file
 * @param {'node' | 'napi'} boundTo
 * @param {Buffer} content
 * @param {Target} target
 * @returns {Addon}
 */
function addon(file, boundTo, content, target) {
  const elf = readElf(content, file);
  if (elf.bits !== target.elf.bits || elf.machine !== target.elf.machine || !elf.hardFloat) {
    throw new BuildError(
      `${file} is not for ${target.arch}: ${elf.bits} bits, machine ${elf.machine}${elf.hardFloat ? '' : ', soft float'}`,
    );
  }
  return { file, interface: boundTo, content, elf };
}

/** @param {string} file */
function installed(file) {
  if (!existsSync(path.join(ROOT, file))) {
    throw new BuildError(`${file} is missing: npm ci, with the install script of that package allowed`);
  }
  return readFileSync(path.join(ROOT, file));
}

/** What npm made, without symbols; as it is where there is no `strip`. @param {string} file */
function stripped(file) {
  const content = installed(file);
  const folder = mkdtempSync(path.join(tmpdir(), 'delmonicos-build-'));
  try {
    const out = path.join(folder, 'stripped.node');
    const { status } = spawnSync('strip', ['-o', out, path.join(ROOT, file)], { stdio: 'ignore' });
    return status === 0 ? readFileSync(out) : content;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
