// `/sync/warp`: from any block to the last final one in one step.
import { type Chain } from '../chain/chain.ts';
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeVec } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { type BlockView } from './sync.ts';

const IS_FINISHED = 1;

/**
 * `WarpSyncProof` from the block whose hash is the request. The voter set never changes, so that the whole proof is one
 * fragment: the last final header and its justification.
 * @throws DevnetError `devnet.unknown_block`
 */
export function answerWarpSyncRequest(chain: Chain, view: BlockView, begin: Bytes): Bytes {
  const from = chain.blockByHash(begin);
  if (from === undefined)
    throw new DevnetError('devnet.unknown_block', 'warp sync from a block of another chain');
  const last = chain.finalized;
  const justification = view.justificationOf(last);
  const fragments =
    justification === undefined || last.number <= from.number ? [] : [concat(last.header, justification)];
  return concat(encodeVec(fragments), Uint8Array.of(IS_FINISHED));
}
