import { equalBytes } from '../bytes.ts';
import { decodeEntry } from '../entry/cose-sign1.ts';
import { rotationIn, verifyRotation, type VerifiedRotation } from '../entry/key-rotation.ts';
import { JournalError } from '../errors.ts';
import { KeyHistory, keyHistoryForWriter, type SigningKey } from '../key-history.ts';
import type { DamagedFile } from './damaged-file.ts';

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
