// The text of the licence of everything inside. A package without one, here or in its own folder, fails the build.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BuildError } from './build-error.js';
import { ROOT } from './root.js';

/** @typedef {import('./shipped-packages.js').ShippedPackage} ShippedPackage */

const TEXT = /^(licen[cs]e|copying|notice|unlicense)(\.(md|txt))?$/i;
/** Texts of packages that come without one: build/licenses/README.md says where each is from. */
const KEPT = path.join(ROOT, 'build/licenses');
const KEPT_TEXTS = new Map([
  ['saxes', ['saxes.txt']],
  ['scale-ts', ['scale-ts.txt']],
  ['smoldot', ['smoldot.txt', 'Classpath-exception-2.0.txt', 'GPL-3.0.txt']],
]);

/** @param {{ name: string, version: string }} shipped @returns {string} its file in licenses/ */
export function licenseFile({ name, version }) {
  return `${name.replaceAll('/', '+')}@${version}.txt`;
}

/**
 * @param {readonly ShippedPackage[]} packages
 * @returns {Map<string, Buffer>} file in licenses/ → text
 */
export function collectLicenses(packages) {
  return new Map(packages.map((shipped) => [licenseFile(shipped), Buffer.from(licenseText(shipped))]));
}

/** @param {ShippedPackage} shipped */
export function licenseText({ folder, name, version, license }) {
  const at = path.resolve(ROOT, folder);
  const own = existsSync(at)
    ? readdirSync(at)
        .filter((file) => TEXT.test(file))
        .sort()
    : [];
  const texts =
    own.length > 0
      ? own.map((file) => readFileSync(path.join(at, file), 'utf8'))
      : (KEPT_TEXTS.get(name) ?? []).map((file) => readFileSync(path.join(KEPT, file), 'utf8'));
  if (texts.length === 0 || texts.some((text) => text.trim() === '')) {
    throw new BuildError(`${name}@${version} (${license}) has no licence text: put it into build/licenses`);
  }
  return `${name} ${version}\n${license}\n\n${texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n')}\n`;
}

/**
 * SQLite's dedication to the public domain and its version, out of its own header.
 * @param {string} header sqlite3.h
 * @returns {{ version: string, text: string }}
 */
export function sqliteLicense(header) {
  const version = /^#define SQLITE_VERSION\s+"([^"]+)"/m.exec(header)?.[1];
  const dedication = /\/\*\n([^]*?)\n\*{20}/.exec(header)?.[1];
  if (version === undefined || dedication?.includes('disclaims copyright') !== true) {
    throw new BuildError('sqlite3.h does not say its version and its dedication where it used to');
  }
  return { version, text: `SQLite ${version}\n\n${dedication.replaceAll(/^\*\* ?/gm, '')}\n` };
}
