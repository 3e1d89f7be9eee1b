// npm run release: release/delmonicos-inside-VERSION.tar.gz, the same bytes from the same commit (docs/release.md).
// With --pin its hash goes into the Yocto recipe.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { BuildError } from '../build-error.js';
import { ROOT } from '../root.js';
import { parsePin, PIN_FILE, pinOf, pinText } from './pin.js';
import { collectRelease } from './release-files.js';
import { tarOf } from './tar.js';

const USAGE = `npm run release [-- --pin] [--replace] [--output DIR]
  writes release/delmonicos-inside-VERSION.tar.gz; --pin: and its hash into the Yocto recipe;
  --replace: also where that version is pinned with another content, as long as nobody has it`;

/** @typedef {ReadonlyMap<string, import('./tar.js').ArchivedFile>} ReleaseFiles */

/** What is hashed and compared. @param {ReleaseFiles} files */
export function tarOfRelease(files) {
  return tarOf(files, { mtimeSeconds: 0 });
}

/** What is published. @param {ReleaseFiles} files */
export function archiveOf(files) {
  const tar = tarOfRelease(files);
  // No name and no time in gzip's header: Node writes neither.
  return { tar, archive: gzipSync(tar, { level: 9 }), files };
}

/**
 * Whether a release may be pinned over what is pinned. Throws a BuildError where a version that is out would change.
 * @param {import('./pin.js').Pin} pin
 * @param {import('./pin.js').Pin | undefined} pinned
 */
export function refuseAnotherContent(pin, pinned) {
  if (pinned?.version !== pin.version || pinned.tarSha256 === pin.tarSha256) return;
  throw new BuildError(
    `${pin.version} is pinned with another content: a release that is out never changes; a new version does`,
  );
}

async function main() {
  const options = parseOptions();
  const { name, version, files } = await collectRelease();
  const release = archiveOf(files);
  const pin = pinOf(version, release);
  const file = path.join(options.output, `${name}.tar.gz`);
  mkdirSync(options.output, { recursive: true });
  writeFileSync(file, release.archive);
  console.log(`${path.relative('.', file)}  ${release.archive.length} bytes, ${files.size} files`);
  console.log(`sha256 of the archive     ${pin.archiveSha256}`);
  console.log(`sha256 of the tar inside  ${pin.tarSha256}`);
  if (!options.pin) return;
  const text = pinText(pin);
  if (!options.replace)
    refuseAnotherContent(pin, existsSync(PIN_FILE) ? parsePin(readFileSync(PIN_FILE, 'utf8')) : undefined);
  writeFileSync(PIN_FILE, text);
  console.log(`pinned in ${path.relative('.', PIN_FILE)}`);
}

function parseOptions() {
  try {
    const { values } = parseArgs({
      options: { pin: { type: 'boolean' }, replace: { type: 'boolean' }, output: { type: 'string' } },
    });
    return {
      pin: values.pin === true,
      replace: values.replace === true,
      output: path.resolve(values.output ?? path.join(ROOT, 'release')),
    };
  } catch (cause) {
    throw new BuildError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
  }
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`release: ${error.message}`);
    process.exitCode = 1;
  }
}
