/**
 * Parameters of `journal entries`. A transfer that did not come to its end is gone on with by the same `from` and `to`, with the
 * `size` that its answer began with and the `next` that is wanted: then what was proved before and what comes are of one tree.
 */
export interface EntriesParameters {
  /** Entries from..to-1; a `to` behind the end of the log is the end of the log. */
  readonly from: number;
  readonly to: number;
  /** How many messages may be sent before more credit comes. */
  readonly credit: number;
  /** The first entry that is to be sent; `from` unless given. */
  readonly next?: number;
  /** Of the tree that all is proved against; the log as it is unless given. */
  readonly size?: number;
  /** Size of a tree that was seen before, at most `size`: the answer shows that this one begins with it. */
  readonly known?: number;
}

/** What an answer begins with. */
export interface TransferBegin {
  readonly from: number;
  readonly to: number;
  readonly next: number;
  /** Of the tree that all is proved against. */
  readonly size: number;
  /** Name of the log. */
  readonly origin: string;
  /** How many of the entries from..to-1 are there. */
  readonly entries: number;
  /** The entries in which the log was handed over to another key, as they are signed: base64, in order, behind those told before. */
  readonly rotations: readonly string[];
}

/** In front of the beginning, where there are more of them than one part holds. */
export type TransferRotations = Pick<TransferBegin, 'rotations'>;

/** Runs of entries from..to-1 that are not there any more; they come in front of whatever lies behind them. */
export interface TransferGone {
  readonly gone: readonly {
    readonly from: number;
    readonly to: number;
    /** Of the fewest complete subtrees over them, from left to right, hexadecimal; none at the two ends of what was asked for. */
    readonly hashes: readonly string[];
  }[];
}

/** A piece of an entry that no message holds in full. It takes a credit, as a message with entries does. */
export interface TransferPiece {
  readonly piece: {
    readonly index: number;
    /** Of the first byte. */
    readonly offset: number;
    /** Of the whole entry, in bytes. */
    readonly size: number;
    /** Base64. */
    readonly bytes: string;
  };
}

/**
 * Why there is no more: all of it was sent; no credit came in time; a message did not reach the broker; what the day may cost is
 * used up.
 */
export type TransferEndReason = 'complete' | 'no-credit' | 'lost' | 'budget';

/** Last part of the answer. */
export interface TransferEnd {
  readonly end: TransferEndReason;
  /** The first entry that was not sent. */
  readonly next: number;
  /** Signed note over the tree of `size` entries. */
  readonly checkpoint: string;
  /** That the entries from..to-1 stand in it: inclusion proofs of the first and the last of them, hexadecimal. Null: there are none. */
  readonly rangeProof: {
    readonly from: number;
    readonly to: number;
    readonly first: readonly string[];
    readonly last: readonly string[];
  } | null;
  /** That the tree of `known` entries is its beginning (RFC 6962 §2.1.2), hexadecimal; null where none was named. */
  readonly consistency: readonly string[] | null;
}

/** On the topic `credit`: so many messages more of a transfer. Unsigned: it moves on only what was authorised. */
export interface CreditMessage {
  readonly request: string;
  readonly chunks: number;
}

/** Of entries in one message, in bytes. */
export const MAX_CHUNK_BYTES = 12 * 1_024;
/** Of a piece, so that its part of an answer, in base64, is within the bound of one message. */
export const MAX_PIECE_BYTES = 9 * 1_024;
/** Rotations in one part: each takes up to 1 KiB of base64. */
export const MAX_ROTATIONS = 10;
/** Of credit that a transfer can have, in messages: 3 MiB. */
export const MAX_CREDIT = 256;
/** `application/cbor-seq` (RFC 8742 §5). */
export const ENTRIES_CONTENT_TYPE = 'application/cbor-seq';
