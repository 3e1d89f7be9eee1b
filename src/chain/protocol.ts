import * as v from 'valibot';
import { anchorEvidenceSchema, hexSchema } from './anchor-evidence.ts';
import { CHAIN_ERROR_CODES } from './errors.ts';

/**
 * What core and gateway say to each other over the IPC channel, one JSON message at a time. Both sides validate what they
 * receive. The version changes when an older peer could misunderstand; core and gateway are built together, so a mismatch
 * means a broken installation and is an error, never negotiated.
 */
export const PROTOCOL_VERSION = 1;

/** Upper bound of a free text that crosses the channel (log lines, error messages); longer ones are cut by the sender. */
export const MAX_TEXT = 2_000;
const MAX_EXTRINSIC_BYTES = 64 * 1024;

const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const name = v.pipe(v.string(), v.maxLength(128));
const u32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const hash32 = v.pipe(hexSchema(32), v.length(66));
const extrinsic = hexSchema(MAX_EXTRINSIC_BYTES);
const block = v.strictObject({ number: u32, hash: hash32 });
const filePath = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

export type BlockRef = Readonly<v.InferOutput<typeof block>>;

export const transportSchema = v.variant('transport', [
  v.strictObject({ transport: v.literal('light-client'), relaySpec: filePath, paraSpec: filePath }),
  v.strictObject({ transport: v.literal('rpc'), url: v.pipe(v.string(), v.maxLength(2048)) }),
]);
/** The way to the chain: a light client with the chain specs' file paths, or a node's WebSocket URL. */
export type ChainTransport = Readonly<v.InferOutput<typeof transportSchema>>;

const chainFacts = v.strictObject({
  genesisHash: hash32,
  specName: name,
  specVersion: u32,
  transactionVersion: u32,
  ss58Format: v.nullable(u32),
  token: v.nullable(v.strictObject({ symbol: name, decimals: u32 })),
  /** Names of the chain's signed extensions, in the order in which they are encoded. */
  signedExtensions: v.pipe(v.array(name), v.maxLength(64)),
  /** Pallet and call index of System.remark_with_event in the chain's own metadata. */
  remarkCallIndex: v.tuple([u32, u32]),
});
export type ChainFacts = Readonly<v.InferOutput<typeof chainFacts>>;

const accountFacts = v.strictObject({
  /** The finalized block at which the account was read. */
  finalized: block,
  nonce: u32,
  /** Free balance in the chain's smallest unit, a decimal integer. */
  free: v.pipe(v.string(), v.maxLength(40), v.regex(/^\d+$/)),
});
export type AccountFacts = Readonly<v.InferOutput<typeof accountFacts>>;

/** Everything besides the call that a signature of an extrinsic (format 4) covers. */
const signingFields = v.strictObject({
  genesisHash: hash32,
  specVersion: u32,
  transactionVersion: u32,
  nonce: u32,
  /** Mortal era as encoded, two bytes. */
  era: v.pipe(hexSchema(2), v.length(6)),
  /** First block of the era; its hash is signed. The extrinsic can be in blocks `number + 1` to `deathNumber - 1`. */
  birth: block,
  deathNumber: u32,
  tip: v.literal('0'),
  signedExtensions: v.pipe(v.array(name), v.maxLength(64)),
});
export type SigningFields = Readonly<v.InferOutput<typeof signingFields>>;

const prepared = v.strictObject({
  fields: signingFields,
  /** The bytes to sign; when longer than 256, their blake2b-256 is signed instead. */
  payload: extrinsic,
});
export type PreparedExtrinsic = Readonly<v.InferOutput<typeof prepared>>;

const located = v.variant('outcome', [
  v.strictObject({
    outcome: v.literal('found'),
    evidence: v.omit(anchorEvidenceSchema, ['checkpoint', 'size']),
  }),
  /** Every block from `from` to `to` was looked at. */
  v.strictObject({ outcome: v.literal('absent'), from: u32, to: u32 }),
  /** The blocks concerned are too old for this way to the chain. */
  v.strictObject({ outcome: v.literal('out-of-reach'), why: text }),
]);
export type Located = Readonly<v.InferOutput<typeof located>>;

const SECOND = 1_000;

