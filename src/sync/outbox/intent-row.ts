// An intent as a row of outbox.db, and back. Pure.
import {
  type AnchorEvidence,
  bytesToHex,
  type Hex,
  hexToBytes,
  parseAnchorEvidence,
} from '../../chain/index.ts';
import { outboxDamaged } from '../errors.ts';
import type { Attempt, DispatchOutcome, Intent, IntentKind, IntentState, PublishEvidence } from './intent.ts';

const COLUMNS = [
  'id',
  'state',
  'size',
  'root',
  'checkpoint',
  'planned_at_ms',
  'attempt',
  'nonce',
  'birth_number',
  'birth_hash',
  'death_number',
  'extrinsic',
  'additional_signed',
  'block_number',
  'block_hash',
  'evidence',
  'reason',
  'kind',
  'from_index',
  'to_index',
  'payload',
  'entries',
  'entries_so_far',
  'skipped_so_far',
  'outcome',
  'refused',
];
/** By id only. INSERT OR REPLACE would settle a second intent in flight by deleting the first. */
export const UPSERT = `INSERT INTO intent (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (id) DO UPDATE SET ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`;

export interface IntentRow extends Partial<AttemptRow> {
  readonly id: number;
  readonly state: IntentState;
  readonly size: number;
  readonly root: Buffer;
  /** Empty in a row of kind `publish`. */
  readonly checkpoint: string;
  readonly planned_at_ms: number;
  readonly block_number: number | null;
  readonly block_hash: Buffer | null;
  readonly evidence: string | null;
  readonly reason: string | null;
  readonly kind: IntentKind;
  readonly from_index: number | null;
  readonly to_index: number | null;
  readonly payload: Buffer | null;
  readonly entries: number | null;
  readonly entries_so_far: number | null;
  readonly skipped_so_far: number | null;
  readonly outcome: string | null;
  /** 1: the runtime refused the call. What `outcome` says, for an index. */
  readonly refused: number;
}

/** Columns of an attempt, in a row of an intent or of an earlier attempt. All null: none was made yet. */
export interface AttemptRow {
  readonly attempt: number | null;
  readonly nonce: number | null;
  readonly birth_number: number | null;
  readonly birth_hash: Buffer | null;
  readonly death_number: number | null;
  readonly extrinsic: Buffer | null;
  readonly additional_signed: Buffer | null;
}

export const INSERT_EARLIER = `INSERT INTO earlier_attempt
  (intent_id, attempt, nonce, birth_number, birth_hash, death_number, extrinsic, additional_signed)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;

/** The values of COLUMNS, in their order. */
export function toRow(intent: Intent): readonly unknown[] {
  const { block, evidence, outcome } = intent;
  const own = intent.kind === 'publish' ? intent : null;
  return [
    intent.id,
    intent.state,
    intent.size,
    hexToBytes(intent.root),
    intent.kind === 'anchor' ? intent.checkpoint : '',
    intent.plannedAtMs,
    ...attemptValues(intent.attempt),
    block?.number ?? null,
    block === null ? null : hexToBytes(block.hash),
    evidence === null ? null : JSON.stringify(evidence),
    intent.reason,
    intent.kind,
    own?.fromIndex ?? null,
    own?.toIndex ?? null,
    own === null ? null : hexToBytes(own.payload),
    own?.entries ?? null,
    own?.entriesSoFar ?? null,
    own?.skippedSoFar ?? null,
    outcome === null ? null : JSON.stringify(outcome),
    outcome?.success === false ? 1 : 0,
  ];
}

/** Number, nonce, birth (number, hash), death, extrinsic and what is signed besides. */
export function attemptValues(attempt: Attempt | null): readonly unknown[] {
  if (attempt === null) return [null, null, null, null, null, null, null];
  const { ordinal, nonce, birth, deathNumber, extrinsic, additionalSigned } = attempt;
  const additional = additionalSigned === undefined ? null : hexToBytes(additionalSigned);
  return [
    ordinal,
    nonce,
    birth.number,
    hexToBytes(birth.hash),
    deathNumber,
    hexToBytes(extrinsic),
    additional,
  ];
}

/** Throws `sync.outbox_damaged` when the evidence cannot be read back. */
export function fromRow(row: IntentRow, earlier: readonly AttemptRow[] = []): Intent {
  const intent = {
    id: row.id,
    state: row.state,
    size: row.size,
    root: bytesToHex(row.root),
    plannedAtMs: row.planned_at_ms,
    attempt: attemptOf(row),
    earlier: earlier.map(attemptOf).filter((attempt) => attempt !== null),
    block: row.block_number === null ? null : { number: row.block_number, hash: hexOf(row.block_hash) },
    outcome: row.outcome === null ? null : jsonOf<DispatchOutcome>(row.outcome),
    reason: row.reason,
  };
  if (row.kind === 'anchor') {
    const evidence = row.evidence === null ? null : evidenceOf(row.evidence);
    return { ...intent, kind: 'anchor', checkpoint: row.checkpoint, evidence };
  }
  return {
    ...intent,
    kind: 'publish',
    fromIndex: row.from_index ?? 0,
    toIndex: row.to_index ?? 0,
    payload: hexOf(row.payload),
    entries: row.entries ?? 0,
    entriesSoFar: row.entries_so_far ?? 0,
    skippedSoFar: row.skipped_so_far ?? 0,
    evidence: row.evidence === null ? null : jsonOf<PublishEvidence>(row.evidence),
  };
}

function attemptOf(row: Partial<AttemptRow>): Attempt | null {
  if (row.attempt === null || row.attempt === undefined) return null;
  const additional = row.additional_signed ?? null;
  return {
    ordinal: row.attempt,
    nonce: row.nonce ?? 0,
    birth: { number: row.birth_number ?? 0, hash: hexOf(row.birth_hash) },
    deathNumber: row.death_number ?? 0,
    extrinsic: hexOf(row.extrinsic),
    ...(additional !== null && { additionalSigned: hexOf(additional) }),
  };
}

function hexOf(blob: Buffer | null | undefined): Hex {
  return bytesToHex(blob ?? new Uint8Array(0));
}

function evidenceOf(text: string): AnchorEvidence {
  try {
    return parseAnchorEvidence(JSON.parse(text));
  } catch (cause) {
    throw outboxDamaged('an anchor cannot be read back', cause);
  }
}

function jsonOf<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw outboxDamaged('a row cannot be read back', cause);
  }
}
