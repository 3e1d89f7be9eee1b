import * as v from 'valibot';
import { bytesToHex, type AnchorEvidence } from '../chain/index.ts';
import { formatTlogProof } from '../journal/index.ts';
import { ReceiptError } from './errors.ts';
import {
  formatReceipt,
  MAX_ENTRIES,
  RECEIPT_FORMAT,
  type Receipt,
  type ReceiptAnchor,
} from './receipt-format.ts';
import { verifyReceipt } from './verify-receipt.ts';

export interface ReceiptInput {
  readonly origin: string;
  /** The station's identity key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signed note that all proofs lead to: the anchored one when there is an anchor. */
  readonly checkpoint: string;
  readonly entries: readonly {
    readonly index: number;
    /** COSE_Sign1 message, byte for byte as in the journal. */
    readonly bytes: Uint8Array;
    /** Inclusion proof in the tree of the checkpoint's size, from the leaf up. */
    readonly inclusionProof: readonly Uint8Array[];
  }[];
  readonly anchor: AnchorEvidence | null;
}

/**
 * Puts a receipt together and verifies it before giving it away. Entries may come in any order.
 * @returns the bytes of the file
 * @throws ReceiptError `receipt.empty`; `receipt.inconsistent` when the parts do not make a receipt that verifies
 */
export function createReceipt(input: ReceiptInput): string {
  const { origin, publicKey, checkpoint } = input;
  const entries = new Map(input.entries.map((entry) => [entry.index, entry]));
  if (entries.size === 0 || entries.size > MAX_ENTRIES) {
    throw new ReceiptError(
      'receipt.empty',
      `a receipt holds 1 to ${MAX_ENTRIES} entries, not ${entries.size}`,
    );
  }
  const text = written({
    format: RECEIPT_FORMAT,
    origin,
    publicKey: bytesToHex(publicKey),
    entries: [...entries.values()]
      .sort((a, b) => a.index - b.index)
      .map(({ index, bytes, inclusionProof }) => ({
        cose: Buffer.from(bytes).toString('base64'),
        proof: formatTlogProof({ index, inclusionProof, checkpoint }),
      })),
    ocmf: null,
    anchor: input.anchor === null ? null : withoutClaims(input.anchor),
  });
  const failed = verifyReceipt(text).checks.filter(({ result }) => result === 'fail');
  if (failed.length > 0) {
    throw new ReceiptError(
      'receipt.inconsistent',
      `the receipt would not verify: ${failed[0]?.detail ?? ''}`,
      {
        details: { checks: failed.map(({ name }) => name) },
      },
    );
  }
  return text;
}

function written(receipt: Receipt): string {
  try {
    return formatReceipt(receipt);
  } catch (cause) {
    if (!v.isValiError(cause)) throw cause;
    throw new ReceiptError('receipt.inconsistent', `not a receipt: ${cause.message}`, { cause });
  }
}

/** A receipt holds nothing that a reader could only take the station's word for. */
function withoutClaims({
  via: _via,
  finalizedAtMs: _finalizedAtMs,
  ...anchor
}: AnchorEvidence): ReceiptAnchor {
  return anchor;
}
