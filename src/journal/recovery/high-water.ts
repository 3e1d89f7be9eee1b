// The high-water mark: how far a log has come, kept outside of it. Pure; high-water-file.ts reads and writes it.
import { createHash } from 'node:crypto';
import { fromBase64, toBase64 } from '../bytes.ts';
import { HASH_BYTES } from '../tree/merkle-tree.ts';

/** A tree that somebody outside of the log holds the station to. */
export interface KnownTree {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface HighWaterMark extends KnownTree {
  /** The opening that wrote it (`boot` body, `opening`). */
  readonly opening: number;
  /** Hashes of the leaves behind the last full tile, one after the other; empty when whoever wrote it did not know them. */
  readonly leaves: Uint8Array;
  /** False once the journal was closed in good order: then there is no write-ahead log to be missed. */
  readonly running: boolean;
  /** What a counter that cannot be turned back showed, or was about to show, when this was written. */
  readonly seal?: number;
}

const VERSION = 1;
/** 255 leaf hashes in base64, an origin, and room. */
export const MAX_MARK_BYTES = 16_384;

/** One line of JSON and one with its SHA-256: a torn or flipped mark is known for one. */
export function formatHighWater(mark: HighWaterMark): string {
  const { root, leaves, ...rest } = mark;
  const line = JSON.stringify({ version: VERSION, ...rest, root: toBase64(root), leaves: toBase64(leaves) });
  return `${line}\n${sha256Hex(line)}\n`;
}

/** Undefined for anything that formatHighWater did not write. */
export function parseHighWater(text: string): HighWaterMark | undefined {
  const [line = '', sum, end, ...more] = text.split('\n');
  if (end !== '' || more.length > 0 || sum !== sha256Hex(line)) return undefined;
  const found = jsonObject(line);
  const { version, origin, opening, size, running, seal } = found;
  const root = bytesOf(found['root']);
  const leaves = bytesOf(found['leaves']);
  if (version !== VERSION || typeof origin !== 'string' || typeof running !== 'boolean') return undefined;
  if (!isCount(opening) || !isCount(size) || (seal !== undefined && !isCount(seal))) return undefined;
  if (root?.length !== HASH_BYTES || leaves === undefined || leaves.length % HASH_BYTES !== 0)
    return undefined;
  return { origin, opening, size, root, leaves, running, ...(seal === undefined ? {} : { seal }) };
}

function jsonObject(line: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(line) ?? {}) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

export function sha256Hex(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

function bytesOf(value: unknown): Uint8Array | undefined {
  return typeof value === 'string' ? fromBase64(value) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
