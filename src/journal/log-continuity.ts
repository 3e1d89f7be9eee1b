import { equalBytes } from './bytes.ts';
import type { JournalEntry } from './entry/entry-types.ts';
import { JournalError } from './errors.ts';
import { foreignKey, type KeyHistory } from './key-history.ts';
import { logNumber } from './recovery/origin-chain.ts';
import { edgeTile, nodesFromEdge, nodesFromTiles, subtreeRoot } from './tree/hash-tile.ts';
import { TILE_BYTES, TILE_WIDTH, type TreeEdge } from './tree/hash-tile.ts';
import { HASH_BYTES, rootOf } from './tree/merkle-tree.ts';
import type { EntryRow, SqliteRows } from './store/sqlite-rows.ts';

/** What the last `boot` entry of a log says. */
export interface LastBoot {
  readonly origin: string;
  readonly bootCount: number;
  readonly bootId: Uint8Array;
  /** Undefined when it was written before openings were counted. */
  readonly opening: number | undefined;
}

/**
 * The last `boot` entry, verified: the log is ours to continue.
 * @param stationOrigin origin of the station's first log; later ones are `<stationOrigin>/<n>`
 * @throws JournalError `journal.corrupt`, `journal.wrong_key`, `journal.wrong_origin`
 */
export function readLastBoot(
  store: SqliteRows,
  stationOrigin: string,
  ownKey: Uint8Array,
  keys: KeyHistory,
): LastBoot {
  const row = store.lastOfKind('boot');
  if (row === undefined) throw new JournalError('journal.corrupt', 'the log has no boot entry');
  let boot: JournalEntry;
  try {
    boot = keys.verifier()(row.index, row.cose);
  } catch (error) {
    if ((error as JournalError).code === 'journal.entry_foreign_key') {
      throw foreignKey(store, ownKey, error);
    }
    throw new JournalError('journal.corrupt', `entry ${row.index} does not verify`, { cause: error });
  }
  if (boot.kind !== 'boot') throw new JournalError('journal.corrupt', `entry ${row.index} is no boot entry`);
  if (logNumber(stationOrigin, boot.station) === undefined) {
    throw new JournalError('journal.wrong_origin', `the journal belongs to ${boot.station}`, {
      details: { expected: stationOrigin, found: boot.station },
    });
  }
  const { bootId, opening } = boot.body;
  return { origin: boot.station, bootCount: boot.bootCount, bootId, opening };
}

/** The boot count to go on with: that of the last `boot` entry while the same kernel runs, otherwise one more. */
export function nextBootCount(last: LastBoot | undefined, bootId: Uint8Array): number {
  if (last === undefined) return 1;
  return last.bootCount + (equalBytes(last.bootId, bootId) ? 0 : 1);
}

/**
 * Where a log of ours ends. What the next root is calculated from is checked first, as far as it costs little: the entries
 * behind the last full tile, of which no hash is stored, and the newest hash of each higher level. One turned bit there,
 * unnoticed, and the next checkpoint would fork the log. The rest is the auditor's (verify.ts).
 * @param known the log begins with a tree of so many entries that was known before: their hashes were compared, and their
 * signatures need no look
 * @throws JournalError `journal.corrupt`
 */
export function checkedEdge(
  store: SqliteRows,
  origin: string,
  size: number,
  keys: KeyHistory,
  known = 0,
): TreeEdge {
  const edge = store.edge(size);
  const verify = keys.verifier();
  const { index: from } = edgeTile(size, 0);
  for (const row of store.rows(Math.max(known, from * TILE_WIDTH), size)) {
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
