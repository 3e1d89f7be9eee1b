// `/light/2`: proofs of storage and of runtime calls (light.v1.proto of sc-network-light).
import { type Bytes } from '../encoding/bytes.ts';
import { encodeBytesField, ProtobufMessage } from '../encoding/protobuf.ts';
import { DevnetError } from '../errors.ts';
import { type PeerView } from './view.ts';

const REQUEST = { remoteCall: 1, remoteRead: 2 };
const CALL = { blockHash: 2 };
const READ = { blockHash: 2, keys: 3 };
const RESPONSE = { remoteCall: 1, remoteRead: 2 };
const PROOF = 2;

export type LightRequest =
  | { readonly kind: 'call'; readonly blockHash: Bytes }
  | { readonly kind: 'read'; readonly blockHash: Bytes; readonly keys: readonly Bytes[] };

/** @throws DevnetError `devnet.bad_input` or `devnet.unsupported` (child tries) */
export function decodeLightRequest(request: Bytes): LightRequest {
  const message = new ProtobufMessage(request);
  const call = message.bytes(REQUEST.remoteCall);
  if (call !== undefined)
    return { kind: 'call', blockHash: required(new ProtobufMessage(call).bytes(CALL.blockHash)) };
  const read = message.bytes(REQUEST.remoteRead);
  if (read === undefined) throw new DevnetError('devnet.unsupported', 'neither a storage read nor a call');
  const inner = new ProtobufMessage(read);
  return {
    kind: 'read',
    blockHash: required(inner.bytes(READ.blockHash)),
    keys: inner.repeatedBytes(READ.keys),
  };
}

/**
 * The proof for a request. For a call, whichever it is, that is nearly the whole state: it is small.
 * @throws DevnetError `devnet.unknown_block` or `devnet.state_pruned`
 */
export function answerLightRequest(view: PeerView, request: LightRequest): Bytes {
  const block = view.blockByHash(request.blockHash);
  if (block === undefined)
    throw new DevnetError('devnet.unknown_block', 'a proof at a block that is not known');
  const trie = view.trieAt(block);
  const proof = request.kind === 'call' ? trie.proofOfAll() : trie.proofOfKeys(request.keys);
  const field = request.kind === 'call' ? RESPONSE.remoteCall : RESPONSE.remoteRead;
  return encodeBytesField(field, encodeBytesField(PROOF, view.present(proof)));
}

function required(bytes: Bytes | undefined): Bytes {
  if (bytes === undefined) throw new DevnetError('devnet.bad_input', 'a light request without a block hash');
  return bytes;
}
