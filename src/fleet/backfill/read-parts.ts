import type {
  TransferBegin,
  TransferEnd,
  TransferGone,
  TransferPiece,
  TransferRotations,
} from '../../remote/index.ts';
import type { GoneRun } from './ordered-entries.ts';

/** A part of an answer, after a look at its form: it came through a broker, and says nothing until it is proved. */
export type ReadPart =
  | { readonly kind: 'rotations'; readonly rotations: TransferRotations['rotations'] }
  | { readonly kind: 'begin'; readonly begin: TransferBegin }
  | { readonly kind: 'gone'; readonly gone: readonly GoneRun[] }
  | { readonly kind: 'piece'; readonly piece: TransferPiece['piece'] }
  | { readonly kind: 'end'; readonly end: TransferEnd };

/** Undefined for what is none of them. */
export function readPart(result: object): ReadPart | undefined {
  const part = result as Partial<TransferBegin & TransferEnd & TransferGone & TransferPiece>;
  if (part.end !== undefined) return isEnd(part) ? { kind: 'end', end: part as TransferEnd } : undefined;
  if (part.gone !== undefined)
    return listOf(part.gone, isGoneRun) ? { kind: 'gone', gone: part.gone } : undefined;
  if (part.piece !== undefined) return isPiece(part.piece) ? { kind: 'piece', piece: part.piece } : undefined;
  if (part.from === undefined)
    return listOf(part.rotations, isText) ? { kind: 'rotations', rotations: part.rotations } : undefined;
  return isBegin(part) ? { kind: 'begin', begin: part as TransferBegin } : undefined;
}

function isBegin({ from, to, next, size, origin, entries, rotations }: Partial<TransferBegin>): boolean {
  const counts = [from, to, next, size, entries];
  return counts.every(isCount) && typeof origin === 'string' && listOf(rotations, isText);
}

function isEnd({ end, next, checkpoint, rangeProof, consistency }: Partial<TransferEnd>): boolean {
  if (typeof end !== 'string' || !isCount(next) || typeof checkpoint !== 'string') return false;
  if (consistency !== null && !listOf(consistency, isText)) return false;
  if (rangeProof === null) return true;
  if (typeof rangeProof !== 'object') return false;
  const { from, to, first, last } = rangeProof as { [Key in keyof typeof rangeProof]?: unknown };
  return isCount(from) && isCount(to) && listOf(first, isText) && listOf(last, isText);
}

function isGoneRun(run: unknown): run is GoneRun {
  const { from, to, hashes } = (run ?? {}) as { [Key in keyof GoneRun]?: unknown };
  return isCount(from) && isCount(to) && listOf(hashes, isText);
}

function isPiece(piece: unknown): boolean {
  const { index, offset, size, bytes } = (piece ?? {}) as { [Key in keyof TransferPiece['piece']]?: unknown };
  return isCount(index) && isCount(offset) && isCount(size) && isText(bytes);
}

function listOf<Item>(value: unknown, isItem: (item: unknown) => item is Item): value is readonly Item[] {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
