import { JournalError } from './errors.ts';
import type { KeyHistory } from './key-history.ts';
import { checkedEdge } from './log-continuity.ts';
import type { KnownTree } from './recovery/high-water.ts';
import { readHighWater } from './recovery/high-water-file.ts';
import { compareWithKnown } from './recovery/opening.ts';
import { firstLogOrigin } from './recovery/origin-chain.ts';
import { openRows } from './store/sqlite-rows.ts';
import { nodesFromEdge, nodesFromTiles } from './tree/hash-tile.ts';
import { consistencyProof, rootOf, verifyConsistency } from './tree/merkle-tree.ts';

/** A log as whoever signs beside its writer knows it. */
export interface LogToSign {
  readonly directory: string;
  readonly origin: string;
  readonly keys: KeyHistory;
  /** The high-water mark. */
  readonly highWaterFile: string;
  /** Trees of this station's logs that were signed before. */
  readonly known?: readonly KnownTree[];
}

/**
 * The tree of a log's first `wanted` entries, fit to be signed by another process than the one that writes the log. That one knows
 * its tree; this one has nothing but the file, in which a bit may have turned since. So the same is checked as when a log is
 * opened, and a smaller tree must be the beginning of what that gives.
 * @param wanted all that is committed unless given
 * @throws JournalError `journal.corrupt`, `journal.rolled_back`: then nothing must be signed; `journal.out_of_range`,
 * `journal.pruned`, `journal.io`
 */
export function treeToSign(
  log: LogToSign,
  wanted?: number,
): { readonly size: number; readonly root: Uint8Array } {
  const { directory, origin, keys, known } = log;
  // Before the size: the mark is never ahead of the log.
  const found = readHighWater(log.highWaterFile);
  const rows = openRows(directory);
  try {
    const whole = rows.size();
    const size = wanted ?? whole;
    if (size > whole)
      throw new JournalError('journal.out_of_range', `the log has ${whole} entries, not ${size}`);
    const end = { stationOrigin: firstLogOrigin(origin), origin, size: whole, opening: undefined };
    const hashed = compareWithKnown(rows, end, found, known);
    const edge = checkedEdge(rows, origin, whole, keys, { hashed });
    const nodes = nodesFromTiles(rows.tile.bind(rows));
    const claim = {
      ...{ size1: size, root1: rootOf(nodes, size), size2: whole, root2: rootOf(nodesFromEdge(edge), whole) },
      proof: consistencyProof(nodes, size, whole),
    };
    if (!verifyConsistency(claim))
      throw new JournalError(
        'journal.corrupt',
        `the stored hashes do not lead from ${size} entries to ${whole}`,
      );
    return { size, root: claim.root1 };
  } finally {
    rows.close();
  }
}
