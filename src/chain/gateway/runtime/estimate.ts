// What an extrinsic costs, as the runtime calculates it (TransactionPaymentApi_query_info). Pure.
import { bytesToHex, type Hex, hexToBytes } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import type { OperationResult } from '../../protocol.ts';
import { concatBytes, littleEndian, ScaleInputError, ScaleReader } from '../../scale.ts';

/** Parameters of `query_info`: the extrinsic with its length prefix, and its length. */
export function encodeQueryInfo(extrinsic: Hex): Hex {
  const bytes = hexToBytes(extrinsic);
  return bytesToHex(concatBytes([bytes, littleEndian(BigInt(bytes.length), 4)]));
}

const FEE_BYTES = 16;
const OLD_WEIGHT_BYTES = 8;

/**
 * Reads RuntimeDispatchInfo: weight, class, fee. Before version 2 of the API the weight is one u64. Throws
 * `chain.bad_answer`.
 */
export function decodeDispatchInfo(answer: Hex, apiVersion: number): OperationResult<'estimate'> {
  try {
    const reader = new ScaleReader(hexToBytes(answer));
    const refTime = apiVersion < 2 ? fromLittleEndian(reader.take(OLD_WEIGHT_BYTES)) : reader.compactBig();
    const proofSize = apiVersion < 2 ? null : reader.compactBig();
    reader.byte(); // class: normal, operational, mandatory
    const fee = fromLittleEndian(reader.take(FEE_BYTES));
    reader.end();
    return {
      fee: String(fee),
      refTime: String(refTime),
      proofSize: proofSize === null ? null : String(proofSize),
    };
  } catch (cause) {
    if (!(cause instanceof ScaleInputError)) throw cause;
    throw new ChainError('chain.bad_answer', 'what a fee would be cannot be read', { cause });
  }
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
