import type Database from 'better-sqlite3';
import type { EntryRange } from '../entry/entry-types.ts';
import type { KeyHistory } from '../key-history.ts';
import { subtreeRoot, TILE_WIDTH } from '../tree/hash-tile.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle-tree.ts';
import type { DamagedFile } from './damaged-file.ts';
import type { HighWaterMark } from './high-water.ts';
import type { OnRecoveryProgress } from './recovery-progress.ts';
import type { DeclaredHole, Salvaged } from './salvage.ts';
import { TreeRebuild, type RebuiltTree, type TreeToCheck } from './tree-rebuild.ts';

const TILES_BETWEEN_BREATHS = 64;

export interface TreeSources {
  readonly salvaged: Salvaged;
  readonly damaged: DamagedFile;
  /** Of the same log, or none. */
  readonly mark: HighWaterMark | undefined;
  readonly checks: readonly TreeToCheck[];
  readonly onProgress?: OnRecoveryProgress | undefined;
}

/** Calculates the tree of the salvaged entries anew, helped out by stored hashes, and stores its tiles in the draft. */
export async function placeTree({
  salvaged,
  damaged,
  mark,
  checks,
  onProgress,
}: TreeSources): Promise<RebuiltTree> {
  const { draft } = salvaged;
  const rebuild = new TreeRebuild(checks);
  const rowsOf = draft.prepare<[number, number], { at: number; cose: Uint8Array }>(
    'SELECT leaf_index AS at, cose FROM entry WHERE leaf_index >= ? AND leaf_index < ?',
  );
  const put = draft.prepare('INSERT INTO tile (level, tile_index, hashes) VALUES (?, ?, ?)');
  const end = Math.max(salvaged.end, ...checks.map(({ size }) => size));
  for (let tile = 0; tile * TILE_WIDTH <= end; tile++) {
    const start = tile * TILE_WIDTH;
    onProgress?.({ step: 'tree', done: start, total: end });
    const rows = Array.from<Uint8Array | undefined>({ length: TILE_WIDTH }).fill(undefined);
    for (const { at, cose } of rowsOf.iterate(start, start + TILE_WIDTH)) rows[at - start] = leafHash(cose);
    const stored = damaged.tile(0, tile);
    const parent = damaged.hash(1, tile);
    const known = rebuild.add({ rows, stored, parent, noted: notedLeaves(mark, tile) });
    if (known === undefined) break;
    if (known.leaves !== undefined) put.run(0, tile, known.leaves);
    if (tile % TILES_BETWEEN_BREATHS === 0) await new Promise(setImmediate);
  }
  for (const [level, hashes] of upperLevels(rebuild.nodes).entries()) {
    for (let at = 0; at < hashes.length; at += TILE_WIDTH) {
      put.run(level + 1, at / TILE_WIDTH, Buffer.concat(hashes.slice(at, at + TILE_WIDTH)));
    }
  }
  const tree = rebuild.result();
  const tailStart = rebuild.nodes.length * TILE_WIDTH;
  // The hashes of an unfinished tile come from its entries; of those that are lost they must be stored.
  if (tree.lost.some(({ to }) => to > tailStart))
    put.run(0, rebuild.nodes.length, Buffer.concat(rebuild.tail));
  return tree;
}

function notedLeaves(mark: HighWaterMark | undefined, tile: number): Uint8Array | undefined {
  if (mark === undefined || Math.floor(mark.size / TILE_WIDTH) !== tile) return undefined;
  return mark.leaves.length === (mark.size % TILE_WIDTH) * HASH_BYTES ? mark.leaves : undefined;
}

/** Hashes of the complete subtrees of 256, 65,536, … leaves. */
function upperLevels(nodes: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  if (nodes.length === 0) return [];
  const above: Uint8Array[] = [];
  for (let at = 0; at + TILE_WIDTH <= nodes.length; at += TILE_WIDTH) {
    above.push(subtreeRoot(Buffer.concat(nodes.slice(at, at + TILE_WIDTH))));
  }
  return [nodes, ...upperLevels(above)];
}

/** Makes the draft the beginning of the continued log: without what cannot be shown to belong to it, and with its tables. */
export function finishContinued(
  draft: Database.Database,
  parts: {
    readonly tree: RebuiltTree;
    readonly keys: KeyHistory;
    readonly declared: readonly DeclaredHole[];
    readonly holes: readonly EntryRange[];
  },
): void {
  const { tree, keys, declared, holes } = parts;
  draft.transaction(() => {
    const drop = draft.prepare('DELETE FROM entry WHERE leaf_index >= ? AND leaf_index < ?');
    for (const { from, to } of tree.lost) drop.run(from, to);
    const key = draft.prepare('INSERT INTO signing_key (first_index, public_key) VALUES (?, ?)');
    for (const { firstIndex, publicKey } of keys.keys.slice(1)) key.run(firstIndex, publicKey);
    const hole = draft.prepare('INSERT INTO hole (first_index, end_index, cause_index) VALUES (?, ?, ?)');
    // The `boot` entry comes first, the `fault` entry that declares these behind it.
    const lost = holes.map((range) => ({ ...range, cause: tree.size + 1 }));
    for (const { from, to, cause } of apartByTile([...declared, ...lost])) hole.run(from, to, cause);
  })();
}

/** The same entries in ranges that are apart from each other and within one tile, as the table of holes has them. */
function apartByTile(holes: readonly DeclaredHole[]): DeclaredHole[] {
  const apart: DeclaredHole[] = [];
  for (const { from, to, cause } of [...holes].sort((a, b) => a.from - b.from)) {
    for (let start = Math.max(from, apart.at(-1)?.to ?? 0); start < to;) {
      const end = Math.min(to, (Math.floor(start / TILE_WIDTH) + 1) * TILE_WIDTH);
      apart.push({ from: start, to: end, cause });
      start = end;
    }
  }
  return apart;
}
