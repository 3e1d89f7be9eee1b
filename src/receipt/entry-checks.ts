import {
  checkedRotation,
  decodeEntry,
  entryVerifier,
  JournalError,
  KeyHistory,
  type JournalEntry,
  type SigningKey,
} from '../journal/index.ts';
import { fail, pass, type CheckName, type Finding } from './check.ts';
import type { ReadProofs } from './proof-checks.ts';
import type { ReceiptEntry } from './receipt-format.ts';

/** An entry as far as it can be read, and why it must not be believed, if so. */
export interface ReadEntry {
  readonly entry: JournalEntry | undefined;
  readonly why: string | undefined;
}

export interface ReadEntries {
  readonly entries: readonly ReadEntry[];
  /** The receipt's key, and each one that a rotation among the entries hands the log to: verified on both sides. */
  readonly keys: KeyHistory;
}

/** Entries in the order of the log: a rotation says which key signs those after it. */
export function readEntries(receiptEntries: readonly ReceiptEntry[], publicKey: Uint8Array): ReadEntries {
  let key = publicKey;
  let verify = entryVerifier(key);
  const later: SigningKey[] = [];
  const entries = receiptEntries.map(({ cose }): ReadEntry => {
    const bytes = new Uint8Array(Buffer.from(cose, 'base64'));
    try {
      const entry = verify(bytes);
      const rotation = checkedRotation(entry, key);
      if (rotation !== undefined) {
        key = rotation.newKey;
        verify = entryVerifier(key);
        later.push({ firstIndex: entry.index + 1, publicKey: key });
      }
      return { entry, why: undefined };
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      return { entry: readUnsigned(bytes), why: error.message };
    }
  });
  return { entries, keys: new KeyHistory(publicKey, later) };
}

/** For the checks that do not depend on the signature, so that each failure is named for what it is. */
function readUnsigned(bytes: Uint8Array): JournalEntry | undefined {
  try {
    return decodeEntry(bytes).entry;
  } catch (error) {
    if (error instanceof JournalError) return undefined;
    throw error;
  }
}

export function checkEntries(
  { entries, keys }: ReadEntries,
  { proofs }: ReadProofs,
  origin: string,
): Record<Extract<CheckName, `entry-${string}`>, Finding> {
  return {
    'entry-signatures': checkSignatures(entries, keys),
    'entry-positions': checkPositions(entries, proofs, origin),
  };
}

function checkSignatures(entries: readonly ReadEntry[], { keys }: KeyHistory): Finding {
  const bad = entries.findIndex(({ why }) => why !== undefined);
  if (bad >= 0) return fail(`entry ${bad}: ${entries[bad]?.why ?? ''}`);
  const successors = keys.length === 1 ? '' : ` and the ${keys.length - 1} that it handed the log to`;
  return pass(`${entries.length} signed by the receipt's key${successors}`);
}

/** The signed index and origin, not the receipt's order, say which entry this is; they must rise from one to the next. */
function checkPositions(
  entries: readonly ReadEntry[],
  proofs: ReadProofs['proofs'],
  origin: string,
): Finding {
  let last = -1;
  for (const [i, { entry }] of entries.entries()) {
    const proof = proofs[i];
    if (entry === undefined) return fail(`entry ${i} cannot be read`);
    if (proof === undefined || 'why' in proof) return fail(`the proof of entry ${i} cannot be read`);
    if (entry.station !== origin) return fail(`entry ${i} is of another log: ${entry.station}`);
    if (entry.index !== proof.index)
      return fail(`entry ${i} is number ${entry.index}, its proof is for ${proof.index}`);
    if (entry.index <= last) return fail(`entry ${i} is there twice or not in the order of the log`);
    last = entry.index;
  }
  return pass(`indices ${entries.map(({ entry }) => entry?.index).join(', ')} of ${origin}`);
}
