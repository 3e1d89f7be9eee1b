import { equalBytes } from './bytes.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { JournalError } from './errors.ts';
import { foreignKey, type KeyHistory } from './key-history.ts';
import type { JournalOptions } from './journal-port.ts';
import { edgeTile, nodesFromEdge, nodesFromTiles, subtreeRoot } from './tree/hash-tile.ts';
import { TILE_BYTES, TILE_WIDTH, type TreeEdge } from './tree/hash-tile.ts';
import { HASH_BYTES, rootOf } from './tree/merkle-tree.ts';
import type { EntryRow, SqliteRows } from './store/sqlite-rows.ts';

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
  keys: KeyHistory,
): number {
  if (size === 0) return 1;
  const row = store.lastOfKind('boot');
  if (row === undefined) throw new JournalError('journal.corrupt', 'the log has no boot entry');
  let boot: JournalEntry;
  try {
    boot = keys.verifier()(row.index, row.cose);
  } catch (error) {
    if ((error as JournalError).code === 'journal.entry_foreign_key') {
      throw foreignKey(store, options.signer.publicKey, error);
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
 * Where a log of ours ends. What the next root is calculated from is checked first, as far as it costs little: the entries
 * behind the last full tile, of which no hash is stored, and the newest hash of each higher level. One turned bit there,
 * unnoticed, and the next checkpoint would fork the log. The rest is the auditor's (verify.ts).
 * @throws JournalError `journal.corrupt`
 */
export function checkedEdge(
  store: SqliteRows,
  { origin }: JournalOptions,
  size: number,
  keys: KeyHistory,
): TreeEdge {
  const edge = store.edge(size);
  const verify = keys.verifier();
  const { index: from } = edgeTile(size, 0);
  for (const row of store.rows(from * TILE_WIDTH, size)) {
    if (!isOurs(row, verify, origin)) {
      throw new JournalError('journal.corrupt', `entry ${row.index} does not verify`);
    }
  }
  for (let level = 1; level < edge.partial.length; level++) {
    const newest = edge.partial[level]?.subarray(-HASH_BYTES);
    const { index, width } = edgeTile(size, level);
    if (newest === undefined || width === 0) continue;
    const below = store.tile(level - 1, index * TILE_WIDTH + width - 1, TILE_WIDTH);
    if (!equalBytes(newest, subtreeRoot(below.subarray(0, TILE_BYTES)))) {
      throw new JournalError(
        'journal.corrupt',
        `the newest hash of level ${level} does not fit the one below`,
      );
    }
  }
  return edge;
}

function isOurs(
  { index, cose }: EntryRow,
  verify: ReturnType<KeyHistory['verifier']>,
  origin: string,
): boolean {
  try {
    const entry = verify(index, cose);
    return entry.index === index && entry.station === origin;
  } catch {
    return false;
  }
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
