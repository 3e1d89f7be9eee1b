import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, fsyncSync, linkSync, mkdirSync } from 'node:fs';
import { openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { IdentityError } from './errors.ts';

export const SEED_BYTES = 32;
const FILE_NAME = 'root.seed';
/** Name of the credential in systemd's credentials directory (`LoadCredentialEncrypted=root-seed`). */
const CREDENTIAL_NAME = 'root-seed';

/** Where the seed comes from: systemd hands credentials over in a directory that only the service can read. */
export interface SeedSource {
  readonly directory: string;
  /** `$CREDENTIALS_DIRECTORY` of the process, when systemd set it. */
  readonly credentialsDirectory?: string | undefined;
}

/**
 * Makes the station's root seed from the system's generator, once. When this returns, the seed is on disk: the file is
 * complete and synchronised before it gets its name, and the name before the call returns; a power cut leaves either
 * no seed or the whole one. An existing seed is never touched.
 * @returns the path of the new file
 * @throws IdentityError `identity.seed_exists`, `identity.seed_io`
 */
export function createRootSeed(directory: string, credentialsDirectory?: string): string {
  const file = path.join(directory, FILE_NAME);
  const credential = credentialFile({ directory, credentialsDirectory });
  const present = credential ?? (existsSync(file) ? file : undefined);
  if (present !== undefined) throw alreadyThere(present);
  // A name of its own: whoever makes a seed at the same time must not get hold of this one half written. What a power cut
  // leaves of it is noise that was never a seed.
  const draft = path.join(directory, `.${FILE_NAME}.${randomBytes(8).toString('hex')}.draft`);
  try {
    makeDirectory(directory);
    writeDurably(draft, randomBytes(SEED_BYTES));
    // link(2) refuses an existing name, so that two inits at once cannot replace each other's seed; rename(2) would.
    linkSync(draft, file);
    rmSync(draft);
    syncDirectory(directory);
  } catch (error) {
    removeQuietly(draft);
    if (errno(error) === 'EEXIST') throw alreadyThere(file);
    throw new IdentityError('identity.seed_io', `cannot write ${file}`, { cause: error });
  }
  return file;
}

/**
 * Reads the seed: systemd's credential when there is one, otherwise `root.seed` in the state directory.
 * @throws IdentityError `identity.seed_missing`, `identity.seed_invalid` (not 32 bytes), `identity.seed_exposed`
 * (others may read the file), `identity.seed_io`
 */
export function readRootSeed(source: SeedSource): Uint8Array {
  const credential = credentialFile(source);
  const file = credential ?? path.join(source.directory, FILE_NAME);
  const { content, mode } = readSmallFile(file);
  // systemd's credentials directory is itself closed to others; a file of ours has to be.
  if (credential === undefined && (mode & 0o077) !== 0) {
    throw new IdentityError('identity.seed_exposed', `${file} can be read by other users`, {
      hint: `chmod 600 ${file}; if others may have read it, start anew with another state directory`,
    });
  }
  if (content.length !== SEED_BYTES) {
    throw new IdentityError('identity.seed_invalid', `${file} does not hold exactly ${SEED_BYTES} bytes`, {
      hint: 'restore the seed from a backup; an identity cannot be made from a damaged one',
    });
  }
  return content;
}

function credentialFile({ credentialsDirectory }: SeedSource): string | undefined {
  if (credentialsDirectory === undefined) return undefined;
  const file = path.join(credentialsDirectory, CREDENTIAL_NAME);
  return existsSync(file) ? file : undefined;
}

function readSmallFile(file: string): { content: Uint8Array; mode: number } {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY);
    const buffer = new Uint8Array(SEED_BYTES + 1);
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
    if (fd !== undefined) closeSync(fd);
  }
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

function alreadyThere(file: string): IdentityError {
  return new IdentityError('identity.seed_exists', `the root seed is already there: ${file}`, {
    hint: 'a station keeps its seed for life; its keys are shown by: delmonicos key show DIR',
  });
}

function errno(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
