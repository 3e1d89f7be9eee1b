// `/kad`: the routing table of a network with two peers. Clients ask every few seconds, and complain when nobody answers.
import { type Bytes } from '../encoding/bytes.ts';
import { encodeVarintField } from '../encoding/protobuf.ts';

const MESSAGE_TYPE = 1;
const FIND_NODE = 4;

/** Whom we know: nobody that the client does not know. */
export function answerFindNode(): Bytes {
  return encodeVarintField(MESSAGE_TYPE, FIND_NODE);
}
