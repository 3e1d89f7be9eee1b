import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync } from 'node:fs';
import {
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { IdentityError } from './errors.ts';
import { decodeSeedRecord, encodeSeedRecord, MAX_RECORD_BYTES, type SealedSeed } from './seed-record.ts';

/**
 * Names in the state directory. `next` is a seed that the log may have been handed over to, or not: the log says. A retired one
 * signs nothing any more; it owns what is left on the old chain account.
 */
export const SEED_FILE = 'root.seed';
export const NEXT_SEED_FILE = 'root.seed.next';
const RETIRED = /^root\.seed\.retired-(\d+)$/;

/**
 * Gives a seed record a name, durably: it is complete and synchronised before it has the name, and the name before this
 * returns; a power cut leaves either nothing or the whole. A name that is taken is never touched.
 * @throws IdentityError `identity.seed_exists`, `identity.seed_io`
 */
export function writeSeedFile(directory: string, name: string, sealed: SealedSeed): string {
  const file = path.join(directory, name);
  // A name of its own: whoever makes a seed at the same time must not get hold of this one half written. What a power cut
  // leaves of it is noise that was never a seed.
  const draft = path.join(directory, `.${name}.${randomBytes(8).toString('hex')}.draft`);
  const content = encodeSeedRecord(sealed);
  try {
    makeDirectory(directory);
    writeDurably(draft, content);
    // link(2) refuses an existing name, so that two inits at once cannot replace each other's seed; rename(2) would.
    linkSync(draft, file);
    rmSync(draft);
    syncDirectory(directory);
  } catch (error) {
    removeQuietly(draft);
    if (errno(error) === 'EEXIST') throw seedExists(file);
    throw new IdentityError('identity.seed_io', `cannot write ${file}`, { cause: error });
  }
  return file;
}

/** @throws IdentityError `identity.seed_missing`, `identity.seed_invalid`, `identity.seed_exposed`, `identity.seed_io` */
export function readSeedFile(directory: string, name: string): SealedSeed {
  const file = path.join(directory, name);
  const { content, mode } = readSmallFile(file);
  if ((mode & 0o077) !== 0) {
    content.fill(0);
    throw new IdentityError('identity.seed_exposed', `${file} can be read by other users`, {
      hint: `chmod 600 ${file}; if others may have read it: delmonicos key rotate DIR`,
    });
  }
  return decodeSeedRecord(content, file);
}

/** The raw content of a file that is a seed or none: at most one byte more than a record may have. Throws as readSeedFile. */
export function readSmallFile(file: string): { content: Uint8Array; mode: number } {
  let fd: number | undefined;
  const buffer = new Uint8Array(MAX_RECORD_BYTES + 1);
  try {
    fd = openSync(file, constants.O_RDONLY);
    const length = readSync(fd, buffer, 0, buffer.length, 0);
    return { content: buffer.slice(0, length), mode: fstatSync(fd).mode };
  } catch (error) {
    if (errno(error) === 'ENOENT') {
      throw new IdentityError('identity.seed_missing', `there is no ${file}`, {
        hint: 'make one with: delmonicos key init DIR',
      });
    }
    throw new IdentityError('identity.seed_io', `cannot read ${file}`, { cause: error });
  } finally {
    buffer.fill(0);
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * The next seed takes the place of the present one, in one step (rename(2)). With `keepOld` the present one gets a name of its
 * own before: cut off in between, it has two names, and this may be called again.
 * @returns the name under which the old one is kept
 * @throws IdentityError `identity.seed_io`
 */
export function promoteNextSeed(directory: string, keepOld: boolean): string | undefined {
  const [present, next] = [SEED_FILE, NEXT_SEED_FILE].map((name) => path.join(directory, name)) as [
    string,
    string,
  ];
  try {
    const kept = keepOld && existsSync(present) ? retire(directory, present) : undefined;
    renameSync(next, present);
    syncDirectory(directory);
    return kept;
  } catch (error) {
    throw new IdentityError('identity.seed_io', `cannot put ${next} in the place of ${present}`, {
      cause: error,
    });
  }
}

/** Names of seeds that were replaced and kept, oldest first. */
export function retiredSeeds(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const number = (name: string) => Number(RETIRED.exec(name)?.[1] ?? 0);
  return readdirSync(directory)
    .filter((name) => RETIRED.test(name))
    .sort((a, b) => number(a) - number(b));
}

/** A seed that is of no use any more gets out of the way and is kept. @throws IdentityError `identity.seed_io` */
export function setAsideSeed(directory: string): void {
  const present = path.join(directory, SEED_FILE);
  if (!existsSync(present)) return;
  try {
    let number = 1;
    while (existsSync(`${present}.lost-${number}`)) number++;
    renameSync(present, `${present}.lost-${number}`);
    syncDirectory(directory);
  } catch (error) {
    throw new IdentityError('identity.seed_io', `cannot move ${present} aside`, { cause: error });
  }
}

/** Takes a name away, durably. @throws IdentityError `identity.seed_io` */
export function removeSeedFile(directory: string, name: string): void {
  try {
    rmSync(path.join(directory, name), { force: true });
    syncDirectory(directory);
  } catch (error) {
    throw new IdentityError('identity.seed_io', `cannot remove ${name}`, { cause: error });
  }
}

/** Names of all that is or was a seed: the present one, the next, those that were replaced and those that were lost. */
export function seedFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).filter((name) => /^root\.seed(\.(next|retired-\d+|lost-\d+))?$/.test(name));
}

/** Best effort: flash writes elsewhere and leaves the old cells for later. @throws IdentityError `identity.seed_io` */
export function overwriteSeedFile(directory: string, name: string): void {
  let fd: number | undefined;
  try {
    fd = openSync(path.join(directory, name), constants.O_WRONLY | constants.O_NOFOLLOW);
    writeSync(fd, new Uint8Array(Math.min(fstatSync(fd).size, MAX_RECORD_BYTES)));
    fsyncSync(fd);
  } catch (error) {
    throw new IdentityError('identity.seed_io', `cannot overwrite ${name}`, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

export function seedExists(file: string): IdentityError {
  return new IdentityError('identity.seed_exists', `the root seed is already there: ${file}`, {
    hint: 'its keys are shown by: delmonicos key show DIR; it is replaced by: delmonicos key rotate DIR',
  });
}

function retire(directory: string, present: string): string {
  const retired = retiredSeeds(directory);
  const inode = statSync(present).ino;
  const already = retired.find((name) => statSync(path.join(directory, name)).ino === inode);
  if (already !== undefined) return already;
  const name = `${SEED_FILE}.retired-${Number(RETIRED.exec(retired.at(-1) ?? '')?.[1] ?? 0) + 1}`;
  linkSync(present, path.join(directory, name));
  syncDirectory(directory);
  return name;
}

function writeDurably(file: string, content: Uint8Array): void {
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    // Unlike writeSync it goes on after a short write.
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The error that led here is the one to report. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Not even the directory can be looked at.
  }
}

function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (first !== undefined) syncDirectory(path.dirname(first));
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function errno(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
