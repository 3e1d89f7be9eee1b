import {
  JournalError,
  leafHash,
  parseCheckpoint,
  parseTlogProof,
  verifyCheckpoint,
  verifyInclusion,
  type KeyHistory,
  type TlogProof,
} from '../journal/index.ts';
import { fail, pass, type Finding } from './check.ts';
import type { ReceiptEntry } from './receipt-format.ts';

/** The tlog-proofs of a receipt as far as they can be read; nothing in here has been verified. */
export interface ReadProofs {
  readonly proofs: readonly (TlogProof | { readonly why: string })[];
  /** The checkpoint of the first proof, when it can be read. */
  readonly checkpoint:
    { readonly text: string; readonly size: number; readonly root: Uint8Array } | undefined;
}

export function readProofs(entries: readonly ReceiptEntry[]): ReadProofs {
  const proofs = entries.map(({ proof }) => orWhy(() => parseTlogProof(proof)));
  const first = proofs[0];
  if (first === undefined || 'why' in first) return { proofs, checkpoint: undefined };
  const checkpoint = orWhy(() => parseCheckpoint(first.checkpoint));
  if ('why' in checkpoint) return { proofs, checkpoint: undefined };
  return { proofs, checkpoint: { text: first.checkpoint, size: checkpoint.size, root: checkpoint.root } };
}

/** All proofs on one checkpoint, of this log, signed by its key: the one of the tree's last entry, or a later one. */
export function checkCheckpoint(
  { proofs }: ReadProofs,
  { origin, keys }: { readonly origin: string; readonly keys: KeyHistory },
): Finding {
  const texts = new Set<string>();
  for (const [i, proof] of proofs.entries()) {
    if ('why' in proof) return fail(`proof ${i}: ${proof.why}`);
    texts.add(proof.checkpoint);
  }
  const [text, another] = texts;
  if (text === undefined || another !== undefined) return fail('the proofs rest on different checkpoints');
  const parsed = orWhy(() => parseCheckpoint(text));
  if ('why' in parsed) return fail(parsed.why);
  const tried = keys
    .keysForTree(parsed.size)
    .map((publicKey) => orWhy(() => verifyCheckpoint(text, { origin, publicKey })));
  const checkpoint = tried.find((each) => !('why' in each));
  if (checkpoint === undefined || 'why' in checkpoint) {
    return fail(
      tried.flatMap((each) => ('why' in each ? [each.why] : []))[0] ?? 'nobody signed the checkpoint',
    );
  }
  if (checkpoint.extensions.length > 0) return fail('the checkpoint has extension lines of unknown meaning');
  const others = checkpoint.note.signatures.length - 1;
  const witnesses = others > 0 ? `; ${others} more signatures (witnesses) were not looked at` : '';
  return pass(`${checkpoint.size} entries, signed by the station's key${witnesses}`);
}

/** RFC 6962: each entry, byte for byte, is the leaf at its index of the tree under the checkpoint's root. */
export function checkInclusion(
  entries: readonly ReceiptEntry[],
  { proofs, checkpoint }: ReadProofs,
): Finding {
  if (checkpoint === undefined) return fail('the first proof has no readable checkpoint');
  for (const [i, proof] of proofs.entries()) {
    if ('why' in proof) return fail(`proof ${i}: ${proof.why}`);
    if (proof.extra !== undefined) return fail(`proof ${i} carries extra data that nothing vouches for`);
    const included = verifyInclusion({
      leafHash: leafHash(Buffer.from(entries[i]?.cose ?? '', 'base64')),
      leafIndex: proof.index,
      treeSize: checkpoint.size,
      rootHash: checkpoint.root,
      proof: proof.inclusionProof,
    });
    if (!included) return fail(`entry ${i} is not proved to be number ${proof.index} of the log`);
  }
  return pass(`every entry is in the log of ${checkpoint.size}`);
}

function orWhy<T>(read: () => T): T | { readonly why: string } {
  try {
    return read();
  } catch (error) {
    if (error instanceof JournalError) return { why: error.message };
    throw error;
  }
}
