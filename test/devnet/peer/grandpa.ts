// `/grandpa/1`: how far finality is, and the commits that prove it (`GossipMessage` of sc-consensus-grandpa).
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeUint } from '../encoding/scale.ts';

const COMMIT = 1;
const NEIGHBOR = 2;
const NEIGHBOR_VERSION = 1;

export function encodeNeighborPacket(round: bigint, setId: bigint, finalizedNumber: number): Bytes {
  return concat(
    Uint8Array.of(NEIGHBOR, NEIGHBOR_VERSION),
    encodeUint(round, 8),
    encodeUint(setId, 8),
    encodeUint(finalizedNumber, 4),
  );
}

export function encodeCommitMessage(commit: Bytes): Bytes {
  return concat(Uint8Array.of(COMMIT), commit);
}
