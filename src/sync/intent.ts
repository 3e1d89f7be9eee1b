import type { AnchorEvidence, BlockRef, Hex } from '../chain/index.ts';

/**
 * Where an intent stands. `planned -> signed -> broadcast -> inBlock -> final`, or `expired -> signed` anew.
 * Ends: `final` (with evidence), `superseded` (never was on chain: a newer checkpoint took its place), `unplaced` (its
 * nonce is used and the blocks that could hold it are out of reach: never repeated, and the next anchor covers it).
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

export interface Intent {
  readonly id: number;
  readonly state: IntentState;
  /** The checkpoint to anchor: its text (a signed note), tree size and root hash. */
  readonly checkpoint: string;
  readonly size: number;
  readonly root: Hex;
  /** Milliseconds since 1970 UTC by the station's clock; for people. */
  readonly plannedAtMs: number;
  /** The last attempt; the earlier ones can no longer be included. */
  readonly attempt: Attempt | null;
  /** `inBlock`: the block of the best chain that holds it, as far as known. */
  readonly block: BlockRef | null;
  readonly evidence: AnchorEvidence | null;
  /** Why it is `expired`, `superseded` or `unplaced`. */
  readonly reason: string | null;
}

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
