// `/block-announces/1`: who we are, and each new block.
import { type Block } from '../chain/block.ts';
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeUint } from '../encoding/scale.ts';

/** `Roles` of sc-network: we author blocks. */
export const ROLE_AUTHORITY = 4;

const NOT_BEST = 0;
const IS_BEST = 1;
const NO_ASSOCIATED_DATA = 0;

/** `BlockAnnouncesHandshake`: roles, best number, best hash, genesis hash. */
export function encodeAnnouncesHandshake(best: Block, genesisHash: Bytes): Bytes {
  return concat(Uint8Array.of(ROLE_AUTHORITY), encodeUint(best.number, 4), best.hash, genesisHash);
}

/** `BlockAnnounce`: the header, whether it is the best block of who announces it, no data. */
export function encodeAnnouncement(header: Bytes, isBest: boolean): Bytes {
  return concat(header, Uint8Array.of(isBest ? IS_BEST : NOT_BEST, NO_ASSOCIATED_DATA));
}
