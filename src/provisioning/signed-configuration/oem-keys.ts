import { readFileSync } from 'node:fs';
import path from 'node:path';
import { JournalError, parseVerifierKey, type NoteKey } from '../../journal/index.ts';
import { ProvisioningError } from '../errors.ts';

export const OEM_KEYS_FILE = 'oem-keys';
const MAX_KEYS = 16;
const MAX_FILE_BYTES = 16_384;

/**
 * Keys of those who may sign configurations: C2SP verifier keys, one a line; `#` begins a comment.
 * @throws ProvisioningError `provisioning.oem_keys_malformed`
 */
export function parseOemKeys(text: string): NoteKey[] {
  if (text.length > MAX_FILE_BYTES) throw malformed(`it has more than ${MAX_FILE_BYTES} characters`);
  const lines = text
    .split('\n')
    .map((line, i) => ({ text: line.replace(/#.*/, '').trim(), number: i + 1 }))
    .filter((line) => line.text !== '');
  if (lines.length > MAX_KEYS) throw malformed(`it has more than ${MAX_KEYS} keys`);
  return lines.map((line) => {
    try {
      return parseVerifierKey(line.text);
    } catch (cause) {
      const why = cause instanceof JournalError ? cause.message : String(cause);
      throw malformed(`line ${line.number}: ${why}`, cause);
    }
  });
}

/**
 * The keys that a station believes. The file stands where the OEM's image put it, and no signed configuration can name another.
 * @returns none when there is no file: then no configuration but `--config` is ever taken
 * @throws ProvisioningError `provisioning.oem_keys_malformed`
 */
export function readOemKeys(file: string): NoteKey[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw malformed(`cannot read ${file}: ${(cause as Error).message}`, cause);
  }
  return parseOemKeys(text);
}

export function oemKeysBeside(configPath: string): string {
  return path.join(path.dirname(configPath), OEM_KEYS_FILE);
}

function malformed(why: string, cause?: unknown): ProvisioningError {
  return new ProvisioningError('provisioning.oem_keys_malformed', `the OEM's keys cannot be read: ${why}`, {
    cause,
    hint: 'one C2SP verifier key a line, such as `delmonicos config key` prints',
  });
}
