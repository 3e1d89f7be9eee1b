// Puts what was built where it belongs.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** @typedef {import('./bundle.js').Files} Files */

/** A process that still loads a chunk of an earlier build is younger than this: no test, demo or soak takes as long. */
const STALE_MS = 2 * 60 * 60 * 1000;

/**
 * The folder holds these files and nothing else. It is exchanged whole, so that what breaks off leaves the one before.
 * @param {Files} files
 * @param {string} folder
 */
export function placeWhole(files, folder) {
  const [draft, old] = [`${folder}.${process.pid}.new`, `${folder}.${process.pid}.old`];
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  for (const [name, file] of files) write(path.join(draft, name), file);
  chmodSync(draft, 0o755);
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(draft, folder);
  rmSync(old, { recursive: true, force: true });
}

/**
 * For a folder that processes run from at this moment: files are added, each renamed into its place. What no build has made for
 * two hours goes.
 * @param {Files} files
 * @param {string} folder
 * @param {number} [nowMs]
 */
export function placeBeside(files, folder, nowMs = Date.now()) {
  const now = new Date(nowMs);
  for (const [name, file] of files) {
    const target = path.join(folder, name);
    if (!existsSync(target) || !readFileSync(target).equals(file.content)) {
      const draft = `${target}.${process.pid}.draft`;
      write(draft, file);
      renameSync(draft, target);
    }
    utimesSync(target, now, now);
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    const found = statSync(file, { throwIfNoEntry: false });
    if (found?.isFile() === true && !files.has(name) && nowMs - found.mtimeMs > STALE_MS)
      rmSync(file, { force: true });
  }
}

/** @param {string} target @param {import('./bundle.js').BundledFile} file */
function write(target, { content, executable }) {
  const folder = path.dirname(target);
  const made = mkdirSync(folder, { recursive: true });
  writeFileSync(target, content);
  // Whatever the umask is: two builds are equal in this too, and a service's user may read what root has installed.
  chmodSync(target, executable === true ? 0o755 : 0o644);
  if (made !== undefined) chmodSync(folder, 0o755);
}
