import * as v from 'valibot';
import { argumentEncodingSchema, callIndexSchema, MAX_ARGUMENTS } from './anchor-call.ts';
import { anchorEvidenceSchema, hexSchema } from './anchor-evidence.ts';
import { CHAIN_ERROR_CODES } from './errors.ts';

/**
 * What core and gateway say to each other over a socket pair, one JSON message in a frame (frame.ts) at a time. Both sides validate what they
 * receive. The version changes when an older peer could misunderstand; core and gateway are built together, so a mismatch
 * means a broken installation and is an error, never negotiated.
 */
export const PROTOCOL_VERSION = 3;

/** Upper bound of a free text that crosses the channel (log lines, error messages); longer ones are cut by the sender. */
export const MAX_TEXT = 2_000;
/** Longest extrinsic that crosses the channel. */
export const MAX_EXTRINSIC_BYTES = 64 * 1024;

const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const name = v.pipe(v.string(), v.maxLength(128));
const u32 = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffff_ffff));
const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const hash32 = v.pipe(hexSchema(32), v.length(66));
const extrinsic = hexSchema(MAX_EXTRINSIC_BYTES);
const block = v.strictObject({ number: u32, hash: hash32 });
/** A decimal integer: money in the chain's smallest unit, or weight. */
const amount = v.pipe(v.string(), v.maxLength(40), v.regex(/^\d+$/));
const filePath = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));

export type BlockRef = Readonly<v.InferOutput<typeof block>>;

const bootNodes = v.pipe(v.array(v.pipe(v.string(), v.maxLength(512))), v.maxLength(64));
/** Where the gateway keeps what it can fetch again: the light client's databases, the chain's metadata. */
const stateDirectory = v.exactOptional(filePath);

export const transportSchema = v.variant('transport', [
  v.strictObject({
    transport: v.literal('light-client'),
    /** Left out for a chain of its own, of which `paraSpec` is the spec. */
    relaySpec: v.exactOptional(filePath),
    paraSpec: filePath,
    /** Multiaddresses in place of those in the specs. */
    bootNodes: v.exactOptional(
      v.strictObject({ relay: v.exactOptional(bootNodes), para: v.exactOptional(bootNodes) }),
    ),
    stateDirectory,
  }),
  v.strictObject({
    transport: v.literal('rpc'),
    url: v.pipe(v.string(), v.maxLength(2048)),
    stateDirectory,
  }),
]);
/** The way to the chain: a light client with the chain specs' file paths, or a node's WebSocket URL. */
export type ChainTransport = Readonly<v.InferOutput<typeof transportSchema>>;

const callName = v.strictObject({ pallet: name, name });
/** A call by the names that the chain's metadata have for it: `{ pallet: 'System', name: 'remark_with_event' }`. */
export type CallName = Readonly<v.InferOutput<typeof callName>>;
export const REMARK: CallName = { pallet: 'System', name: 'remark_with_event' };

const chainFacts = v.strictObject({
  genesisHash: hash32,
  specName: name,
  specVersion: u32,
  transactionVersion: u32,
  ss58Format: v.nullable(u32),
  token: v.nullable(v.strictObject({ symbol: name, decimals: u32 })),
  /** Names of the chain's signed extensions, in the order in which they are encoded. */
  signedExtensions: v.pipe(v.array(name), v.maxLength(64)),
  /** The call that `connect` named, as the chain's own metadata have it; null: it named none, or it is missing. */
  call: v.nullable(
    v.strictObject({
      index: callIndexSchema,
      arguments: v.pipe(
        v.array(v.strictObject({ name, encoding: argumentEncodingSchema })),
        v.maxLength(MAX_ARGUMENTS),
      ),
    }),
  ),
  /**
   * Names that the chain has in place of a pallet or call that it has not, those first that resemble it; null: nothing is
   * missing. No failure of `connect`, because what is in flight is resolved without the call.
   */
  missing: v.nullable(
    v.strictObject({
      what: v.picklist(['pallet', 'call']),
      nearest: v.pipe(v.array(name), v.maxLength(16)),
    }),
  ),
  /** System.remark_with_event, whatever call was named; null: the chain has none. */
  remark: v.nullable(v.strictObject({ index: callIndexSchema })),
  /** What one extrinsic of the normal class may take at most; null: the chain does not say. */
  limits: v.strictObject({
    /** Length of the whole extrinsic. What crosses this channel is bounded besides, by MAX_EXTRINSIC_BYTES. */
    extrinsicBytes: v.nullable(u32),
    refTime: v.nullable(amount),
    proofSize: v.nullable(amount),
  }),
  /** An account with less is reaped: so much of the balance pays for nothing. Null: the chain does not say. */
  existentialDeposit: v.nullable(amount),
});
export type ChainFacts = Readonly<v.InferOutput<typeof chainFacts>>;

