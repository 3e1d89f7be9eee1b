// A block with a station's anchor in it, made by hand: extrinsic, body, header. What the runtime of a chain would make,
// without the chain; test/vector holds blocks of a real one.
import { blake2b } from '@noble/hashes/blake2.js';
import {
  buildExtrinsicProof,
  bytesToHex,
  type AnchorCall,
  type AnchorEvidence,
} from '../../../src/chain/index.ts';
import type { Ed25519Key } from '../../../src/identity/index.ts';
import { naiveCompact, naiveOrderedRoot } from './naive-trie.ts';

const hash = (bytes: Uint8Array): Uint8Array => blake2b(bytes, { dkLen: 32 });
const u32 = (value: number): Uint8Array => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return new Uint8Array(buffer);
};
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const prefixed = (bytes: Uint8Array): Uint8Array => join(naiveCompact(bytes.length), bytes);

export const GENESIS_HASH = hash(Buffer.from('a chain for tests'));

export interface AnchoredBlockOptions {
  readonly account: Ed25519Key;
  /** Signed note. */
  readonly checkpoint: string;
  readonly size: number;
  readonly blockNumber?: number;
  readonly layout?: 'V0' | 'V1';
  /** Extrinsics before and after ours. */
  readonly before?: number;
  readonly after?: number;
  /** What the remark holds, when it is not the checkpoint. */
  readonly remark?: Uint8Array;
  readonly callIndex?: number;
  /** Pallet and call index and encoded arguments of a call that is no remark, and the recipe that comes with it. */
  readonly filled?: { readonly call: Uint8Array; readonly recipe: AnchorCall };
}

/** What a chain's metadata say about its extrinsics: here a usual chain of today, with a mortal era. */
export interface ExtrinsicShape {
  readonly callIndex: number;
  /** Era, nonce, tip and whatever else stands in front of the call. */
  readonly extensions: Uint8Array;
  /** Versions, genesis hash, hash of the era's first block and whatever else is signed. */
  readonly additionalSigned: Uint8Array;
}

const USUAL: ExtrinsicShape = {
  callIndex: 7,
  extensions: join(Uint8Array.of(0x55, 0x02), naiveCompact(3), naiveCompact(0), Uint8Array.of(0)),
  additionalSigned: join(u32(1_002_000), u32(26), GENESIS_HASH, hash(u32(77)), Uint8Array.of(0)),
};

/** A signed extrinsic of format 4. */
export function remarkExtrinsic(account: Ed25519Key, remark: Uint8Array, shape = USUAL) {
  return signedExtrinsic(account, join(Uint8Array.of(0, shape.callIndex), prefixed(remark)), shape);
}

function signedExtrinsic(account: Ed25519Key, call: Uint8Array, shape: ExtrinsicShape) {
  const { extensions, additionalSigned } = shape;
  const payload = join(call, extensions, additionalSigned);
  const signature = account.sign(payload.length > 256 ? hash(payload) : payload);
  const head = Uint8Array.of(0x84, 0, ...account.publicKey, 0, ...signature);
  return { extrinsic: prefixed(join(head, extensions, call)), additionalSigned, payload };
}

/** Extrinsics of the dev network's parachain (Rococo's asset hub, spec 900): immortal, first of its account, no tip. */
export function devnetShape(
  version: { specVersion: number; transactionVersion: number },
  genesisHash: Uint8Array,
) {
  const additionalSigned = join(
    u32(version.specVersion),
    u32(version.transactionVersion),
    genesisHash,
    genesisHash,
  );
  return { callIndex: 8, extensions: new Uint8Array(4), additionalSigned };
}

type WholeEvidence = Required<Omit<AnchorEvidence, 'call'>> & Pick<AnchorEvidence, 'call'>;

export function anchoredBlock(options: AnchoredBlockOptions): WholeEvidence {
  const { account, checkpoint, size, blockNumber = 4242, layout = 'V0', before = 2, after = 1 } = options;
  const shape = { ...USUAL, callIndex: options.callIndex ?? USUAL.callIndex };
  const { filled } = options;
  const ours =
    filled === undefined
      ? remarkExtrinsic(account, options.remark ?? Buffer.from(checkpoint), shape)
      : signedExtrinsic(account, filled.call, shape);
  const other = (i: number): Uint8Array => prefixed(new Uint8Array(40 + i).fill(i));
  const body = [
    ...Array.from({ length: before }, (_, i) => other(i)),
    ours.extrinsic,
    ...Array.from({ length: after }, (_, i) => other(100 + i)),
  ];
  const extrinsicsRoot = naiveOrderedRoot(body, layout);
  const seal = join(Uint8Array.of(5), Buffer.from('aura'), prefixed(new Uint8Array(64).fill(7)));
  const header = join(
    hash(u32(blockNumber - 1)),
    naiveCompact(blockNumber),
    hash(u32(1)),
    extrinsicsRoot,
    naiveCompact(1),
    seal,
  );
  return {
    via: 'light-client',
    genesisHash: bytesToHex(GENESIS_HASH),
    blockNumber,
    blockHash: bytesToHex(hash(header)),
    header: bytesToHex(header),
    extrinsicIndex: before,
    extrinsic: bytesToHex(ours.extrinsic),
    extrinsicProof: buildExtrinsicProof(body, before, extrinsicsRoot).map(bytesToHex),
    checkpoint,
    size,
    ...(filled && { call: filled.recipe }),
    additionalSigned: bytesToHex(ours.additionalSigned),
    finalizedAtMs: 1_800_000_000_000,
  };
}
