// Which entries go on chain next, and in which bytes. Pure.
import { bytesToHex, concatBytes, type Hex, MAX_EXTRINSIC_BYTES } from '../../chain/index.ts';

/** The outbox's property that holds `PublishedSince`. */
export const SINCE_PROPERTY = 'publishedSince';

/** From which index on each kind is published: from the start of the service on at which it was first configured. */
export type PublishedSince = Readonly<Record<string, number>>;

/** What is known when a kind is configured, or not any more: one that comes back begins anew. */
export function publishedSince(
  kinds: readonly string[],
  known: PublishedSince,
  bootIndex: number,
): PublishedSince {
  return Object.fromEntries([...kinds].sort().map((kind) => [kind, known[kind] ?? bootIndex]));
}

/** As it is stored: with the log that it is of, by the first id of its intents. */
export function storedSince(since: PublishedSince, ownFrom: number): string {
  return JSON.stringify({ ownFrom, since });
}

/** Reads it back; of another log, or when it makes no sense, nothing is known. */
export function parseSince(text: string | undefined, ownFrom: number): PublishedSince {
  try {
    const stored = JSON.parse(text ?? '') as { ownFrom?: unknown; since?: unknown } | null;
    if (stored?.ownFrom !== ownFrom || typeof stored.since !== 'object' || stored.since === null) return {};
    const sound = Object.entries(stored.since).filter(
      ([, index]) => Number.isSafeInteger(index) && index >= 0,
    );
    return Object.fromEntries(sound);
  } catch {
    return {};
  }
}

/** What a batch is packed up to, by our own choice: a fee by the byte, seconds of a 2G link, a pool that keeps it. */
export const PACKED_BYTES = 16 * 1024;
/** What an extrinsic takes besides the remark's bytes: address, signature, extensions, call, lengths. Generous. */
const EXTRINSIC_OVERHEAD_BYTES = 512;

export interface BatchLimits {
  /** Entries are put together up to this. */
  readonly packedBytes: number;
  /** One that is larger goes alone, up to this. */
  readonly entryBytes: number;
}

/** `extrinsicBytes`: the longest extrinsic that the chain takes; null: it does not say. */
export function batchLimits(extrinsicBytes: number | null): BatchLimits {
  const longest = Math.min(extrinsicBytes ?? Infinity, MAX_EXTRINSIC_BYTES) - EXTRINSIC_OVERHEAD_BYTES;
  return { packedBytes: Math.min(PACKED_BYTES, longest), entryBytes: longest };
}

export interface Batch {
  /** CBOR sequence of the entries; empty when there are none. */
  readonly payload: Hex;
  readonly entries: number;
  /** Too large for an extrinsic: they are anchored, and never published. */
  readonly tooLarge: number;
  /** Everything in front of this index is in this batch or passed over. */
  readonly toIndex: number;
}

/** An entry of the log as it was signed. */
export interface SignedEntry {
  readonly index: number;
  readonly kind: string;
  readonly cose: Uint8Array;
}

/** Whether an entry is published: its kind is, and was when it was made. */
export function isPublished(
  { index, kind }: Pick<SignedEntry, 'index' | 'kind'>,
  since: PublishedSince,
): boolean {
  return index >= (since[kind] ?? Infinity);
}

/** Packs entries, in order, until the next one does not fit. `toIndex` is `to` when all did. */
export function packEntries(
  entries: Iterable<SignedEntry>,
  since: PublishedSince,
  to: number,
  { packedBytes, entryBytes }: BatchLimits,
): Batch {
  const packed: Uint8Array[] = [];
  let bytes = 0;
  let tooLarge = 0;
  let toIndex = to;
  for (const entry of entries) {
    if (!isPublished(entry, since)) continue;
    const { length } = entry.cose;
    if (length > entryBytes) {
      tooLarge++;
      continue;
    }
    if (bytes > 0 && bytes + length > packedBytes) {
      toIndex = entry.index;
      break;
    }
    packed.push(entry.cose);
    bytes += length;
  }
  return { payload: bytesToHex(concatBytes(packed)), entries: packed.length, tooLarge, toIndex };
}
