import { type Bytes, blake2b256, concat, utf8 } from '../encoding/bytes.ts';
import { encodeBytes, encodeCompact, encodeUint, encodeVec, ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';

export interface Block {
  /** Undefined for genesis. */
  readonly parent: Block | undefined;
  readonly number: number;
  readonly hash: Bytes;
  /** SCALE-encoded, with its seal. */
  readonly header: Bytes;
  /** Extrinsics with their length prefix. */
  readonly body: readonly Bytes[];
  readonly slot: number;
}

export interface UnsealedHeader {
  readonly parentHash: Bytes;
  readonly number: number;
  readonly stateRoot: Bytes;
  readonly extrinsicsRoot: Bytes;
  /** Encoded digest items. */
  readonly digest: readonly Bytes[];
}

/** The SCALE encoding of a header; its blake2b-256 is the hash of the block. */
export function encodeHeader(header: UnsealedHeader): Bytes {
  return concat(
    header.parentHash,
    encodeCompact(header.number),
    header.stateRoot,
    header.extrinsicsRoot,
    encodeVec(header.digest),
  );
}

export function hashHeader(header: Bytes): Bytes {
  return blake2b256(header);
}

/** The inverse of `encodeHeader`. @throws DevnetError `devnet.bad_input` or `devnet.unsupported` (unknown digest item) */
export function decodeHeader(encoded: Bytes): UnsealedHeader {
  const reader = new ScaleReader(encoded);
  const parentHash = reader.take(32);
  const number = reader.length();
  const stateRoot = reader.take(32);
  const extrinsicsRoot = reader.take(32);
  const digest = Array.from({ length: reader.length() }, () => readDigestItem(reader));
  return { parentHash, number, stateRoot, extrinsicsRoot, digest };
}

const OTHER = 0;
const CONSENSUS = 4;
const SEAL = 5;
const PRE_RUNTIME = 6;
const ENVIRONMENT_UPDATED = 8;

/** Digest item `RuntimeEnvironmentUpdated`: from the next block on the chain has another runtime. */
export const RUNTIME_ENVIRONMENT_UPDATED: Bytes = Uint8Array.of(ENVIRONMENT_UPDATED);

function readDigestItem(reader: ScaleReader): Bytes {
  const type = reader.take(1);
  switch (type[0]) {
    case ENVIRONMENT_UPDATED:
      return type;
    case OTHER:
      return concat(type, encodeBytes(reader.bytes()));
    case CONSENSUS:
    case SEAL:
    case PRE_RUNTIME:
      return concat(type, reader.take(4), encodeBytes(reader.bytes()));
    default:
      throw new DevnetError('devnet.unsupported', `digest item of type ${type[0]}`);
  }
}

const AURA_ENGINE = utf8('aura');

/** Digest item that claims a slot: `PreRuntime("aura", slot)`. */
export function auraPreRuntime(slot: number): Bytes {
  return concat(Uint8Array.of(PRE_RUNTIME), AURA_ENGINE, encodeBytes(encodeUint(slot, 8)));
}

/** Digest item that proves the claim: `Seal("aura", sr25519 signature of the header's hash without this item)`. */
export function auraSeal(signature: Bytes): Bytes {
  return concat(Uint8Array.of(SEAL), AURA_ENGINE, encodeBytes(signature));
}
