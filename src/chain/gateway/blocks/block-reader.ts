import * as v from 'valibot';
import { type Hex, bytesToHex, hexSchema, hexToBytes } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import { buildExtrinsicProof } from '../../extrinsic-proof.ts';
import { decodeHeader } from '../../header.ts';
import { concatBytes, encodeCompact } from '../../scale.ts';
import { blake2b256 } from '../../substrate-trie.ts';

/** Sends one JSON-RPC request. */
export type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>;

export interface CheckedHeader {
  readonly number: number;
  readonly hash: Hex;
  readonly parentHash: Hex;
  readonly extrinsicsRoot: Hex;
  /** SCALE bytes; `hash` is their blake2b-256. */
  readonly bytes: Uint8Array;
}

export interface CheckedBlock {
  readonly header: CheckedHeader;
  /** The body, each extrinsic with its length prefix; its root is the header's. */
  readonly extrinsics: readonly Uint8Array[];
}

const MAX_EXTRINSICS = 10_000;
const MAX_EXTRINSIC_BYTES = 8 * 1024 * 1024;
const hash32 = v.pipe(hexSchema(32), v.length(66));

const headerSchema = v.object({
  parentHash: hash32,
  number: v.union([v.pipe(v.string(), v.regex(/^0x[0-9a-f]{1,13}$/)), v.pipe(v.number(), v.safeInteger())]),
  stateRoot: hash32,
  extrinsicsRoot: hash32,
  digest: v.object({ logs: v.pipe(v.array(hexSchema(16 * 1024)), v.maxLength(64)) }),
});
const blockSchema = v.object({
  block: v.object({
    header: headerSchema,
    extrinsics: v.pipe(v.array(hexSchema(MAX_EXTRINSIC_BYTES)), v.maxLength(MAX_EXTRINSICS)),
  }),
});

/** SCALE bytes of a header as JSON-RPC gives it, and their hash. Throws `chain.bad_answer`. */
export function headerFromJson(json: unknown): CheckedHeader {
  const { parentHash, number, stateRoot, extrinsicsRoot, digest } = parse(headerSchema, json, 'header');
  const bytes = concatBytes([
    hexToBytes(parentHash),
    encodeCompact(Number(number)),
    hexToBytes(stateRoot),
    hexToBytes(extrinsicsRoot),
    encodeCompact(digest.logs.length),
    ...digest.logs.map(hexToBytes),
  ]);
  // Decoding what was just encoded refuses digests that would make the same bytes mean something else.
  const decoded = decodeHeader(bytes);
  return { number: decoded.number, hash: bytesToHex(blake2b256(bytes)), parentHash, extrinsicsRoot, bytes };
}

/** Headers and blocks by hash; what does not hash to what was asked for, or under it, is refused with `chain.bad_answer`. */
export class BlockReader {
  readonly #ask: Ask;
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  async header(hash: Hex): Promise<CheckedHeader> {
    return checked(headerFromJson(await this.#ask('chain_getHeader', [hash])), hash);
  }

  async block(hash: Hex): Promise<CheckedBlock> {
    const { block } = parse(blockSchema, await this.#ask('chain_getBlock', [hash]), 'block');
    const header = checked(headerFromJson(block.header), hash);
    const extrinsics = block.extrinsics.map(hexToBytes);
    checkBody(extrinsics, header);
    return { header, extrinsics };
  }
}

const EMPTY_ROOT = bytesToHex(blake2b256(Uint8Array.of(0)));

/** A body with an extrinsic left out would be believed as proof of absence, so every body is held against its root. */
function checkBody(extrinsics: readonly Uint8Array[], header: CheckedHeader): void {
  if (extrinsics.length === 0 && header.extrinsicsRoot === EMPTY_ROOT) return;
  try {
    buildExtrinsicProof(extrinsics, 0, hexToBytes(header.extrinsicsRoot));
  } catch (cause) {
    throw new ChainError(
      'chain.bad_answer',
      `the body of block ${header.number} is not the one its header names`,
      {
        cause,
      },
    );
  }
}

function checked(header: CheckedHeader, hash: Hex): CheckedHeader {
  if (header.hash === hash) return header;
  throw new ChainError('chain.bad_answer', 'a block with another hash than asked for', {
    details: { asked: hash, got: header.hash },
  });
}

function parse<T extends v.GenericSchema>(schema: T, json: unknown, what: string): v.InferOutput<T> {
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  throw new ChainError('chain.bad_answer', `the answer is not a ${what}: ${parsed.issues[0].message}`);
}
