import type { AnchorEvidence, BlockRef, Hex } from '../../chain/index.ts';

/**
 * Where an intent stands. `planned -> signed -> broadcast -> inBlock -> final`, or `expired -> signed` anew.
 * Ends: `final` (in a finalized block, with its place there), `superseded` (an anchor in whose place a newer checkpoint went,
 * or what is left of a log that was set aside), `unplaced` (it may be in a block, and the blocks that could hold it are out of
 * reach, or it was signed too often to look for: never repeated).
 */
export type IntentState =
  'planned' | 'signed' | 'broadcast' | 'inBlock' | 'expired' | 'final' | 'superseded' | 'unplaced';

/** Signed bytes and what decides their fate. They can be in blocks birth + 1 to deathNumber - 1, and nowhere else. */
export interface Attempt {
  /** 1 for the first. */
  readonly ordinal: number;
  readonly nonce: number;
  readonly birth: BlockRef;
  readonly deathNumber: number;
  /** The whole extrinsic with its length prefix. */
  readonly extrinsic: Hex;
  /** What the signature covers beyond the extrinsic; only the evidence wants it. */
  readonly additionalSigned?: Hex;
}

/** What the runtime made of the included call. Null: not known. */
export interface DispatchOutcome {
  readonly success: boolean | null;
  /** Paid, in the chain's smallest unit. */
  readonly fee: string | null;
  /** `Anchors.NotRegistered`, `BadOrigin`, ... */
  readonly error: string | null;
}

/** Where published entries are. Not proved: the anchor that covers them proves them. */
export type PublishEvidence = Pick<
  AnchorEvidence,
  'via' | 'genesisHash' | 'blockNumber' | 'blockHash' | 'extrinsicIndex' | 'finalizedAtMs'
>;

interface AnyIntent<Evidence> {
  readonly id: number;
  readonly state: IntentState;
  /** The log's tree that it speaks of: number of leaves and root hash. By it a log that took this one's place is noticed. */
  readonly size: number;
  readonly root: Hex;
  /** Milliseconds since 1970 UTC by the station's clock; for people. */
  readonly plannedAtMs: number;
  /** The last attempt. */
  readonly attempt: Attempt | null;
  /**
   * Attempts before the last one whose eras ended without them, as the link said. Should it have lied, and one of them turns
   * out to have used its nonce, it is looked for before anything is signed anew. Empty once the intent has ended.
   */
  readonly earlier: readonly Attempt[];
  /** `inBlock`: the block of the best chain that holds it, as far as known. */
  readonly block: BlockRef | null;
  /** `final`, and only then. */
  readonly evidence: Evidence | null;
  /** `final`: what came of the call, as far as somebody asked. */
  readonly outcome: DispatchOutcome | null;
  /** Why it is `expired`, `superseded` or `unplaced`. */
  readonly reason: string | null;
}

/** A checkpoint is to be anchored. */
export interface AnchorIntent extends AnyIntent<AnchorEvidence> {
  readonly kind: 'anchor';
  /** Its text, a signed note, of the tree of `size` and `root`. */
  readonly checkpoint: string;
}

/** Entries are to be put on chain in full: those of the kinds that are published among fromIndex to toIndex - 1. */
export interface PublishIntent extends AnyIntent<PublishEvidence> {
  readonly kind: 'publish';
  readonly fromIndex: number;
  /** At most `size`: the tree is the one that was anchored before. */
  readonly toIndex: number;
  /** The remark: a CBOR sequence (RFC 8742) of COSE_Sign1 messages, each tagged 18. */
  readonly payload: Hex;
  /** In the payload. */
  readonly entries: number;
  /** Of the log so far, this intent included: put on chain, and passed over because they had gone or were too large. */
  readonly entriesSoFar: number;
  readonly skippedSoFar: number;
}

export type Intent = AnchorIntent | PublishIntent;
export type IntentKind = Intent['kind'];

const OPEN: ReadonlySet<IntentState> = new Set(['planned', 'signed', 'broadcast', 'inBlock', 'expired']);
const IN_FLIGHT: ReadonlySet<IntentState> = new Set(['signed', 'broadcast', 'inBlock']);

/** Something is still to be done for it. */
export function isOpen(intent: Intent): boolean {
  return OPEN.has(intent.state);
}

/** Its bytes may be on their way: they may still get into a block. */
export function isInFlight(intent: Intent): boolean {
  return IN_FLIGHT.has(intent.state);
}

export function isAnchor(intent: Intent): intent is AnchorIntent {
  return intent.kind === 'anchor';
}

/** A final anchor that counts: the runtime did not refuse its call, as far as is known. */
export function isGoodAnchor(intent: Intent): boolean {
  return intent.kind === 'anchor' && intent.state === 'final' && intent.outcome?.success !== false;
}
