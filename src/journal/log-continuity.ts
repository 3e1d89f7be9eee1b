import { equalBytes } from './bytes.ts';
import { verifyEntry } from './cose-sign1.ts';
import type { JournalEntry } from './entry-types.ts';
import { JournalError } from './errors.ts';
import type { JournalOptions } from './journal-port.ts';
import { nodesFromEdge, nodesFromTiles, type TreeEdge } from './hash-tile.ts';
import { rootOf } from './merkle-tree.ts';
import type { SqliteRows } from './sqlite-store.ts';

/**
 * The boot count to go on with: that of the last `boot` entry while the same kernel runs, otherwise one more. Also
 * checks that the log is ours to continue.
 * @throws JournalError `journal.corrupt`, `journal.wrong_key`, `journal.wrong_origin`
 */
export function nextBootCount(
  store: SqliteRows,
  options: JournalOptions,
  size: number,
  bootId: Uint8Array,
): number {
  if (size === 0) return 1;
  const row = store.lastOfKind('boot');
  if (row === undefined) throw new JournalError('journal.corrupt', 'the log has no boot entry');
  let boot: JournalEntry;
  try {
    boot = verifyEntry(row.cose, options.signer.publicKey);
  } catch (error) {
    if ((error as JournalError).code === 'journal.entry_foreign_key') {
      throw new JournalError(
        'journal.wrong_key',
        'the journal is signed by another key than root.seed gives',
        {
          cause: error,
          hint: 'restore the root seed that belongs to this journal, or use another state directory',
        },
      );
    }
    throw new JournalError('journal.corrupt', `entry ${row.index} does not verify`, { cause: error });
  }
  if (boot.kind !== 'boot') throw new JournalError('journal.corrupt', `entry ${row.index} is no boot entry`);
  if (boot.station !== options.origin) {
    throw new JournalError('journal.wrong_origin', `the journal belongs to ${boot.station}`, {
      details: { expected: options.origin, found: boot.station },
    });
  }
  return boot.bootCount + (equalBytes(boot.body.bootId, bootId) ? 0 : 1);
}

/**
 * Where a log ends that was opened again in mid-run. It must begin with the tree known before: that one was acknowledged
 * and may stand in a checkpoint, and whatever took its place would fork the log.
 * @throws JournalError `journal.corrupt`
 */
export function edgeAfter(store: SqliteRows, known: TreeEdge): TreeEdge {
  const size = store.size();
  const before = size < known.size ? undefined : rootOf(nodesFromTiles(store.tile.bind(store)), known.size);
  if (before === undefined || !equalBytes(before, rootOf(nodesFromEdge(known), known.size))) {
    throw new JournalError('journal.corrupt', 'the file does not hold the entries that were acknowledged', {
      details: { acknowledged: known.size, found: size },
    });
  }
  return store.edge(size);
}
