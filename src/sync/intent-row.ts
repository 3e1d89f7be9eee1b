// An intent as a row of outbox.db, and back. Pure.
import {
  type AnchorEvidence,
  bytesToHex,
  type Hex,
  hexToBytes,
  parseAnchorEvidence,
} from '../chain/index.ts';
import { outboxDamaged } from './errors.ts';
import type { Intent, IntentState } from './intent.ts';

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
];
/** By id only. INSERT OR REPLACE would settle a second intent in flight by deleting the first. */
export const UPSERT = `INSERT INTO intent (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (id) DO UPDATE SET ${COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}`;

export interface IntentRow {
  readonly id: number;
  readonly state: IntentState;
  readonly size: number;
  readonly root: Buffer;
  readonly checkpoint: string;
  readonly planned_at_ms: number;
  readonly attempt: number | null;
  readonly nonce: number | null;
  readonly birth_number: number | null;
  readonly birth_hash: Buffer | null;
  readonly death_number: number | null;
  readonly extrinsic: Buffer | null;
  readonly additional_signed: Buffer | null;
  readonly block_number: number | null;
  readonly block_hash: Buffer | null;
  readonly evidence: string | null;
  readonly reason: string | null;
}

/** The values of COLUMNS, in their order. */
export function toRow(intent: Intent): readonly unknown[] {
  const { attempt, block, evidence } = intent;
  return [
    intent.id,
    intent.state,
    intent.size,
    hexToBytes(intent.root),
    intent.checkpoint,
    intent.plannedAtMs,
    attempt?.ordinal ?? null,
    attempt?.nonce ?? null,
    attempt?.birth.number ?? null,
    attempt === null ? null : hexToBytes(attempt.birth.hash),
    attempt?.deathNumber ?? null,
    attempt === null ? null : hexToBytes(attempt.extrinsic),
    attempt?.additionalSigned === undefined ? null : hexToBytes(attempt.additionalSigned),
    block?.number ?? null,
    block === null ? null : hexToBytes(block.hash),
    evidence === null ? null : JSON.stringify(evidence),
    intent.reason,
  ];
}

/** Throws `sync.outbox_damaged` when the evidence cannot be read back. */
export function fromRow(row: IntentRow): Intent {
  return {
    id: row.id,
    state: row.state,
    checkpoint: row.checkpoint,
    size: row.size,
    root: bytesToHex(row.root),
    plannedAtMs: row.planned_at_ms,
    attempt:
      row.attempt === null
        ? null
        : {
            ordinal: row.attempt,
            nonce: row.nonce ?? 0,
            birth: { number: row.birth_number ?? 0, hash: hexOf(row.birth_hash) },
            deathNumber: row.death_number ?? 0,
            extrinsic: hexOf(row.extrinsic),
            ...(row.additional_signed && { additionalSigned: hexOf(row.additional_signed) }),
          },
    block: row.block_number === null ? null : { number: row.block_number, hash: hexOf(row.block_hash) },
    evidence: row.evidence === null ? null : evidenceOf(row.evidence),
    reason: row.reason,
  };
}

function hexOf(blob: Buffer | null): Hex {
  return bytesToHex(blob ?? new Uint8Array(0));
}

function evidenceOf(text: string): AnchorEvidence {
  try {
    return parseAnchorEvidence(JSON.parse(text));
  } catch (cause) {
    throw outboxDamaged('an anchor cannot be read back', cause);
  }
}
