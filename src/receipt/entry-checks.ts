import { decodeEntry, entryVerifier, JournalError, type JournalEntry } from '../journal/index.ts';
import { fail, pass, type CheckName, type Finding } from './check.ts';
import type { ReadProofs } from './proof-checks.ts';
import type { ReceiptEntry } from './receipt-format.ts';

/** An entry as far as it can be read, and why it must not be believed, if so. */
export interface ReadEntry {
  readonly entry: JournalEntry | undefined;
  readonly why: string | undefined;
}

export function readEntries(entries: readonly ReceiptEntry[], publicKey: Uint8Array): ReadEntry[] {
  const verify = entryVerifier(publicKey);
  return entries.map(({ cose }) => {
    const bytes = new Uint8Array(Buffer.from(cose, 'base64'));
    try {
      return { entry: verify(bytes), why: undefined };
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      return { entry: readUnsigned(bytes), why: error.message };
    }
  });
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
  entries: readonly ReadEntry[],
  { proofs }: ReadProofs,
  origin: string,
): Record<Extract<CheckName, `entry-${string}`>, Finding> {
  return {
    'entry-signatures': checkSignatures(entries),
    'entry-positions': checkPositions(entries, proofs, origin),
  };
}

function checkSignatures(entries: readonly ReadEntry[]): Finding {
  const bad = entries.findIndex(({ why }) => why !== undefined);
  return bad < 0
    ? pass(`${entries.length} signed by the receipt's key`)
    : fail(`entry ${bad}: ${entries[bad]?.why ?? ''}`);
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
