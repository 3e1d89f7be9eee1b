import { type Hex, bytesToHex, hexToBytes } from '../../anchor-evidence.ts';
import { buildExtrinsicProof } from '../../extrinsic-proof.ts';
import type { BlockRef, Located, OperationParams } from '../../protocol.ts';
import { equalBytes } from '../../scale.ts';
import type { BlockReader, CheckedBlock } from './block-reader.ts';

/** What a walk through finalized blocks needs of the chain. */
export interface FinalizedChain {
  readonly via: 'light-client' | 'rpc';
  readonly genesisHash: Hex;
  readonly blocks: BlockReader;
  /**
   * Hash of the block `number` below `finalized`, from the runtime's own record (System.BlockHash, which the light client
   * has proved) or the node's index. Undefined when it is no longer known.
   */
  hashAt(number: number, finalized: BlockRef): Promise<Hex | undefined>;
}

/** Up to so many blocks, following parent hashes costs less than asking the runtime for an old hash. */
const SHORT_WALK = 4;

/** The hash of the ancestor of `finalized` at `number`, or undefined when it is out of reach. */
export async function ancestorHash(
  chain: FinalizedChain,
  finalized: BlockRef,
  number: number,
): Promise<Hex | undefined> {
  if (number > finalized.number) return undefined;
  if (number === 0) return chain.genesisHash;
  if (finalized.number - number > SHORT_WALK) return chain.hashAt(number, finalized);
  let hash = finalized.hash;
  for (let at = finalized.number; at > number; at--) hash = (await chain.blocks.header(hash)).parentHash;
  return hash;
}

/**
 * Looks for exactly these bytes in the finalized blocks after `afterNumber` and before `beforeNumber`: in the hinted block
 * first, then from the newest down. Every block looked at is a proved ancestor of `finalized`.
 */
export async function locateExtrinsic(
  chain: FinalizedChain,
  wanted: OperationParams<'locate'>,
): Promise<Located> {
  const { finalized } = wanted;
  const extrinsic = hexToBytes(wanted.extrinsic);
  const from = wanted.afterNumber + 1;
  const to = Math.min(wanted.beforeNumber - 1, finalized.number);
  const hinted = await lookAtHint(chain, finalized, wanted.hint, from, to);
  const inHinted = hinted === undefined ? undefined : evidenceIn(chain, hinted, extrinsic);
  if (inHinted !== undefined) return inHinted;
  if (to < from) return { outcome: 'absent', from, to: wanted.afterNumber };
  let hash = await ancestorHash(chain, finalized, to);
  if (hash === undefined) {
    return {
      outcome: 'out-of-reach',
      why: `block ${to} is too far below the finalized block ${finalized.number}`,
    };
  }
  for (let number = to; number >= from; number--) {
    const block: CheckedBlock = await chain.blocks.block(hash);
    const found = evidenceIn(chain, block, extrinsic);
    if (found !== undefined) return found;
    hash = block.header.parentHash;
  }
  return { outcome: 'absent', from, to };
}

async function lookAtHint(
  chain: FinalizedChain,
  finalized: BlockRef,
  hint: Hex | null,
  from: number,
  to: number,
): Promise<CheckedBlock | undefined> {
  if (hint === null) return undefined;
  // A hint is only that: a block that is gone (retracted, pruned) sends us on the long way.
  const block = await chain.blocks.block(hint).catch(() => undefined);
  if (block === undefined || block.header.number < from || block.header.number > to) return undefined;
  return (await ancestorHash(chain, finalized, block.header.number)) === hint ? block : undefined;
}

function evidenceIn(
  chain: FinalizedChain,
  block: CheckedBlock,
  extrinsic: Uint8Array,
): (Located & { outcome: 'found' }) | undefined {
  const index = block.extrinsics.findIndex((candidate) => equalBytes(candidate, extrinsic));
  if (index < 0) return undefined;
  const proof = buildExtrinsicProof(block.extrinsics, index, hexToBytes(block.header.extrinsicsRoot));
  return {
    outcome: 'found',
    evidence: {
      via: chain.via,
      genesisHash: chain.genesisHash,
      blockNumber: block.header.number,
      blockHash: block.header.hash,
      header: bytesToHex(block.header.bytes),
      extrinsicIndex: index,
      extrinsic: bytesToHex(extrinsic),
      extrinsicProof: proof.map(bytesToHex),
    },
  };
}
