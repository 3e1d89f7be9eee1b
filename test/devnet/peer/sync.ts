// `/sync/2`: blocks by hash or number (api.v1.proto of sc-network-sync).
import { type Block } from '../chain/block.ts';
import { type Bytes, concat, utf8 } from '../encoding/bytes.ts';
import { encodeBytesField, ProtobufMessage } from '../encoding/protobuf.ts';
import { decodeUint, encodeBytes, encodeVec } from '../encoding/scale.ts';
import { type PeerView } from './view.ts';

const REQUEST = { fields: 1, fromHash: 2, fromNumber: 3, direction: 5, maxBlocks: 6 };
const RESPONSE = { blocks: 1 };
const BLOCK_DATA = { hash: 1, header: 2, body: 3, justifications: 8 };
const WANTS = { header: 1 << 24, body: 1 << 25, justification: 1 << 28 };
const MAX_BLOCKS = 128;
const ASCENDING = 0;
const GRANDPA_ENGINE = utf8('FRNK');

/** Answers one `BlockRequest`. An unknown block is answered with no blocks. */
export function answerBlockRequest(view: PeerView, request: Bytes): Bytes {
  const message = new ProtobufMessage(request);
  const fields = message.varint(REQUEST.fields) ?? 0;
  const ascending = (message.varint(REQUEST.direction) ?? ASCENDING) === ASCENDING;
  const wanted = message.varint(REQUEST.maxBlocks) ?? 0;
  const most = wanted === 0 ? MAX_BLOCKS : Math.min(wanted, MAX_BLOCKS);
  const blocks: Block[] = [];
  let block = firstBlock(view, message);
  while (block !== undefined && blocks.length < most) {
    blocks.push(block);
    block = ascending ? childOf(block, view) : view.parentOf(block);
  }
  const justified = justifiedAmong(blocks, view);
  return concat(
    ...blocks.map((each) =>
      encodeBytesField(RESPONSE.blocks, encodeBlockData(each, fields, view, each === justified)),
    ),
  );
}

/**
 * Which block comes with its justification. Nodes keep those of the blocks that end a set of voters (and each 512th).
 * Of several, just the oldest is given: smoldot 3.4.1 checks the newest first, cannot, and bans who sent it. It asks for
 * the others one by one.
 */
function justifiedAmong(blocks: readonly Block[], view: PeerView): Block | undefined {
  return view.handOvers.find((handOver) => blocks.includes(handOver));
}

function firstBlock(view: PeerView, message: ProtobufMessage): Block | undefined {
  const hash = message.bytes(REQUEST.fromHash);
  if (hash !== undefined) return view.blockByHash(hash);
  const number = message.bytes(REQUEST.fromNumber);
  return number === undefined ? undefined : view.blockByNumber(Number(decodeUint(number)));
}

/** On the best chain. */
function childOf(block: Block, view: PeerView): Block | undefined {
  const next = view.blockByNumber(block.number + 1);
  return next !== undefined && view.parentOf(next) === block ? next : undefined;
}

function encodeBlockData(block: Block, fields: number, view: PeerView, isJustified: boolean): Bytes {
  const content = view.contentOf(block);
  const parts = [encodeBytesField(BLOCK_DATA.hash, block.hash)];
  if ((fields & WANTS.header) !== 0) parts.push(encodeBytesField(BLOCK_DATA.header, view.headerOf(content)));
  if ((fields & WANTS.body) !== 0) {
    parts.push(...view.bodyOf(content).map((extrinsic) => encodeBytesField(BLOCK_DATA.body, extrinsic)));
  }
  const wantsIt = isJustified && (fields & WANTS.justification) !== 0;
  const justification = wantsIt ? view.justificationOf(block) : undefined;
  if (justification !== undefined) {
    const justifications = encodeVec([concat(GRANDPA_ENGINE, encodeBytes(justification))]);
    parts.push(encodeBytesField(BLOCK_DATA.justifications, justifications));
  }
  return concat(...parts);
}