const accountFacts = v.strictObject({
  /** The finalized block at which the account was read. */
  finalized: block,
  nonce: u32,
  /** Free balance in the chain's smallest unit, a decimal integer. */
  free: amount,
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
  /** Digest of the chain's metadata (RFC-78), signed with mode 1 of CheckMetadataHash; null: mode 0, none is signed. */
  metadataHash: v.nullable(hash32),
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
    /** What the chain knows of it; what was signed, and why, the core knows. */
    evidence: v.omit(anchorEvidenceSchema, [
      'checkpoint',
      'size',
      'call',
      'additionalSigned',
      'finalizedAtMs',
    ]),
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
  /**
   * Starts the link and resolves once the chain's metadata is loaded and a finalized head is known. `call`: the one that
   * will be prepared. Null: none, only questions will be asked.
   */
  connect: {
    params: v.strictObject({ transport: transportSchema, call: v.nullable(callName) }),
    result: chainFacts,
    // A parachain's runtime of 2 MB takes so long at 20 kbit/s; without a peer the gateway itself gives up much sooner.
    timeoutMs: 900 * SECOND,
  },
  /** The facts as they are now: after a `runtime` event. */
  facts: { params: v.strictObject({}), result: chainFacts, timeoutMs: 60 * SECOND },
  account: { params: v.strictObject({ publicKey: hash32 }), result: accountFacts, timeoutMs: 30 * SECOND },
  /**
   * Builds the signing payload of `call` (index and arguments, as the core has encoded them), mortal, born at the given
   * finalized block. `chain.call_mismatch` when the chain's metadata do not read those bytes as one call.
   */
  prepare: {
    params: v.strictObject({ publicKey: hash32, call: extrinsic, nonce: u32, birth: block }),
    result: prepared,
    timeoutMs: 30 * SECOND,
  },
  assemble: {
    params: v.strictObject({
      publicKey: hash32,
      call: extrinsic,
      fields: signingFields,
      signature: v.pipe(hexSchema(64), v.length(130)),
    }),
    result: v.strictObject({ extrinsic }),
    timeoutMs: 30 * SECOND,
  },
  /** What it would cost at the newest block; null: the chain does not say. Its signature need not be a good one. */
  estimate: {
    params: v.strictObject({ extrinsic }),
    result: v.strictObject({
      fee: v.nullable(amount),
      refTime: v.nullable(amount),
      proofSize: v.nullable(amount),
    }),
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
  /**
   * What the runtime made of an included extrinsic, by the events of its block (proved, with the light client). Null: the
   * block's state cannot be had any more, or its events cannot be read.
   */
  outcome: {
    params: v.strictObject({ block, extrinsicIndex: u32 }),
    result: v.strictObject({
      success: v.nullable(v.boolean()),
      /** Paid by the account that signed. */
      fee: v.nullable(amount),
      /** `Assets.NoPermission`, `BadOrigin`, ... */
      error: v.nullable(text),
    }),
    timeoutMs: 60 * SECOND,
  },
  /** Stores what a later light client can begin with, if there is something to store it in. */
  save: {
    params: v.strictObject({}),
    result: v.strictObject({ bytes: natural }),
    timeoutMs: 30 * SECOND,
  },
  /**
   * Something was refused that wrong metadata could be the reason of: who connects next fetches them anew. What then comes
   * out the same is kept for good, so that a refusal with another reason costs one fetch a runtime.
   */
  doubtMetadata: {
    params: v.strictObject({}),
    result: v.strictObject({ doubted: v.boolean() }),
    timeoutMs: 10 * SECOND,
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
  /** How far the link is, told when it changes. Null: not known (yet). */
  v.strictObject({
    type: v.literal('progress'),
    stage: v.picklist(['starting', 'finding-peers', 'syncing', 'loading-runtime', 'ready']),
    peers: v.nullable(u32),
    relayPeers: v.exactOptional(v.nullable(u32)),
    best: v.nullable(u32),
    finalized: v.nullable(u32),
    /** When the finalized block was made, by the chain's own time: milliseconds since 1970. */
    finalizedAtMs: v.nullable(natural),
    /** What the chain's time says of the station's clock; null: nothing is wrong with it, or nothing is known. */
    clock: v.nullable(v.picklist(['behind', 'ahead-or-chain-stalled'])),
  }),
  /** The chain runs another runtime from now on; what `facts` says may have changed. */
  v.strictObject({ type: v.literal('runtime'), specVersion: u32 }),
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
  v.strictObject({
    v: version,
    kind: v.literal('heartbeat'),
    /** For people: nobody is to be killed by what a gateway says. */
    pid: u32,
    rssBytes: natural,
    /** Payload bytes of its sockets since its start. */
    traffic: v.strictObject({ bytesIn: natural, bytesOut: natural }),
  }),
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
