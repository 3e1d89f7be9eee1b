import type { UnsignedEntry } from './entry/cose-sign1.ts';
import type { JournalSigner } from './entry/ed25519.ts';
import type { EntryKind } from './entry/entry-types.ts';
import { JournalError } from './errors.ts';
import type { EntryRow } from './store/sqlite-rows.ts';

/** An entry that was appended and is not on disk yet. */
export interface WaitingEntry {
  readonly index: number;
  readonly kind: EntryKind;
  /** The reserve of a full disk is not for it: a reading, and a command that only looks or was refused. */
  readonly yields: boolean;
  readonly unsigned: UnsignedEntry;
  /** The key that signs from the next entry on, when this one is a rotation. */
  readonly nextKey: Uint8Array | undefined;
  readonly resolve: (index: number) => void;
  readonly reject: (error: JournalError) => void;
}

/** A waiting entry, and its signature once the other thread has delivered it. */
export interface SignableEntry extends WaitingEntry {
  signature: Uint8Array | undefined;
}

/** Entries in the order of the log, between append and commit. Signing goes on meanwhile on another thread, where there is one. */
export class WaitingEntries {
  readonly #signer: JournalSigner;
  #entries: SignableEntry[] = [];
  /** How many are signed, counted from the first up to the first that is not. */
  #signed = 0;

  constructor(signer: JournalSigner) {
    this.#signer = signer;
  }

  get count(): number {
    return this.#entries.length;
  }

  /** How many from the first on can be written without signing here and now; all, when there is no other thread. */
  get signed(): number {
    if (this.#signer.signInBackground === undefined) return this.#entries.length;
    while (this.#entries[this.#signed]?.signature !== undefined) this.#signed++;
    return this.#signed;
  }

  /** The last one that is no reading. */
  get lastOther(): number | undefined {
    return lastOtherOf(this.#entries);
  }

  add(entry: WaitingEntry): SignableEntry {
    const signable = { ...entry, signature: undefined };
    this.#entries.push(signable);
    return signable;
  }

  /** Has an entry signed while it waits; `onSigned` follows, at once when there is no other thread. */
  sign(entry: SignableEntry, onSigned: () => void): void {
    const signer = this.#signer;
    if (signer.signInBackground === undefined) return onSigned();
    signer.signInBackground(entry.unsigned.signedBytes).then(
      (signature) => {
        entry.signature = signature;
        onSigned();
      },
      () => {}, // the commit signs again and reports what is wrong
    );
  }

  /** Takes the first `count` out. */
  take(count: number): SignableEntry[] {
    this.#signed = Math.max(0, this.#signed - count);
    return this.#entries.splice(0, count);
  }
}

/** @throws JournalError `journal.commit_failed` when it is not signed yet and cannot be */
export function sealed(entry: SignableEntry, signer: JournalSigner): EntryRow {
  const { index, kind, yields, unsigned, nextKey, signature } = entry;
  try {
    return {
      ...{ index, kind, yields, nextKey },
      cose: unsigned.seal(signature ?? signer.sign(unsigned.signedBytes)),
    };
  } catch (cause) {
    throw new JournalError('journal.commit_failed', 'nothing was appended: an entry could not be signed', {
      remedy: 'retry',
      cause,
    });
  }
}

/** The last of some entries that is no reading. */
export function lastOtherOf(entries: readonly WaitingEntry[]): number | undefined {
  return entries.findLast(({ kind }) => kind !== 'reading')?.index;
}
