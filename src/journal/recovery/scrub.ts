import { JournalError } from '../errors.ts';
import { openJournalReader, type JournalReader } from '../journal-reader.ts';
import { leafHash, verifyInclusion } from '../tree/merkle-tree.ts';

/** An entry of a journal that does not verify, or that is missing without a word. */
export interface FoundDamage {
  readonly index: number;
  readonly why: string;
}

export interface ScrubRange {
  readonly from: number;
  readonly to: number;
}

/** Which entries to look at next: on from the last ones, and again from the beginning at the end of the log. Pure. */
export function nextScrub(position: number, size: number, entries: number): ScrubRange {
  const from = position >= size ? 0 : position;
  return { from, to: Math.min(size, from + entries) };
}

/**
 * Verifies entries from..to-1 beside a running writer: each one's signature and place, and that the stored hashes lead from it
 * to the root. Breathes between entries.
 * @param root of the log as its writer knows it, for a size that is on disk
 * @throws JournalError `journal.io` when the file cannot be read now, which says nothing about its content
 */
export async function scrubEntries(
  directory: string,
  { from, to }: ScrubRange,
  { size, root }: { readonly size: number; readonly root: Uint8Array },
): Promise<FoundDamage | undefined> {
  let at = from;
  let reader: JournalReader | undefined;
  try {
    reader = openJournalReader(directory);
    const verify = reader.keys.verifier();
    for (const { index, kind, cose } of reader.entries(from, Math.min(to, size))) {
      at = index;
      const entry = verify(index, cose);
      if (entry.index !== index || entry.station !== reader.origin || entry.kind !== kind)
        return { index, why: 'the entry is of another place' };
      if (!isInTree(reader, index, cose, size, root))
        return { index, why: 'the stored hashes do not lead from the entry to the root' };
      await new Promise(setImmediate);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof JournalError) || error.code === 'journal.io') throw error;
    // Retention went through these entries meanwhile: what is left of them is looked at on the next round.
    if (error.code === 'journal.pruned') return undefined;
    return { index: at, why: `${error.code}: ${error.message}` };
  } finally {
    reader?.close();
  }
}

function isInTree(
  reader: JournalReader,
  leafIndex: number,
  cose: Uint8Array,
  treeSize: number,
  rootHash: Uint8Array,
): boolean {
  const proof = reader.inclusionProof(leafIndex, treeSize);
  return verifyInclusion({ leafHash: leafHash(cose), leafIndex, treeSize, rootHash, proof });
}
