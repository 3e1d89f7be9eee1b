import type Database from 'better-sqlite3';
import { equalBytes } from './bytes.ts';
import { decodeEntry, entryVerifier } from './entry/cose-sign1.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { checkedRotation, rotationIn } from './entry/key-rotation.ts';
import { JournalError } from './errors.ts';
import { SIGNING_KEY_SCHEMA } from './store/sqlite-schema.ts';

/**
 * The auditor's own way through the keys of a log: from the birth in entry 0, each rotation in its turn, and no word from the
 * table of keys, which is compared at the end. Throws JournalError (`journal.entry_…`) for an entry that must not be believed.
 */
export class KeyAudit {
  readonly #trusted: Uint8Array | undefined;
  readonly #keys: { firstIndex: number; publicKey: Uint8Array }[] = [];
  #verify: ((cose: Uint8Array) => JournalEntry) | undefined;

  /** @param trusted a key that must be one of the log's; without it, entry 0 is believed */
  constructor(trusted: Uint8Array | undefined) {
    this.#trusted = trusted;
  }

  /**
   * Before the long walk: whether the key that is trusted is the log's first one, or any rotation claims it. What is claimed is
   * verified on the way.
   */
  begin(database: Database.Database): void {
    const first = database
      .prepare<[], Uint8Array>('SELECT cose FROM entry WHERE leaf_index = 0')
      .pluck()
      .get();
    if (this.#trusted === undefined || first === undefined) return;
    if (equalBytes(birthKeyOf(first), this.#trusted)) return;
    const claims = database.prepare<[], Uint8Array>("SELECT cose FROM entry WHERE kind = 'config'").pluck();
    for (const cose of claims.iterate()) if (this.#claimed(cose)) return;
    throw foreign();
  }

  /** The entry, verified with the key of its place; entries come in order. */
  verify(cose: Uint8Array): JournalEntry {
    if (this.#verify === undefined) this.#use(0, birthKeyOf(cose));
    const entry = (this.#verify as (cose: Uint8Array) => JournalEntry)(cose);
    const rotation = checkedRotation(entry, (this.#keys.at(-1) as { publicKey: Uint8Array }).publicKey);
    if (rotation !== undefined) this.#use(entry.index + 1, rotation.newKey);
    return entry;
  }

  /** After the last of `size` entries. Returns what is wrong, if anything. */
  end(database: Database.Database, size: number): string | undefined {
    if (size > 0 && this.#trusted !== undefined && !this.#has(this.#trusted)) return foreign().message;
    const later = this.#keys.slice(1);
    const hasTable = (database.pragma('user_version', { simple: true }) as number) >= SIGNING_KEY_SCHEMA;
    const rows = !hasTable
      ? []
      : database
          .prepare<[number], { firstIndex: unknown; publicKey: unknown }>(
            'SELECT first_index AS firstIndex, public_key AS publicKey FROM signing_key WHERE first_index <= ? ORDER BY first_index',
          )
          .all(size);
    const same =
      rows.length === later.length &&
      rows.every(
        ({ firstIndex, publicKey }, i) =>
          firstIndex === later[i]?.firstIndex &&
          publicKey instanceof Uint8Array &&
          equalBytes(publicKey, later[i]?.publicKey ?? new Uint8Array(0)),
      );
    return same ? undefined : 'the table of keys does not fit the rotations in the log';
  }

  #use(firstIndex: number, publicKey: Uint8Array): void {
    this.#keys.push({ firstIndex, publicKey });
    this.#verify = entryVerifier(publicKey);
  }

  #has(key: Uint8Array): boolean {
    return this.#keys.some(({ publicKey }) => equalBytes(publicKey, key));
  }

  #claimed(cose: Uint8Array): boolean {
    try {
      const rotation = rotationIn(decodeEntry(cose).entry);
      return rotation !== undefined && equalBytes(rotation.newKey, this.#trusted as Uint8Array);
    } catch {
      return false; // the walk will find it
    }
  }
}

function birthKeyOf(cose: Uint8Array): Uint8Array {
  const { entry } = decodeEntry(cose);
  const key = entry.kind === 'boot' ? entry.body.birthKey : undefined;
  if (key === undefined)
    throw new JournalError('journal.entry_malformed', 'the log does not begin with a birth');
  return key;
}

function foreign(): JournalError {
  return new JournalError('journal.entry_foreign_key', 'the entry is signed by another key');
}
