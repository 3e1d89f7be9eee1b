import * as v from 'valibot';
import { bytesToHex, type AnchorEvidence } from '../chain/index.ts';
import { decodeEntry, formatTlogProof, JournalError } from '../journal/index.ts';
import { isSessionEntry } from './believed-entries.ts';
import type { CheckName } from './check.ts';
import { ReceiptError } from './errors.ts';
import { ocmfOf } from './ocmf-check.ts';
import {
  formatReceipt,
  MAX_ENTRIES,
  RECEIPT_FORMATS,
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
  const inOrder = [...entries.values()].sort((a, b) => a.index - b.index);
  const parts = {
    origin,
    publicKey: bytesToHex(publicKey),
    entries: inOrder.map(({ index, bytes, inclusionProof }) => ({
      cose: Buffer.from(bytes).toString('base64'),
      proof: formatTlogProof({ index, inclusionProof, checkpoint }),
    })),
  };
  const anchor = input.anchor === null ? null : withoutClaims(input.anchor);
  const ocmf = inOrder.flatMap(({ bytes }) => ocmfIn(bytes));
  const text = written(versioned(parts, ocmf, anchor));
  const failed = verifyReceipt(text).checks.filter(
    ({ name, result }) => result === 'fail' && !SAID_BY_THE_LOG.includes(name),
  );
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

/** In the oldest version that has room for it. */
function versioned(
  parts: Pick<Receipt, 'origin' | 'publicKey' | 'entries'>,
  records: readonly string[],
  anchor: ReceiptAnchor | null,
): Receipt {
  const ocmf = records.length === 0 ? null : [...records];
  if (anchor?.call !== undefined) return { format: RECEIPT_FORMATS[2], ...parts, ocmf, anchor };
  return ocmf === null
    ? { format: RECEIPT_FORMATS[0], ...parts, ocmf, anchor }
    : { format: RECEIPT_FORMATS[1], ...parts, ocmf, anchor };
}

/** What fails here fails because of what the station read and signed: the holder has a right to evidence of that as well. */
const SAID_BY_THE_LOG: readonly CheckName[] = ['session', 'energy', 'times', 'ocmf'];

/** The OCMF record that an entry holds; an entry that cannot be read has none, and fails its own checks. */
function ocmfIn(bytes: Uint8Array): readonly string[] {
  try {
    const { entry } = decodeEntry(bytes);
    const record = isSessionEntry(entry) ? ocmfOf(entry) : undefined;
    return record === undefined ? [] : [record];
  } catch (error) {
    if (error instanceof JournalError) return [];
    throw error;
  }
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
