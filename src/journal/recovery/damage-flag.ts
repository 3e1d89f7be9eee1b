import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { readSmallFile, replaceFile } from '../store/durable-file.ts';

/** Damage that waits for its recovery. It is on disk before anything is moved, and gone when another journal is in place. */
export interface NotedDamage {
  readonly code: string;
  readonly message: string;
  /** Every signature is to be verified: hashes that agree with each other are not enough. */
  readonly thorough: boolean;
  /** What the journal is or will be called once it is set aside, relative to the directory. */
  readonly keptAs?: string;
}

const FLAG_FILE = 'journal.damage-seen';
const MAX_FLAG_BYTES = 4_096;
const MAX_MESSAGE = 1_000;

/**
 * Notes, durably, that something in this journal does not verify: the next opening refuses it as `journal.corrupt`, so that
 * it is recovered. For damage in old entries too, which no opening looks at.
 * @throws JournalError `journal.io`
 */
export function noteDamage(directory: string, damage: NotedDamage): void {
  const message = damage.message.slice(0, MAX_MESSAGE);
  replaceFile(path.join(directory, FLAG_FILE), `${JSON.stringify({ ...damage, message })}\n`);
}

/** What was noted; undefined when nothing was. A note that cannot be read is one. */
export function notedDamage(directory: string): NotedDamage | undefined {
  const text = readSmallFile(path.join(directory, FLAG_FILE), MAX_FLAG_BYTES);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as NotedDamage;
  } catch {
    return { code: 'journal.corrupt', message: 'damage was noted here', thorough: true };
  }
}

export function forgetDamage(directory: string): void {
  rmSync(path.join(directory, FLAG_FILE), { force: true });
}

/** The recovery came to its end, and only the note of it is left. */
export function isRecovered(directory: string, { keptAs }: NotedDamage): boolean {
  const at = (name: string): boolean => existsSync(path.join(directory, name));
  return keptAs !== undefined && at(DATABASE_FILE) && (at(keptAs) || at(`${keptAs}-wal`));
}
