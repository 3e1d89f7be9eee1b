import { existsSync } from 'node:fs';
import path from 'node:path';
import type Database from 'better-sqlite3';
import { equalBytes } from '../bytes.ts';
import { decodeEntry } from '../entry/cose-sign1.ts';
import { rotationIn, verifyRotation, type VerifiedRotation } from '../entry/key-rotation.ts';
import { JournalError } from '../errors.ts';
import { KeyHistory, keyHistoryForWriter, wrongKey, type SigningKey } from '../key-history.ts';
import { DATABASE_FILE } from '../store/sqlite-schema.ts';
import { carveEntries } from './carve.ts';
import { DamagedFile } from './damaged-file.ts';
import { notedDamage } from './damage-flag.ts';

/**
 * The keys of a damaged log that ended with `ownKey`: as the log tells them or, where it cannot any more, from whatever
 * rotations are left, followed backwards from the own key. Each was signed by both keys, so none needs to be believed.
 * @throws JournalError `journal.wrong_key` when a log that can still be read was handed over to another key
 */
export function keysOfDamaged(
  damaged: DamagedFile,
  ownKey: Uint8Array,
  carve: () => Iterable<Uint8Array>,
): KeyHistory {
  try {
    const history = keyHistoryForWriter(damaged, ownKey);
    if (beginsWith(damaged, history)) return history;
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'journal.corrupt') throw error;
  }
  return historyBackwards([...rotationsAmong(carve())], ownKey);
}

/** Whether entry 0 names the first of these keys: if not, rotations are missing from the table of later keys. */
export function beginsWith(
  rows: { row(index: number): { readonly cose: Uint8Array } | undefined },
  { birthKey }: KeyHistory,
): boolean {
  const row = rows.row(0);
  if (row === undefined) return false;
  try {
    const { entry } = decodeEntry(row.cose);
    return (
      entry.kind === 'boot' && entry.body.birthKey !== undefined && equalBytes(entry.body.birthKey, birthKey)
    );
  } catch {
    return false;
  }
}

/**
 * What was recovered must not go on with a key that handed it over: with the table of later keys lost, a rotation may come to
 * light only now.
 * @throws JournalError `journal.wrong_key`
 */
export function refuseHandedOver(draft: Database.Database, keys: KeyHistory): void {
  const configs = draft.prepare<[], { cose: Uint8Array }>(
    `SELECT cose FROM entry WHERE kind = 'config' AND kind <> 'reading' ORDER BY leaf_index DESC`,
  );
  for (const { index, rotation } of rotationsAmong(coseOf(configs.iterate()))) {
    if (!equalBytes(rotation.oldKey, keys.currentKey)) continue;
    const later = { firstIndex: index + 1, publicKey: rotation.newKey };
    throw wrongKey(new KeyHistory(keys.birthKey, [...keys.keys.slice(1), later]), keys.currentKey);
  }
}

function* coseOf(rows: Iterable<{ readonly cose: Uint8Array }>): Generator<Uint8Array> {
  for (const { cose } of rows) yield cose;
}

/**
 * The key that a damaged journal was last handed over to, from whatever rotations are left in its bytes: which of two seeds
 * signs it next. It reads the whole file. Undefined where none is left; believe it only of a seed that you hold.
 */
export function signerOfDamaged(directory: string): Uint8Array | undefined {
  // A recovery that was cut off has moved it, or was about to.
  const names = [notedDamage(directory)?.keptAs ?? DATABASE_FILE, DATABASE_FILE];
  const file = names.map((name) => path.join(directory, name)).find((name) => existsSync(name));
  if (file === undefined) return undefined;
  const damaged = new DamagedFile(file);
  const { pageBytes } = damaged;
  damaged.close();
  let last: VerifiedRotation | undefined;
  for (const found of rotationsAmong(carveEntries(file, pageBytes))) {
    if (last === undefined || found.index > last.index) last = found;
  }
  return last?.rotation.newKey;
}

function historyBackwards(rotations: readonly VerifiedRotation[], ownKey: Uint8Array): KeyHistory {
  const later: SigningKey[] = [];
  let key = ownKey;
  for (;;) {
    const found = rotations.find(({ rotation }) => equalBytes(rotation.newKey, key));
    // A key hands over once, so this ends.
    if (found === undefined || later.length > rotations.length) return new KeyHistory(key, later);
    later.unshift({ firstIndex: found.index + 1, publicKey: key });
    key = found.rotation.oldKey;
  }
}

function* rotationsAmong(candidates: Iterable<Uint8Array>): Generator<VerifiedRotation> {
  for (const cose of candidates) {
    // Decoding is dear, and nearly all of them are readings.
    if (!Buffer.from(cose.buffer, cose.byteOffset, cose.byteLength).includes('config')) continue;
    try {
      const rotation = rotationIn(decodeEntry(cose).entry);
      if (rotation !== undefined) yield verifyRotation(cose, rotation.oldKey);
    } catch {
      // No entry, or one that does not verify: it says nothing about keys.
    }
  }
}
