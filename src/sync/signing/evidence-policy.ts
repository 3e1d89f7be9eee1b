// What the core believes of a found extrinsic: only what the evidence itself proves about our own bytes. That the block is
// final is the light client's word (or the node's, with `via: rpc`). Pure.
import {
  type AnchorCall,
  type AnchorEvidence,
  decodeHeader,
  bytesToHex,
  type Hex,
  hexToBytes,
  type Located,
  verifyExtrinsicProof,
} from '../../chain/index.ts';
import { SyncError } from '../errors.ts';
import type { Attempt, Intent, PublishEvidence } from '../outbox/intent.ts';

/**
 * The evidence to keep for an attempt that the gateway found. Throws `sync.evidence_refused` unless header, hash, number,
 * extrinsic and proof fit together and to the attempt.
 */
export function acceptEvidence(
  found: (Located & { outcome: 'found' })['evidence'],
  expected: {
    readonly intent: Intent;
    readonly attempt: Attempt;
    readonly genesisHash: Hex;
    readonly seenAtMs: number;
    /** How the call was filled; undefined: it is a remark. */
    readonly call?: AnchorCall | undefined;
  },
): AnchorEvidence | PublishEvidence {
  const { intent, attempt, genesisHash, seenAtMs, call } = expected;
  const why = whyRefused(found, attempt, genesisHash);
  if (why !== undefined) {
    throw new SyncError('sync.evidence_refused', `the evidence of an anchor does not hold: ${why}`, {
      details: { intent: intent.id, blockNumber: found.blockNumber, blockHash: found.blockHash },
    });
  }
  if (intent.kind === 'publish') return { ...found, finalizedAtMs: seenAtMs };
  const { additionalSigned } = attempt;
  return {
    ...found,
    checkpoint: intent.checkpoint,
    size: intent.size,
    ...(call && { call }),
    ...(additionalSigned && { additionalSigned }),
    finalizedAtMs: seenAtMs,
  };
}

function whyRefused(
  found: (Located & { outcome: 'found' })['evidence'],
  attempt: Attempt,
  genesisHash: Hex,
): string | undefined {
  if (found.genesisHash !== genesisHash) return 'it is of another chain';
  if (found.extrinsic !== attempt.extrinsic) return 'it is another extrinsic';
  if (found.blockNumber <= attempt.birth.number || found.blockNumber >= attempt.deathNumber) {
    return `block ${found.blockNumber} is outside of its era`;
  }
  const header = decodeHeader(hexToBytes(found.header));
  if (bytesToHex(header.hash) !== found.blockHash) return 'the header has another hash';
  if (header.number !== found.blockNumber) return `the header is of block ${header.number}`;
  const proof = found.extrinsicProof.map(hexToBytes);
  const verdict = verifyExtrinsicProof(
    header.extrinsicsRoot,
    found.extrinsicIndex,
    hexToBytes(found.extrinsic),
    proof,
  );
  return verdict.ok ? undefined : verdict.why;
}
