import * as v from 'valibot';
import { anchorCallSchema } from './anchor-call.ts';

/** Bytes as text: `0x` and two lower-case hex digits a byte. */
export type Hex = `0x${string}`;

/** Hex of at most `maxBytes` bytes. Bounded, because what comes over IPC or from a file is not ours. */
export function hexSchema(maxBytes: number) {
  return v.pipe(
    v.string(),
    v.maxLength(2 + 2 * maxBytes),
    v.regex(/^0x(?:[0-9a-f]{2})*$/),
    v.transform((text) => text as Hex),
  );
}

const hash32 = v.pipe(hexSchema(32), v.length(66));
const blockNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Parts of evidence are bounded: a remark holds a checkpoint (under 1 KiB), a header's digest a few hundred bytes. */
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_EXTRINSIC_BYTES = 64 * 1024;
/** A trie node of an extrinsics trie carries at most one extrinsic inline; the depth is that of a compact index. */
const MAX_PROOF_NODES = 64;
const MAX_PROOF_NODE_BYTES = 256 * 1024;
/** Two versions, two hashes and the option of a metadata hash take 105 bytes; extensions of a chain may add to them. */
const MAX_ADDITIONAL_SIGNED_BYTES = 512;

export const anchorEvidenceSchema = v.strictObject({
  via: v.picklist(['light-client', 'rpc']),
  genesisHash: hash32,
  blockNumber,
  blockHash: hash32,
  /** SCALE bytes of the block's header; their blake2b-256 is `blockHash`. */
  header: hexSchema(MAX_HEADER_BYTES),
  extrinsicIndex: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** The whole extrinsic as it stands in the block's body, with its compact length prefix. */
  extrinsic: hexSchema(MAX_EXTRINSIC_BYTES),
  /** Trie nodes, root first, that prove `extrinsic` at `extrinsicIndex` under the header's extrinsics root. */
  extrinsicProof: v.pipe(v.array(hexSchema(MAX_PROOF_NODE_BYTES)), v.maxLength(MAX_PROOF_NODES)),
  /** The C2SP checkpoint (signed note) that the extrinsic commits. */
  checkpoint: v.pipe(v.string(), v.maxLength(8 * 1024)),
  /** Tree size in that checkpoint: leaves 0 to size - 1 are covered. */
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** How the call was filled from the checkpoint; absent: it is `system.remark_with_event(checkpoint)`. */
  call: v.exactOptional(anchorCallSchema),
  /**
   * What the extrinsic's signature covers beyond the extrinsic itself (versions, genesis hash, hash of the era's first
   * block, ...), as the end of the signing payload has it. With it the signature can be checked offline.
   */
  additionalSigned: v.exactOptional(hexSchema(MAX_ADDITIONAL_SIGNED_BYTES)),
  /** When the station saw it final, milliseconds since 1970 UTC by its own clock. Says nothing about trust. */
  finalizedAtMs: v.exactOptional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
});

/** What proves that a checkpoint is in a block: enough to check it offline against the block's hash. */
export type AnchorEvidence = Readonly<v.InferOutput<typeof anchorEvidenceSchema>>;

/** Parses evidence from JSON (a receipt, an outbox row). Throws ValiError when it is not of this shape. */
export function parseAnchorEvidence(input: unknown): AnchorEvidence {
  return v.parse(anchorEvidenceSchema, input);
}

export function bytesToHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** Strict: throws RangeError on anything but `0x` and an even number of hex digits. */
export function hexToBytes(hex: string): Uint8Array {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError('not a hex string');
  return new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
}
