// JSON-RPC 2.0 as far as a server in the middle has to read it, and the values of the legacy functions that it makes up.
import { type Block, decodeHeader } from '../chain/block.ts';
import { type Hex, toHex } from '../encoding/bytes.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface JsonRpcRequest {
  readonly id: Json;
  readonly method: string;
  readonly params: readonly Json[];
}

export interface JsonRpcAnswer {
  readonly id: Json;
  readonly result?: Json;
  readonly error?: Json;
}

export interface JsonRpcNotification {
  readonly method: string;
  readonly subscription: string;
  readonly result: Json;
}

/** What can be read as one request with positional parameters; anything else is undefined. */
export function readRequest(text: string): JsonRpcRequest | undefined {
  const object = readObject(text);
  if (object === undefined) return undefined;
  const { id = null, method, params = [] } = object;
  return typeof method === 'string' && Array.isArray(params) ? { id, method, params } : undefined;
}

export type FromServer =
  | { readonly kind: 'answer'; readonly answer: JsonRpcAnswer }
  | { readonly kind: 'notification'; readonly notification: JsonRpcNotification };

export function readFromServer(text: string): FromServer | undefined {
  const object = readObject(text);
  if (object === undefined) return undefined;
  const { id, method, params } = object;
  if (typeof method !== 'string') {
    return id === undefined ? undefined : { kind: 'answer', answer: { ...object, id } };
  }
  if (!isObject(params)) return undefined;
  const { subscription, result = null } = params;
  if (typeof subscription !== 'string' && typeof subscription !== 'number') return undefined;
  return { kind: 'notification', notification: { method, subscription: String(subscription), result } };
}

export function writeRequest({ id, method, params }: JsonRpcRequest): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

export function writeAnswer(answer: JsonRpcAnswer): string {
  return JSON.stringify({ jsonrpc: '2.0', ...answer });
}

export function writeNotification({ method, subscription, result }: JsonRpcNotification): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params: { subscription, result } });
}

/** `Header` as the legacy functions tell it. */
export function jsonHeader({ header }: Block): { readonly [key: string]: Json } {
  const { parentHash, number, stateRoot, extrinsicsRoot, digest } = decodeHeader(header);
  return {
    parentHash: toHex(parentHash),
    number: `0x${number.toString(16)}`,
    stateRoot: toHex(stateRoot),
    extrinsicsRoot: toHex(extrinsicsRoot),
    digest: { logs: digest.map((item): Hex => toHex(item)) },
  };
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readObject(text: string): { readonly [key: string]: Json } | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
