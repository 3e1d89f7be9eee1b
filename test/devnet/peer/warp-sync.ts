// `/sync/warp`: from any block to the last final one, over the changes of the voter set (`WarpSyncProof` of
// sc-consensus-grandpa).
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeVec } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { type PeerView } from './view.ts';

const IS_FINISHED = 1;
const IS_NOT_FINISHED = 0;
/** Substrate ends a proof at 8 MiB, which is thousands of fragments: here it is fewer, so that tests see one in parts. */
const MAX_FRAGMENTS = 8;

/**
 * `WarpSyncProof` from the block whose hash is the request. A fragment is a header and its justification: one for each
 * final block since then that ends a set of voters, and one for the last final block.
 * @throws DevnetError `devnet.unknown_block`
 */
export function answerWarpSyncRequest(view: PeerView, begin: Bytes): Bytes {
  const from = view.blockByHash(begin);
  if (from === undefined)
    throw new DevnetError('devnet.unknown_block', 'warp sync from a block of another chain');
  const due = [...new Set([...view.handOvers, view.finalized])].filter(({ number }) => number > from.number);
  const fragments = due.slice(0, MAX_FRAGMENTS).flatMap((block) => {
    const justification = view.justificationOf(block);
    return justification === undefined ? [] : [concat(block.header, justification)];
  });
  return concat(
    encodeVec(fragments),
    Uint8Array.of(due.length > MAX_FRAGMENTS ? IS_NOT_FINISHED : IS_FINISHED),
  );
}
