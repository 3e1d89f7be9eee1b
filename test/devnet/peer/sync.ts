// `/sync/2`: blocks by hash or number (api.v1.proto of sc-network-sync).
import { type Block } from '../chain/block.ts';
import { type Chain } from '../chain/chain.ts';
import { type Bytes, concat, utf8 } from '../encoding/bytes.ts';
import { encodeBytesField, ProtobufMessage } from '../encoding/protobuf.ts';
import { decodeUint, encodeBytes, encodeVec } from '../encoding/scale.ts';

const REQUEST = { fields: 1, fromHash: 2, fromNumber: 3, direction: 5, maxBlocks: 6 };
const RESPONSE = { blocks: 1 };
const BLOCK_DATA = { hash: 1, header: 2, body: 3, justifications: 8 };
const WANTS = { header: 1 << 24, body: 1 << 25, justification: 1 << 28 };
const MAX_BLOCKS = 128;
const ASCENDING = 0;
const GRANDPA_ENGINE = utf8('FRNK');

/** What a block looks like from outside: the peer may have been told to lie about it. */
export interface BlockView {
  readonly headerOf: (block: Block) => Bytes;
  readonly justificationOf: (block: Block) => Bytes | undefined;
}

/** Answers one `BlockRequest`. An unknown block is answered with no blocks. */
export function answerBlockRequest(chain: Chain, view: BlockView, request: Bytes): Bytes {
  const message = new ProtobufMessage(request);
  const fields = message.varint(REQUEST.fields) ?? 0;
  const step = (message.varint(REQUEST.direction) ?? ASCENDING) === ASCENDING ? 1 : -1;
  const wanted = message.varint(REQUEST.maxBlocks) ?? 0;
  const most = wanted === 0 ? MAX_BLOCKS : Math.min(wanted, MAX_BLOCKS);
  const blocks: Bytes[] = [];
  let block = firstBlock(chain, message);
  while (block !== undefined && blocks.length < most) {
    blocks.push(encodeBytesField(RESPONSE.blocks, encodeBlockData(block, fields, view)));
    block = chain.blockByNumber(block.number + step);
  }
  return concat(...blocks);
}

function firstBlock(chain: Chain, message: ProtobufMessage): Block | undefined {
  const hash = message.bytes(REQUEST.fromHash);
  if (hash !== undefined) return chain.blockByHash(hash);
  const number = message.bytes(REQUEST.fromNumber);
  return number === undefined ? undefined : chain.blockByNumber(Number(decodeUint(number)));
}

function encodeBlockData(block: Block, fields: number, view: BlockView): Bytes {
  const parts = [encodeBytesField(BLOCK_DATA.hash, block.hash)];
  if ((fields & WANTS.header) !== 0) parts.push(encodeBytesField(BLOCK_DATA.header, view.headerOf(block)));
  if ((fields & WANTS.body) !== 0) {
    parts.push(...block.body.map((extrinsic) => encodeBytesField(BLOCK_DATA.body, extrinsic)));
  }
  const justification = (fields & WANTS.justification) === 0 ? undefined : view.justificationOf(block);
  if (justification !== undefined) {
    const justifications = encodeVec([concat(GRANDPA_ENGINE, encodeBytes(justification))]);
    parts.push(encodeBytesField(BLOCK_DATA.justifications, justifications));
  }
  return concat(...parts);
}
