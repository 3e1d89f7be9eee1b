// `/light/2`: proofs of storage and of runtime calls (light.v1.proto of sc-network-light).
import { type RuntimeCall } from '../chain/runtime.ts';
import { type Bytes, EMPTY } from '../encoding/bytes.ts';
import { encodeBytesField, ProtobufMessage } from '../encoding/protobuf.ts';
import { DevnetError } from '../errors.ts';
import { type PeerView } from './view.ts';

const REQUEST = { remoteCall: 1, remoteRead: 2 };
const CALL = { blockHash: 2, method: 3, data: 4 };
const READ = { blockHash: 2, keys: 3 };
const RESPONSE = { remoteCall: 1, remoteRead: 2 };
const PROOF = 2;

export type LightRequest =
  | { readonly kind: 'call'; readonly blockHash: Bytes; readonly call: RuntimeCall }
  | { readonly kind: 'read'; readonly blockHash: Bytes; readonly keys: readonly Bytes[] };

/** @throws DevnetError `devnet.bad_input` or `devnet.unsupported` (child tries) */
export function decodeLightRequest(request: Bytes): LightRequest {
  const message = new ProtobufMessage(request);
  const call = message.bytes(REQUEST.remoteCall);
  if (call !== undefined) {
    const inner = new ProtobufMessage(call);
    return {
      kind: 'call',
      blockHash: required(inner.bytes(CALL.blockHash)),
      call: {
        method: new TextDecoder().decode(required(inner.bytes(CALL.method))),
        argument: inner.bytes(CALL.data) ?? EMPTY,
      },
    };
  }
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
 * The proof for a request: the values asked for, or what the call read. Without a proof when there is none: the block is
 * not known, its state no longer kept, or the call fails; as light_client_requests of sc-network-light answers.
 */
export async function answerLightRequest(
  view: PeerView,
  request: LightRequest,
  onUnanswerable: (reason: DevnetError) => void,
): Promise<Bytes> {
  const field = request.kind === 'call' ? RESPONSE.remoteCall : RESPONSE.remoteRead;
  try {
    return encodeBytesField(field, encodeBytesField(PROOF, view.present(await prove(view, request))));
  } catch (thrown) {
    if (!(thrown instanceof DevnetError)) throw thrown;
    onUnanswerable(thrown);
    return encodeBytesField(field, EMPTY);
  }
}

async function prove(view: PeerView, request: LightRequest): Promise<Bytes> {
  const block = view.blockByHash(request.blockHash);
  if (block === undefined)
    throw new DevnetError('devnet.unknown_block', 'a proof at a block that is not known');
  return request.kind === 'call'
    ? await view.proofOfCall(block, request.call)
    : view.trieAt(block).proofOfKeys(request.keys);
}

function required(bytes: Bytes | undefined): Bytes {
  if (bytes === undefined) throw new DevnetError('devnet.bad_input', 'a light request that lacks a field');
  return bytes;
}
