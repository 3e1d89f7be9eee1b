// What the JSON-RPC server says instead of the truth. No I/O: from the chain and a message to another message.
import { decodeAddress } from '@polkadot/util-crypto';
import { type Block } from '../chain/block.ts';
import { type Chain } from '../chain/chain.ts';
import { type Bytes, fromHex, toHex } from '../encoding/bytes.ts';
import { decodeUint, encodeUint } from '../encoding/scale.ts';
import { get } from '../storage/state.ts';
import { systemAccount } from '../storage/storage-keys.ts';
import {
  isObject,
  type Json,
  jsonHeader,
  type JsonRpcNotification,
  type JsonRpcRequest,
} from './json-rpc.ts';
import { type SubmissionErrorCode } from './rpc-faults.ts';

/** What nodes say with each code (sc-rpc-api, author/error.rs). */
const REFUSALS: Readonly<Record<SubmissionErrorCode, { message: string; data: string }>> = {
  1010: { message: 'Invalid Transaction', data: 'Transaction is outdated' },
  1011: { message: 'Unknown Transaction Validity', data: 'Could not determine the validity' },
  1012: { message: 'Transaction is temporarily banned', data: 'The transaction was removed from the pool' },
  1013: { message: 'Transaction Already Imported', data: 'The transaction is in the pool' },
  1014: {
    message: 'Priority is too low: (0 vs 0)',
    data: 'A transaction with the same nonce is in the pool',
  },
  1015: { message: 'Cycle Detected', data: 'The transactions require each other' },
  1016: { message: 'Immediately Dropped', data: 'The transaction could not enter the pool: it is full' },
};

export function refusal(code: SubmissionErrorCode): Json {
  return { code, ...REFUSALS[code] };
}

/** Where each function takes the block that it is asked about: the position of that parameter. */
const BLOCK_PARAMETER: Readonly<Record<string, number>> = {
  chain_getBlock: 0,
  chain_getHeader: 0,
  chain_getRuntimeVersion: 0,
  state_getMetadata: 0,
  state_getRuntimeVersion: 0,
  state_getStorage: 1,
  state_getStorageHash: 1,
  state_getStorageSize: 1,
  state_queryStorageAt: 1,
  state_getKeys: 1,
  state_getKeysPaged: 3,
  state_call: 2,
  payment_queryInfo: 1,
  payment_queryFeeDetails: 1,
};

/** The same question, asked about this block when it was asked about none. */
export function askAbout(request: JsonRpcRequest, block: Block): JsonRpcRequest {
  const position = BLOCK_PARAMETER[request.method];
  if (position === undefined || (request.params[position] ?? null) !== null) return request;
  const before = Array.from({ length: position }, (_, index) => request.params[index] ?? null);
  return { ...request, params: [...before, toHex(block.hash)] };
}

/** So many blocks before the one given, on the best chain; genesis at the least. */
export function before(chain: Chain, { number }: Block, blocks: number): Block {
  return chain.blockByNumber(Math.max(0, number - blocks)) ?? chain.genesis;
}

const HEADS: ReadonlySet<string> = new Set(['chain_newHead', 'chain_allHead', 'chain_finalizedHead']);

/** The notification of a head that stands so many blocks before this one; undefined when it is about no head. */
export function olderHead(
  chain: Chain,
  notification: JsonRpcNotification,
  blocks: number,
): JsonRpcNotification | undefined {
  const { method, result } = notification;
  if (!HEADS.has(method) || !isObject(result)) return undefined;
  const block = chain.blockByNumber(Math.max(0, Number(result['number']) - blocks));
  return block && { ...notification, result: jsonHeader(block) };
}

/** The answers of a server whose best block is `best`, where they do not come from the state. */
export function answerAsOf(
  chain: Chain,
  best: Block,
  lag: number,
  request: JsonRpcRequest,
): Json | undefined {
  const [first = null] = request.params;
  switch (request.method) {
    case 'chain_getFinalizedHead':
    case 'chain_getFinalisedHead':
      return toHex(before(chain, chain.finalized, lag).hash);
    case 'chain_getBlockHash':
    case 'chain_getHead':
      return hashAt(chain, best, first);
    case 'system_accountNextIndex':
    case 'account_nextIndex':
      return typeof first === 'string' ? nonceAt(chain, best, first) : undefined;
    default:
      return undefined;
  }
}

function hashAt(chain: Chain, best: Block, number: Json): Json | undefined {
  if (number === null) return toHex(best.hash);
  if (typeof number !== 'number' && typeof number !== 'string') return undefined;
  const block = Number(number) <= best.number ? chain.blockByNumber(Number(number)) : undefined;
  return block === undefined ? null : toHex(block.hash);
}

function nonceAt(chain: Chain, block: Block, address: string): number {
  const account = get(chain.stateAt(block), systemAccount(decodeAddress(address)));
  return account === undefined ? 0 : Number(decodeUint(account.subarray(0, NONCE_BYTES)));
}

const NONCE_BYTES = 4;
/** `twox128("System") ++ twox128("Account")` */
const ACCOUNT_PREFIX = toHex(systemAccount(new Uint8Array(0)).subarray(0, 32));

/** The answer to a request with another nonce in it, wherever the legacy functions tell one. */
export function withNonceOff({ method, params }: JsonRpcRequest, result: Json, by: number): Json {
  switch (method) {
    case 'system_accountNextIndex':
    case 'account_nextIndex':
      return typeof result === 'number' ? Math.max(0, result + by) : result;
    case 'state_getStorage':
      return shiftAccount(params[0] ?? null, result, by);
    case 'state_queryStorageAt':
      return Array.isArray(result) ? result.map((changes: Json) => shiftChanges(changes, by)) : result;
    case 'state_call':
      return params[0] === 'AccountNonceApi_account_nonce' ? shiftNonce(result, by) : result;
    default:
      return result;
  }
}

/** `StorageChangeSet`, of a query or of a notification. */
export function shiftChanges(changeSet: Json, by: number): Json {
  if (!isObject(changeSet) || !Array.isArray(changeSet['changes'])) return changeSet;
  const changes = changeSet['changes'].map((change: Json) =>
    Array.isArray(change)
      ? [change[0] as Json, shiftAccount(change[0] as Json, change[1] as Json, by)]
      : change,
  );
  return { ...changeSet, changes };
}

function shiftAccount(key: Json, value: Json, by: number): Json {
  return typeof key === 'string' && key.startsWith(ACCOUNT_PREFIX) ? shiftNonce(value, by) : value;
}

/** A nonce is the first field of an account, little-endian. */
function shiftNonce(value: Json, by: number): Json {
  if (typeof value !== 'string') return value;
  const bytes: Bytes = fromHex(value);
  if (bytes.length < NONCE_BYTES) return value;
  const nonce = Math.max(0, Number(decodeUint(bytes.subarray(0, NONCE_BYTES))) + by);
  return toHex(Buffer.concat([encodeUint(nonce, NONCE_BYTES), bytes.subarray(NONCE_BYTES)]));
}

/** Half of a text. */
export function garble(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}

/** The same object with one more member, so that the text has this many bytes at least. */
export function padTo(text: string, bytes: number): string {
  const missing = bytes - Buffer.byteLength(text) - ',"padding":""'.length;
  return missing > 0 && text.endsWith('}')
    ? `${text.slice(0, -1)},"padding":"${'x'.repeat(missing)}"}`
    : text;
}
