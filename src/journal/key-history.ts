import { equalBytes } from './bytes.ts';
import { decodeEntry, entryVerifier } from './entry/cose-sign1.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { verifyRotation } from './entry/key-rotation.ts';
import { JournalError } from './errors.ts';

/** A key and the first entry that it signs; it signs until the next key's first one. */
export interface SigningKey {
  readonly firstIndex: number;
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
}

/** Rows of a log, as far as its keys are concerned. */
export interface KeyRows {
  row(index: number): { readonly index: number; readonly cose: Uint8Array } | undefined;
  /** What the table of later keys says; derived from signed entries, and never believed without them. */
  signingKeys(): readonly SigningKey[];
}

/** Which key signs which entries of a log: the birth's from entry 0 on, each rotation's from the entry after it. Pure. */
export class KeyHistory {
  /** At least one, in the order of the log. */
  readonly keys: readonly SigningKey[];

  constructor(birthKey: Uint8Array, later: readonly SigningKey[] = []) {
    this.keys = [{ firstIndex: 0, publicKey: birthKey }, ...later];
  }

  get birthKey(): Uint8Array {
    return (this.keys[0] as SigningKey).publicKey;
  }

  /** The key that signs what is appended next. */
  get currentKey(): Uint8Array {
    return (this.keys.at(-1) as SigningKey).publicKey;
  }

  keyAt(index: number): Uint8Array {
    const key = this.keys.findLast(({ firstIndex }) => firstIndex <= index);
    return key?.publicKey ?? this.birthKey;
  }

  includes(publicKey: Uint8Array): boolean {
    return this.keys.some((key) => equalBytes(key.publicKey, publicKey));
  }

  /**
   * The keys that a checkpoint of this size may be signed with: the one of its last entry and every later one. A key that was
   * replaced before the tree's end says nothing about that tree.
   */
  keysForTree(size: number): readonly Uint8Array[] {
    const last = this.keys.findLastIndex(({ firstIndex }) => firstIndex < Math.max(1, size));
    return this.keys.slice(Math.max(0, last)).map(({ publicKey }) => publicKey);
  }

  /** Verifies entries, each with the key of its index; imports each key once. Throws as verifyEntry does. */
  verifier(): (index: number, cose: Uint8Array) => JournalEntry {
    const verifiers = this.keys.map(({ publicKey }) => entryVerifier(publicKey));
    return (index, cose) => {
      const at = this.keys.findLastIndex(({ firstIndex }) => firstIndex <= index);
      return (verifiers[Math.max(0, at)] as (cose: Uint8Array) => JournalEntry)(cose);
    };
  }
}

/**
 * The keys of a log, from the birth in entry 0 through each rotation, every signature on the way verified. Costs a few reads
 * for each rotation there ever was, whatever the log's length. Whether the birth is to be believed is the caller's question.
 * @throws JournalError `journal.corrupt`, `journal.missing` (no entry)
 */
export function readKeyHistory(rows: KeyRows): KeyHistory {
  const birthKey = readBirthKey(rows);
  return new KeyHistory(birthKey, verifiedRotations(rows, birthKey));
}

/**
 * The keys of a log that is opened for writing by the holder of `ownKey`. Without rotations that is the one key there should
 * be, and what checks the log's end finds out whether it is; entry 0 need not be readable for that.
 * @throws JournalError `journal.corrupt`; `journal.wrong_key` when the log was handed over to another key
 */
export function keyHistoryForWriter(rows: KeyRows, ownKey: Uint8Array): KeyHistory {
  const later = rows.signingKeys();
  if (later.length === 0) return new KeyHistory(ownKey);
  const history = readKeyHistory(rows);
  if (!equalBytes(history.currentKey, ownKey)) throw wrongKey(history, ownKey);
  return history;
}

/** The log's last boot entry is not by `ownKey`: says which of the log's keys that is, if any. */
export function foreignKey(rows: KeyRows, ownKey: Uint8Array, cause: unknown): JournalError {
  try {
    return wrongKey(readKeyHistory(rows), ownKey, cause);
  } catch {
    return wrongKey(undefined, ownKey, cause);
  }
}

/** What a seed that does not sign this log any more, or never did, is told. */
export function wrongKey(history: KeyHistory | undefined, ownKey: Uint8Array, cause?: unknown): JournalError {
  const hex = (key: Uint8Array) => Buffer.from(key).toString('hex');
  const details = { found: hex(ownKey), ...(history && { expected: hex(history.currentKey) }) };
  const held = history?.keys.findIndex(({ publicKey }) => equalBytes(publicKey, ownKey)) ?? -1;
  const next = held < 0 ? undefined : history?.keys[held + 1];
  if (next !== undefined) {
    return new JournalError(
      'journal.wrong_key',
      `the root seed here was replaced: from entry ${next.firstIndex} on another key signs`,
      {
        details,
        cause,
        hint: 'put the newer root seed in its place (root.seed.next, or its backup); an older one never signs again',
      },
    );
  }
  return new JournalError(
    'journal.wrong_key',
    'the journal is signed by another key than the root seed gives',
    {
      details,
      cause,
      hint: 'restore the root seed that belongs to this journal; when it is lost: delmonicos key init DIR --after-loss',
    },
  );
}

function readBirthKey(rows: KeyRows): Uint8Array {
  const row = rows.row(0);
  if (row === undefined) throw new JournalError('journal.corrupt', 'the log has no entry 0');
  let entry: JournalEntry;
  try {
    entry = decodeEntry(row.cose).entry;
  } catch (cause) {
    throw new JournalError('journal.corrupt', 'entry 0 cannot be read back', { cause });
  }
  if (entry.kind !== 'boot' || entry.body.birthKey === undefined) {
    throw new JournalError('journal.corrupt', 'entry 0 is not the birth of an identity');
  }
  return entry.body.birthKey;
}

function verifiedRotations(rows: KeyRows, birthKey: Uint8Array): SigningKey[] {
  let signedBy = birthKey;
  return rows.signingKeys().map(({ firstIndex, publicKey }) => {
    const row = rows.row(firstIndex - 1);
    if (row === undefined) throw noRotation(firstIndex - 1);
    try {
      const { index, rotation } = verifyRotation(row.cose, signedBy);
      if (index !== firstIndex - 1 || !equalBytes(rotation.newKey, publicKey))
        throw noRotation(firstIndex - 1);
    } catch (cause) {
      throw noRotation(firstIndex - 1, cause);
    }
    signedBy = publicKey;
    return { firstIndex, publicKey: new Uint8Array(publicKey) };
  });
}

function noRotation(index: number, cause?: unknown): JournalError {
  const message = `entry ${index} is not the rotation that the table of keys says it is`;
  return new JournalError('journal.corrupt', message, { cause });
}
