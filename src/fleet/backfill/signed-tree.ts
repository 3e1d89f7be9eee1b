import {
  JournalError,
  verifyCheckpoint,
  verifyConsistency,
  type Checkpoint,
  type KeyHistory,
} from '../../journal/index.ts';
import type { TransferBegin } from '../../remote/index.ts';
import { forked } from './errors.ts';
import type { KnownTree } from './kept-checkpoint.ts';

/** The checkpoint of the tree that was spoken of, signed by the log's key; or why it is not. */
export function signedTreeOf(
  text: string,
  { origin, size }: Pick<TransferBegin, 'origin' | 'size'>,
  keys: KeyHistory,
): Checkpoint | string {
  let why = 'no key of the log signed the checkpoint';
  for (const publicKey of keys.keysForTree(size)) {
    try {
      const tree = verifyCheckpoint(text, { origin, publicKey });
      return tree.size === size ? tree : `the checkpoint is of ${tree.size} entries, not of ${size}`;
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      why = error.message;
    }
  }
  return why;
}

/**
 * Why it is not shown that the tree begins with one that was seen before; undefined when it does.
 * @throws BackfillError `backfill.forked` when both are signed and of one size, but not the same
 */
export function followsKnown(
  known: KnownTree,
  { tree, text, keys }: { readonly tree: Checkpoint; readonly text: string; readonly keys: KeyHistory },
  consistency: readonly string[] | null,
): string | undefined {
  const seen = signedTreeOf(known.text, { origin: tree.origin, size: known.size }, keys);
  if (typeof seen === 'string') return `the checkpoint beside the file is not of this log: ${seen}`;
  if (seen.size === tree.size && Buffer.compare(seen.root, tree.root) !== 0) throw forked(known.text, text);
  if (consistency === null) return 'the station does not show that its log begins with the one seen before';
  const proof = consistency.map((hash) => new Uint8Array(Buffer.from(hash, 'hex')));
  const claim = { size1: seen.size, root1: seen.root, size2: tree.size, root2: tree.root, proof };
  return verifyConsistency(claim) ? undefined : 'the log does not begin with the tree that was seen before';
}
