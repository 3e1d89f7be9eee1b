import { existsSync, opendirSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationFolder, readBounded } from './configuration-folder.ts';
import { asOwnerOfNow } from '../as-owner.ts';
import { makeDirectory, removeFile, replaceFile } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import { MAX_CONFIGURATION_BYTES, sequenceOf } from './signed-configuration.ts';

/** So many are looked at in one go, and so many names at most: whoever brings more is no installer. */
const MAX_FILES = 16;
const MAX_NAMES = 1_024;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\.cose$/;

export interface IncomingFile {
  readonly name: string;
  /** Undefined: no regular file, or larger than any signed configuration. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * What was put into `incoming/`, the highest number first, so that the older ones are seen to be that. Never throws because of
 * what is in there.
 */
export function incomingFiles(directory: string): IncomingFile[] {
  return names(directory)
    .slice(0, MAX_FILES)
    .map((name) => ({ name, bytes: readBounded(path.join(directory, name), MAX_CONFIGURATION_BYTES) }))
    .map((file) => ({ file, sequence: sequenceOf(file.bytes) }))
    .sort((a, b) => b.sequence - a.sequence)
    .map(({ file }) => file);
}

/**
 * Puts a signed configuration where the service looks for it, as a file of the service's own user.
 * @returns the file @throws ProvisioningError `provisioning.config_io`
 */
export function putIncoming(stateDirectory: string, bytes: Uint8Array, id: string): string {
  const { incoming } = new ConfigurationFolder(stateDirectory);
  const file = path.join(incoming, `${id.slice(0, 16)}.cose`);
  try {
    asOwnerOfNow(stateDirectory, () => {
      makeDirectory(incoming);
      replaceFile(file, bytes);
    });
    return file;
  } catch (cause) {
    throw new ProvisioningError(
      'provisioning.config_io',
      `cannot write ${file}: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** It was judged on; what the result was is told elsewhere. */
export function removeIncoming(directory: string, name: string): void {
  removeFile(path.join(directory, name));
}

function names(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const found: string[] = [];
  const folder = opendirSync(directory);
  try {
    for (let seen = 0; seen < MAX_NAMES; seen++) {
      const entry = folder.readSync();
      if (entry === null) break;
      if (NAME.test(entry.name) && !entry.isDirectory()) found.push(entry.name);
    }
  } finally {
    folder.closeSync();
  }
  return found.sort();
}
