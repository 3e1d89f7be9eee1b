// The pin of a release in the Yocto recipe: what `bitbake` checks the fetched archive against.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { BuildError } from '../build-error.js';
import { ROOT } from '../root.js';

export const PIN_FILE = path.join(
  ROOT,
  'yocto/meta-delmonicos/recipes-core/delmonicos-inside/delmonicos-inside-release.inc',
);

/**
 * @typedef {object} Pin
 * @property {string} version
 * @property {string} archiveSha256 of the .tar.gz, which is what is fetched
 * @property {string} tarSha256 of the .tar inside; zlib's version has no part in it
 * @property {Readonly<Record<string, string>>} licenses file in the archive → MD5, which is what bitbake knows them by
 */

/**
 * @param {string} version
 * @param {{ tar: Buffer, archive: Buffer, files: ReadonlyMap<string, import('./tar.js').ArchivedFile> }} release
 * @returns {Pin}
 */
export function pinOf(version, { tar, archive, files }) {
  const licenses = [...files]
    .map(([name, { content }]) => ({ file: name.slice(name.indexOf('/') + 1), content }))
    .filter(({ file }) => file === 'LICENSE' || (/^bundle\/licenses\//.test(file) && !file.endsWith('.json')))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  return {
    version,
    archiveSha256: createHash('sha256').update(archive).digest('hex'),
    tarSha256: createHash('sha256').update(tar).digest('hex'),
    licenses: Object.fromEntries(
      licenses.map(({ file, content }) => [file, createHash('md5').update(content).digest('hex')]),
    ),
  };
}

/**
 * The file that the recipe requires. Throws a BuildError for a version that is under development: what it holds still changes.
 * @param {Pin} pin
 */
export function pinText({ version, archiveSha256, tarSha256, licenses }) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new BuildError(`${version} is no release: it is not pinned`);
  return `# Written by: npm run release -- --pin (docs/release.md). A release that is out never changes.
DELMONICOS_RELEASE = "${version}"
SRC_URI[sha256sum] = "${archiveSha256}"
# Of the tar inside: it is the same whatever zlib has compressed it.
DELMONICOS_RELEASE_TAR_SHA256 = "${tarSha256}"
LIC_FILES_CHKSUM = " \\
${Object.entries(licenses)
  .map(([file, md5]) => `    file://${file};md5=${md5} \\\n`)
  .join('')}"
`;
}

/**
 * What an earlier --pin has written; undefined where a line is missing.
 * @param {string} text
 * @returns {Pin | undefined}
 */
export function parsePin(text) {
  const [version, archiveSha256, tarSha256] = [
    'DELMONICOS_RELEASE',
    'SRC_URI[sha256sum]',
    'DELMONICOS_RELEASE_TAR_SHA256',
  ].map(
    (name) =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${name} = `))
        ?.split('"')[1],
  );
  if (version === undefined || archiveSha256 === undefined || tarSha256 === undefined) return undefined;
  const licenses = [...text.matchAll(/^ +file:\/\/(\S+);md5=([0-9a-f]{32}) \\$/gm)];
  return {
    version,
    archiveSha256,
    tarSha256,
    licenses: Object.fromEntries(licenses.map(([, file, md5]) => [file ?? '', md5 ?? ''])),
  };
}
