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
 * behind the last full tile, of which no hash is stored, and the hashes of each higher level's unfinished tile, at least the
 * newest. One turned bit there, unnoticed, and the next checkpoint would fork the log. The rest is the auditor's (verify.ts).
 * @throws JournalError `journal.corrupt`
 */
export function checkedEdge(
  store: SqliteRows,
  origin: string,
  size: number,
  keys: KeyHistory,
  { signed = 0, hashed = 0 }: KnownBeginning = {},
): TreeEdge {
  const edge = store.edge(size);
  const verify = keys.verifier();
  const { index: from } = edgeTile(size, 0);
  for (const row of store.rows(Math.max(signed, from * TILE_WIDTH), size)) {
    if (!isOurs(row, verify, origin)) {
      throw new JournalError('journal.corrupt', `entry ${row.index} does not verify`);
    }
  }
  for (let level = 1; level < edge.partial.length; level++) checkUpperTile(store, edge, level, hashed);
  return edge;
}

/** What need not be looked at again of a log's first entries. */
export interface KnownBeginning {
  /** The signatures of so many. */
  readonly signed?: number;
  /** The hashes over so many: they lead to the root of a tree that was known before. */
  readonly hashed?: number;
}

/** Hashes of an unfinished tile against the tiles below, where these have not gone with their entries. */
function checkUpperTile(store: SqliteRows, edge: TreeEdge, level: number, hashed: number): void {
  const { index, width } = edgeTile(edge.size, level);
  const known = Math.floor(hashed / TILE_WIDTH ** level) - index * TILE_WIDTH;
  for (let at = Math.max(0, Math.min(known, width - 1)); at < width; at++) {
    const hash = edge.partial[level]?.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
    const below = tileIfThere(store, level - 1, index * TILE_WIDTH + at);
    if (below === undefined || (hash !== undefined && equalBytes(hash, subtreeRoot(below)))) continue;
    throw new JournalError('journal.corrupt', `a hash of level ${level} does not fit the tile below`, {
      details: { index: index * TILE_WIDTH + at },
    });
  }
}

function tileIfThere(store: SqliteRows, level: number, index: number): Uint8Array | undefined {
  try {
    return store.tile(level, index, TILE_WIDTH).subarray(0, TILE_BYTES);
  } catch (error) {
    if (error instanceof JournalError && error.code === 'journal.pruned') return undefined;
    throw error;
  }
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