/** Each operation: what it takes, what it gives, and how long the core waits for it. */
export const OPERATIONS = {
  /** Starts the link and resolves once the chain's metadata is loaded and a finalized head is known. */
  connect: {
    params: v.strictObject({ transport: transportSchema }),
    result: chainFacts,
    timeoutMs: 180 * SECOND,
  },
  account: { params: v.strictObject({ publicKey: hash32 }), result: accountFacts, timeoutMs: 30 * SECOND },
  /** Builds the signing payload of `system.remark_with_event(remark)`, mortal, born at the given finalized block. */
  prepare: {
    params: v.strictObject({ publicKey: hash32, remark: hexSchema(8 * 1024), nonce: u32, birth: block }),
    result: prepared,
    timeoutMs: 30 * SECOND,
  },
  assemble: {
    params: v.strictObject({
      publicKey: hash32,
      remark: hexSchema(8 * 1024),
      fields: signingFields,
      signature: v.pipe(hexSchema(64), v.length(130)),
    }),
    result: v.strictObject({ extrinsic }),
    timeoutMs: 30 * SECOND,
  },
  /** Hands the extrinsic to the network. What becomes of it is told by `transaction` events with the same `watch`. */
  submit: {
    params: v.strictObject({ extrinsic, watch: u32 }),
    result: v.strictObject({ accepted: v.literal(true) }),
    timeoutMs: 30 * SECOND,
  },
  /** Looks for an extrinsic in the finalized blocks after `afterNumber` up to `upTo`; `hint` is looked at first. */
  locate: {
    params: v.strictObject({
      extrinsic,
      afterNumber: u32,
      beforeNumber: u32,
      finalized: block,
      hint: v.nullable(hash32),
    }),
    result: located,
    timeoutMs: 240 * SECOND,
  },
  /** Whether a block is in the finalized chain, as far as this way to the chain can tell. */
  checkBlock: {
    params: v.strictObject({ block }),
    result: v.strictObject({
      verdict: v.picklist(['final', 'not-final-yet', 'not-canonical', 'unknown']),
      finalized: block,
    }),
    timeoutMs: 60 * SECOND,
  },
} as const;

export type OperationName = keyof typeof OPERATIONS;
export type OperationParams<O extends OperationName> = v.InferOutput<(typeof OPERATIONS)[O]['params']>;
export type OperationResult<O extends OperationName> = v.InferOutput<(typeof OPERATIONS)[O]['result']>;

const event = v.variant('type', [
  v.strictObject({
    type: v.literal('log'),
    level: v.picklist(['debug', 'info', 'warning', 'error']),
    source: name,
    message: text,
  }),
  v.strictObject({ type: v.literal('finalized'), block }),
  v.strictObject({ type: v.literal('peers'), count: u32 }),
  /** The link is gone for good: this gateway is of no more use. */
  v.strictObject({ type: v.literal('link-lost'), why: text }),
  v.strictObject({
    type: v.literal('transaction'),
    watch: u32,
    status: v.picklist(['pending', 'in-block', 'retracted', 'finalized', 'dropped']),
    block: v.nullable(block),
    detail: text,
  }),
]);
export type GatewayEvent = Readonly<v.InferOutput<typeof event>>;

const failure = v.strictObject({
  code: v.picklist(CHAIN_ERROR_CODES),
  message: text,
  remedy: v.picklist(['retry', 'degrade', 'operator', 'halt']),
  effect: v.picklist(['none', 'done', 'unknown']),
  hint: v.nullable(text),
});
export type GatewayFailure = Readonly<v.InferOutput<typeof failure>>;

const version = v.literal(PROTOCOL_VERSION);
const id = u32;

export const gatewayMessageSchema = v.variant('kind', [
  v.strictObject({ v: version, kind: v.literal('ready') }),
  v.strictObject({ v: version, kind: v.literal('heartbeat'), rssBytes: v.pipe(v.number(), v.minValue(0)) }),
  v.strictObject({ v: version, kind: v.literal('event'), event }),
  v.strictObject({ v: version, kind: v.literal('result'), id, result: v.unknown() }),
  v.strictObject({ v: version, kind: v.literal('failure'), id, failure }),
]);
export type GatewayMessage = v.InferOutput<typeof gatewayMessageSchema>;

export const coreMessageSchema = v.strictObject({
  v: version,
  kind: v.literal('request'),
  id,
  operation: v.picklist(Object.keys(OPERATIONS) as OperationName[]),
  params: v.unknown(),
});
export type CoreMessage = v.InferOutput<typeof coreMessageSchema>;
