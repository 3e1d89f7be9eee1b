// The call that commits a checkpoint, as bytes: index and arguments, filled from the checkpoint by the encodings that the
// chain's metadata tell. The core makes these bytes, and whoever checks an anchor makes them again. Pure.
import * as v from 'valibot';
import { ChainError } from './errors.ts';
import { concatBytes, encodeBytes, encodeCompact } from './scale.ts';

/** Pallet and call index. They belong to a runtime, not to a name. */
export type CallIndex = readonly [number, number];

const u8 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xff));
export const callIndexSchema = v.tuple([u8, u8]);

/** No call of a pallet that takes a commitment has more. */
export const MAX_ARGUMENTS = 16;
const MAX_NAME = 128;
const name = v.pipe(v.string(), v.maxLength(MAX_NAME));

const KNOWN_ENCODINGS = [
  'bytes',
  'u8',
  'u16',
  'u32',
  'u64',
  'u128',
  'compact',
  'fixed32',
  'fixed64',
] as const;
/**
 * How an argument is encoded: `bytes` Vec<u8> and its bounded kin; an unsigned integer, fixed or compact; `fixed32`
 * ([u8; 32], H256), `fixed64`; or `other:` and the type's name, which nothing here can fill.
 */
export type ArgumentEncoding = (typeof KNOWN_ENCODINGS)[number] | `other:${string}`;
export const argumentEncodingSchema = v.pipe(
  v.string(),
  v.maxLength(MAX_NAME),
  v.check((text) => text.startsWith('other:') || KNOWN_ENCODINGS.some((known) => known === text)),
  v.transform((text) => text as ArgumentEncoding),
);

/** What of a checkpoint can fill an argument. `signature` is the 64 bytes of the log's own signature line. */
export const ANCHOR_FIELDS = ['origin', 'size', 'root', 'checkpoint', 'signature'] as const;
export type AnchorField = (typeof ANCHOR_FIELDS)[number];

/** The recipe by which an anchor's call was made, kept in its evidence. Absent there: `system.remark_with_event`. */
export const anchorCallSchema = v.strictObject({
  pallet: name,
  name,
  index: callIndexSchema,
  arguments: v.pipe(
    v.array(v.strictObject({ name, encoding: argumentEncodingSchema, from: v.picklist(ANCHOR_FIELDS) })),
    v.maxLength(MAX_ARGUMENTS),
  ),
});
export type AnchorCall = Readonly<v.InferOutput<typeof anchorCallSchema>>;

/** Which fields fit an encoding. A number as bytes, or a root as a number, would be read in as many ways as readers. */
const FITS: Readonly<Record<AnchorField, readonly ArgumentEncoding[]>> = {
  origin: ['bytes'],
  size: ['u8', 'u16', 'u32', 'u64', 'u128', 'compact'],
  root: ['fixed32', 'bytes'],
  checkpoint: ['bytes'],
  signature: ['fixed64', 'bytes'],
};

/** Whether an argument of that encoding can be filled from that field. */
export function fitsEncoding(from: AnchorField, encoding: ArgumentEncoding): boolean {
  return FITS[from].includes(encoding);
}

/** What a checkpoint (C2SP tlog-checkpoint in a signed note) commits, and the signature under it. */
export interface CheckpointFields {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly checkpoint: string;
  readonly signature: Uint8Array;
}

/**
 * The bytes of the call for a checkpoint. Throws `chain.call_mismatch` when an argument cannot hold what should fill it,
 * or the text is no checkpoint.
 */
export function encodeAnchorCall(call: AnchorCall, checkpoint: string): Uint8Array {
  const fields = readCheckpoint(checkpoint);
  const parts = call.arguments.map((argument) => encodeArgument(argument, fields));
  return concatBytes([Uint8Array.from(call.index), ...parts]);
}

/** `system.remark_with_event(bytes)` where it stands at `index`. */
export function encodeRemarkCall(index: CallIndex, remark: Uint8Array): Uint8Array {
  return concatBytes([Uint8Array.from(index), encodeBytes(remark)]);
}

const UNSIGNED_BYTES: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, u128: 16 };
const FIXED_BYTES: Readonly<Record<string, number>> = { fixed32: 32, fixed64: 64 };

function encodeArgument(
  { name: argument, encoding, from }: AnchorCall['arguments'][number],
  fields: CheckpointFields,
): Uint8Array {
  if (!fitsEncoding(from, encoding)) throw mismatch(`${argument} (${encoding}) cannot hold the ${from}`);
  if (from === 'size') return encodeSize(argument, encoding, fields.size);
  const value = fields[from];
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  if (encoding === 'bytes') return encodeBytes(bytes);
  if (bytes.length === FIXED_BYTES[encoding]) return bytes;
  throw mismatch(`${argument} (${encoding}) cannot hold a ${from} of ${bytes.length} bytes`);
}

function encodeSize(argument: string, encoding: ArgumentEncoding, size: bigint): Uint8Array {
  if (encoding === 'compact') return encodeCompact(Number(size));
  const length = UNSIGNED_BYTES[encoding] ?? 0;
  if (size >> BigInt(8 * length) > 0n) throw mismatch(`${argument} (${encoding}) cannot hold size ${size}`);
  return Uint8Array.from({ length }, (_, i) => Number((size >> BigInt(8 * i)) & 0xffn));
}

const SIGNATURE_LINE = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/;
const KEY_ID_BYTES = 4;

/** Origin, size, root and the first signature of a signed note. Throws `chain.call_mismatch` when it is none. */
export function readCheckpoint(checkpoint: string): CheckpointFields {
  const [head = '', tail = ''] = checkpoint.split('\n\n', 2);
  const [origin = '', size = '', root = ''] = head.split('\n');
  const signature = SIGNATURE_LINE.exec(tail.split('\n', 1)[0] ?? '');
  const isCheckpoint =
    origin !== '' && /^(?:0|[1-9]\d{0,15})$/.test(size) && Number.isSafeInteger(Number(size)) && root !== '';
  if (!isCheckpoint || signature === null) throw mismatch('the text is no signed checkpoint');
  return {
    origin,
    size: BigInt(size),
    root: new Uint8Array(Buffer.from(root, 'base64')),
    checkpoint,
    signature: new Uint8Array(Buffer.from(signature[2] ?? '', 'base64').subarray(KEY_ID_BYTES)),
  };
}

function mismatch(why: string): ChainError {
  return new ChainError('chain.call_mismatch', `the configured call does not fit: ${why}`, {
    remedy: 'operator',
    hint: 'Check chain.pallet: each argument takes one of origin, size, root, checkpoint, signature.',
  });
}
