import * as v from 'valibot';
import { ChainError } from '../../errors.ts';
import { JsonRpcError } from '../transport/link.ts';

/** What of a JSON-RPC connection is used here; every request ends. */
export interface HeadSource {
  request(method: string, params: readonly unknown[]): Promise<unknown>;
  /** Resolves with the subscription's name, after which its notifications go to `onEvent`, in order. */
  subscribe(method: string, params: readonly unknown[], onEvent: (event: unknown) => void): Promise<string>;
}

/** A runtime's version, in the form of the legacy `state_getRuntimeVersion`. */
export interface RuntimeVersion {
  readonly specName: string;
  readonly implName: string;
  /** Not told by chainHead, and not signed. */
  readonly authoringVersion: 1;
  readonly specVersion: number;
  readonly implVersion: number;
  readonly transactionVersion: number;
  readonly apis: readonly (readonly [string, number])[];
}

const hash = v.string();
const runtime = v.nullable(
  v.variant('type', [
    v.object({
      type: v.literal('valid'),
      spec: v.object({
        specName: v.string(),
        implName: v.string(),
        specVersion: v.number(),
        implVersion: v.number(),
        transactionVersion: v.number(),
        apis: v.record(v.string(), v.number()),
      }),
    }),
    v.object({ type: v.literal('invalid'), error: v.string() }),
  ]),
);
type ToldRuntime = v.InferOutput<typeof runtime>;

const eventSchema = v.variant('event', [
  v.object({
    event: v.literal('initialized'),
    finalizedBlockHashes: v.pipe(v.array(hash), v.minLength(1)),
    finalizedBlockRuntime: runtime,
  }),
  v.object({
    event: v.literal('newBlock'),
    blockHash: hash,
    parentBlockHash: hash,
    newRuntime: v.optional(runtime, null),
  }),
  v.object({ event: v.literal('bestBlockChanged'), bestBlockHash: hash }),
  v.object({
    event: v.literal('finalized'),
    finalizedBlockHashes: v.pipe(v.array(hash), v.minLength(1)),
    prunedBlockHashes: v.array(hash),
  }),
  v.object({ event: v.literal('operationCallDone'), operationId: v.string(), output: v.string() }),
  v.object({ event: v.literal('operationError'), operationId: v.string(), error: v.string() }),
  v.object({ event: v.literal('operationInaccessible'), operationId: v.string() }),
  v.object({ event: v.literal('stop') }),
]);
type HeadEvent = v.InferOutput<typeof eventSchema>;
type CallOutcome = Extract<HeadEvent, { operationId: string }>;

const startedSchema = v.object({ result: v.literal('started'), operationId: v.string() });

interface Head {
  readonly followId: string;
  readonly runtimes: Map<string, RuntimeVersion | undefined>;
  best: string;
  finalized: string;
}

/** Outcomes that came before the answer that names their operation. */
const MAX_EARLY = 16;

/**
 * The runtime of a chain, and calls of it, by `chainHead_v1_follow` (JSON-RPC specification). smoldot has that runtime
 * compiled; asked through the legacy functions it downloads the code again, about once a block: 600 KB each time on an
 * asset hub of 2022, more on one of today.
 */
export class FollowedRuntime {
  readonly #source: HeadSource;
  readonly #onVersion: (version: RuntimeVersion) => void;
  readonly #timeoutMs: () => number;
  readonly #calls = new Map<string, (outcome: CallOutcome) => void>();
  readonly #early = new Map<string, CallOutcome>();
  #head: Promise<Head> | undefined;
  #current: Head | undefined;
  #told = '';

  /** `onVersion` hears of the best block's runtime: first, and each time it is another one. */
  constructor(
    source: HeadSource,
    timeoutMs: () => number,
    onVersion: (version: RuntimeVersion) => void = () => {},
  ) {
    this.#source = source;
    this.#timeoutMs = timeoutMs;
    this.#onVersion = onVersion;
  }

  /** Resolves when the chain is synced and its runtime is there. Throws `chain.unsupported` when it does not compile. */
  async version(): Promise<RuntimeVersion> {
    const head = await this.#follow();
    return versionAt(head, head.best);
  }

  /** The output of a runtime function, as hex. Undefined: that block is not followed (any more), ask another way. */
  async call(name: string, parameters: string, at?: string): Promise<string | undefined> {
    const head = await this.#follow();
    const block = at ?? head.best;
    if (!head.runtimes.has(block)) return undefined;
    const answer = await this.#source.request('chainHead_v1_call', [head.followId, block, name, parameters]);
    const started = v.safeParse(startedSchema, answer);
    // The light client is at the limit of operations: the caller's other way has none.
    if (!started.success) return undefined;
    return outputOf(name, await this.#outcome(name, started.output.operationId));
  }

  #outcome(name: string, id: string): Promise<CallOutcome> {
    const early = this.#early.get(id);
    this.#early.delete(id);
    if (early !== undefined) return Promise.resolve(early);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(new ChainError('chain.timeout', `the light client did not finish ${name} in time`));
      }, this.#timeoutMs());
      this.#calls.set(id, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  #follow(): Promise<Head> {
    this.#head ??= this.#start().catch((error: unknown) => {
      this.#head = undefined;
      throw error;
    });
    return this.#head;
  }

  #start(): Promise<Head> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new ChainError('chain.timeout', 'the light client has no runtime of the chain yet'));
      }, this.#timeoutMs());
      let followId: string | undefined;
      const first: HeadEvent[] = [];
      const hear = (raw: unknown): void => {
        const parsed = v.safeParse(eventSchema, raw);
        if (!parsed.success) return;
        if (followId === undefined) return void first.push(parsed.output);
        if (parsed.output.event !== 'initialized') return this.#hear(parsed.output);
        clearTimeout(timer);
        this.#current = this.#begin(followId, parsed.output);
        resolve(this.#current);
        this.#tell();
      };
      this.#source.subscribe('chainHead_v1_follow', [true], hear).then(
        (id) => {
          followId = id;
          for (const event of first.splice(0)) hear(event);
        },
        (error: unknown) => {
          clearTimeout(timer);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  #begin(followId: string, event: Extract<HeadEvent, { event: 'initialized' }>): Head {
    const finalized = event.finalizedBlockHashes.at(-1) ?? '';
    this.#unpin(followId, event.finalizedBlockHashes.slice(0, -1));
    const runtimes = new Map([[finalized, versionOf(event.finalizedBlockRuntime)]]);
    return { followId, runtimes, best: finalized, finalized };
  }

  #hear(event: Exclude<HeadEvent, { event: 'initialized' }>): void {
    const head = this.#current;
    if (head === undefined) return;
    switch (event.event) {
      case 'newBlock': {
        const { blockHash, parentBlockHash, newRuntime } = event;
        head.runtimes.set(
          blockHash,
          newRuntime === null ? head.runtimes.get(parentBlockHash) : versionOf(newRuntime),
        );
        return;
      }
      case 'bestBlockChanged':
        head.best = event.bestBlockHash;
        return this.#tell();
      case 'finalized':
        return this.#advance(head, event);
      case 'stop':
        return this.#startAnew();
      default:
        return this.#settle(event);
    }
  }

  /** We were too slow, or the client jumped ahead. No outcome comes any more; who asked may ask again. */
  #startAnew(): void {
    this.#head = this.#current = undefined;
    for (const operationId of [...this.#calls.keys()]) {
      this.#settle({ event: 'operationInaccessible', operationId });
    }
    this.#follow().catch(() => {});
  }

  /** Only the newest final block and what is above it stay pinned. */
  #advance(head: Head, event: Extract<HeadEvent, { event: 'finalized' }>): void {
    const gone = [head.finalized, ...event.finalizedBlockHashes.slice(0, -1), ...event.prunedBlockHashes];
    head.finalized = event.finalizedBlockHashes.at(-1) ?? head.finalized;
    const unpinned = [...new Set(gone)].filter((block) => block !== head.finalized);
    for (const block of unpinned) head.runtimes.delete(block);
    if (!head.runtimes.has(head.best)) head.best = head.finalized;
    this.#unpin(head.followId, unpinned);
  }

  #unpin(followId: string, blocks: readonly string[]): void {
    if (blocks.length === 0) return;
    this.#source.request('chainHead_v1_unpin', [followId, blocks]).catch(() => {});
  }

  #settle(outcome: CallOutcome): void {
    const waiting = this.#calls.get(outcome.operationId);
    this.#calls.delete(outcome.operationId);
    if (waiting !== undefined) return waiting(outcome);
    if (this.#early.size >= MAX_EARLY) this.#early.delete(this.#early.keys().next().value as string);
    this.#early.set(outcome.operationId, outcome);
  }

  #tell(): void {
    const version = this.#current?.runtimes.get(this.#current.best);
    const text = JSON.stringify(version);
    if (version === undefined || text === this.#told) return;
    this.#told = text;
    this.#onVersion(version);
  }
}

function versionOf(told: ToldRuntime): RuntimeVersion | undefined {
  if (told?.type !== 'valid') return undefined;
  const { specName, implName, specVersion, implVersion, transactionVersion, apis } = told.spec;
  return {
    specName,
    implName,
    authoringVersion: 1,
    specVersion,
    implVersion,
    transactionVersion,
    apis: Object.entries(apis),
  };
}

function versionAt(head: Head, block: string): RuntimeVersion {
  const version = head.runtimes.get(block);
  if (version !== undefined) return version;
  throw new ChainError('chain.unsupported', 'the light client cannot run the runtime of this chain', {
    remedy: 'operator',
    hint: 'Use the rpc transport for this chain, or a newer version of this software.',
  });
}

function outputOf(name: string, outcome: CallOutcome): string {
  switch (outcome.event) {
    case 'operationCallDone':
      return outcome.output;
    case 'operationError':
      throw new JsonRpcError(-32000, `${name}: ${outcome.error}`);
    case 'operationInaccessible':
      // The code and words smoldot has for a storage query that nobody could serve.
      throw new JsonRpcError(-32000, `No node available for ${name}`);
  }
}

/** SCALE `Vec<u8>`, as hex, without the compact length before it. */
export function withoutLengthPrefix(bytes: string): string {
  const first = Number.parseInt(bytes.slice(2, 4), 16);
  const mode = first & 0b11;
  const prefixBytes = mode === 3 ? 5 + (first >> 2) : ([1, 2, 4][mode] ?? 0);
  return `0x${bytes.slice(2 + 2 * prefixBytes)}`;
}
