import { type Hex, hexToBytes } from '../anchor-evidence.ts';
import { ChainError } from '../errors.ts';
import type {
  AccountFacts,
  BlockRef,
  CallName,
  ChainFacts,
  GatewayEvent,
  Located,
  OperationParams,
  OperationResult,
  PreparedExtrinsic,
} from '../protocol.ts';
import { BlockReader } from './blocks/block-reader.ts';
import { chainFacts } from './runtime/chain-facts.ts';
import { CurrentRuntime } from './runtime/current-runtime.ts';
import { decodeDispatchInfo, encodeQueryInfo } from './runtime/estimate.ts';
import { assembleExtrinsic, prepareExtrinsic } from './runtime/extrinsic.ts';
import { FinalizedHeads } from './blocks/finalized-heads.ts';
import { type FinalizedChain, ancestorHash, locateExtrinsic } from './blocks/locate.ts';
import { pastOutcome, type PastState } from './blocks/past-outcome.ts';
import { type ChainLink, type GatewayLog, JsonRpcError } from './transport/link.ts';
import { MetadataCache } from './kept/metadata-cache.ts';
import { MetadataHash } from './runtime/metadata-hash.ts';
import type { ChainProperties } from './runtime/runtime.ts';
import { TransactionWatch } from './blocks/transaction-watch.ts';

const ZERO_HASH = `0x${'00'.repeat(32)}`;
const FEE_API = 'TransactionPaymentApi';
/**
 * Substrate's words for `InvalidTransaction::BadProof` (other bytes were signed than the runtime puts together) and
 * `UnknownTransaction::CannotLookup` (it was built without the digest of its metadata).
 */
const BAD_SIGNATURE = /bad (?:signature|proof)|could not lookup/i;
/** A third of the shortest life of an extrinsic. */
const SOON_MS = 120_000;

/** What is needed of the chain besides the link to it. */
export interface ChainOptions {
  /** The call that will be prepared; null: none. */
  readonly call: CallName | null;
  /** Where metadata are kept; undefined: they are not. */
  readonly stateDirectory: string | undefined;
  readonly emit: (event: GatewayEvent) => void;
}

/** A chain that has told its metadata and a finalized head. All questions go to the given link. */
export class Chain implements FinalizedChain {
  readonly via: ChainLink['via'];
  readonly genesisHash: Hex;
  readonly blocks: BlockReader;
  readonly #link: ChainLink;
  readonly #call: CallName | null;
  readonly #runtime: CurrentRuntime;
  readonly #watch: TransactionWatch;
  readonly #heads: FinalizedHeads;
  readonly #metadataHash: MetadataHash;
  #submittedMonoMs = -Infinity;

  private constructor(
    link: ChainLink,
    { call, emit }: ChainOptions,
    known: { genesisHash: Hex; runtime: CurrentRuntime; heads: FinalizedHeads; metadataHash: MetadataHash },
  ) {
    this.via = link.via;
    this.#link = link;
    this.#call = call;
    this.genesisHash = known.genesisHash;
    this.#runtime = known.runtime;
    this.#heads = known.heads;
    this.#metadataHash = known.metadataHash;
    this.blocks = new BlockReader((method, params) => link.provider.send<unknown>(method, [...params]));
    this.#watch = new TransactionWatch(link.provider, this.blocks, (event) => {
      if (event.type === 'transaction' && event.detail === 'invalid') void this.#takeForBadSignature();
      emit(event);
    });
  }

  /**
   * Resolves once the metadata are loaded and a finalized head is known; from then on emits `finalized` events, and
   * `runtime` when the chain is upgraded.
   */
  static async open(link: ChainLink, options: ChainOptions): Promise<Chain> {
    const { emit, stateDirectory } = options;
    const { provider } = link;
    const genesisHash = await provider.send<unknown>('chain_getBlockHash', [0]);
    if (!isHash(genesisHash)) throw new ChainError('chain.bad_answer', 'no genesis hash');
    const log: GatewayLog = (level, source, message) => emit({ type: 'log', level, source, message });
    const cache = new MetadataCache(stateDirectory, link.source, log);
    const properties = asProperties(await provider.send<unknown>('system_properties', []));
    const onUpgrade = ({ specVersion }: { specVersion: number }): void =>
      emit({ type: 'runtime', specVersion });
    const runtime = await CurrentRuntime.follow({ provider, genesisHash, properties, cache, onUpgrade });
    const heads = await FinalizedHeads.follow(provider, (block) => emit({ type: 'finalized', block }));
    const metadataHash = new MetadataHash({ genesisHash, properties, cache, log });
    return new Chain(link, options, { genesisHash, runtime, heads, metadataHash });
  }

  async facts(): Promise<ChainFacts> {
    return chainFacts(await this.#runtime.latest(), this.genesisHash, this.#call);
  }

  /** Nonce and balance at the newest finalized block. */
  async account({ publicKey }: OperationParams<'account'>): Promise<AccountFacts> {
    const finalized = this.#heads.latest;
    const runtime = await this.#runtime.latest();
    const key = runtime.storageKey('System', 'Account', hexToBytes(publicKey));
    if (key === undefined) {
      throw new ChainError('chain.unsupported', 'the chain keeps no System.Account', { remedy: 'operator' });
    }
    const raw = await this.#storage(key, finalized.hash);
    if (raw === null) return { finalized, nonce: 0, free: '0' };
    const account = runtime.decodeStorage('System', 'Account', raw) as unknown as {
      nonce: { toString(): string };
      data: { free: { toString(): string } };
    };
    return { finalized, nonce: Number(account.nonce.toString()), free: account.data.free.toString() };
  }

  async prepare(params: OperationParams<'prepare'>): Promise<PreparedExtrinsic> {
    const runtime = await this.#runtime.latest();
    const metadataHash = await this.#metadataHash.of(runtime);
    return this.#doubting(() => prepareExtrinsic(runtime, this.genesisHash, metadataHash, params));
  }

  async assemble(params: OperationParams<'assemble'>): Promise<OperationResult<'assemble'>> {
    const runtime = await this.#runtime.latest();
    return this.#doubting(() => assembleExtrinsic(runtime, params));
  }

  /** Whether the next gateway fetches metadata that this one may have had from disk. */
  doubtMetadata(): Promise<boolean> {
    return this.#runtime.doubtKept();
  }

  async #doubting<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      if (error instanceof ChainError && error.code === 'chain.call_mismatch') await this.doubtMetadata();
      throw error;
    }
  }

  async estimate({ extrinsic }: OperationParams<'estimate'>): Promise<OperationResult<'estimate'>> {
    const runtime = await this.#runtime.latest();
    const version = runtime.apiVersion(FEE_API);
    if (version === undefined) return { fee: null, refTime: null, proofSize: null };
    const answer = await this.#link.provider.send<unknown>('state_call', [
      `${FEE_API}_query_info`,
      encodeQueryInfo(extrinsic),
    ]);
    if (!isHex(answer)) throw new ChainError('chain.bad_answer', 'what a fee would be is not hex');
    return decodeDispatchInfo(answer, version);
  }

  async outcome(params: OperationParams<'outcome'>): Promise<OperationResult<'outcome'>> {
    const state: PastState = {
      finalizedNumber: this.#heads.latest.number,
      latest: await this.#runtime.latest(),
      runtimeOf: (specVersion) => this.#runtime.earlier(specVersion),
      storage: (key, at) => this.#storage(key, at),
    };
    return pastOutcome(state, params);
  }

  submit({ extrinsic, watch }: OperationParams<'submit'>): Promise<void> {
    this.#submittedMonoMs = performance.now();
    return this.#watch.submit(extrinsic, watch).catch(async (error: unknown) => {
      if (error instanceof ChainError && BAD_SIGNATURE.test(error.message)) await this.#takeForBadSignature();
      throw error;
    });
  }

  /**
   * The chain puts other bytes together than were signed: by other metadata than these, or its digest is another one. What
   * is found invalid late has rather outlived its era.
   */
  async #takeForBadSignature(): Promise<void> {
    if (performance.now() - this.#submittedMonoMs > SOON_MS) return;
    await this.#metadataHash.refused(await this.#runtime.latest());
    await this.doubtMetadata();
  }

  locate(params: OperationParams<'locate'>): Promise<Located> {
    return locateExtrinsic(this, params);
  }

  async checkBlock({ block }: OperationParams<'checkBlock'>): Promise<OperationResult<'checkBlock'>> {
    const finalized = this.#heads.latest;
    if (block.number > finalized.number) return { verdict: 'not-final-yet', finalized };
    const hash = await ancestorHash(this, finalized, block.number);
    if (hash === undefined) return { verdict: 'unknown', finalized };
    return { verdict: hash === block.hash ? 'final' : 'not-canonical', finalized };
  }

  async hashAt(number: number, finalized: BlockRef): Promise<Hex | undefined> {
    const runtime = await this.#runtime.latest();
    const key = runtime.storageKey('System', 'BlockHash', number);
    if (key !== undefined) {
      const raw = await this.#storage(key, finalized.hash);
      if (raw !== null && raw.length === ZERO_HASH.length && raw !== ZERO_HASH) return raw;
    }
    if (this.via === 'light-client') return undefined;
    const hash = await this.#link.provider.send<unknown>('chain_getBlockHash', [number]);
    if (!isHash(hash)) return undefined;
    const header = await this.blocks.header(hash);
    return header.number === number ? header.hash : undefined;
  }

  async #storage(key: string, at: Hex): Promise<Hex | null> {
    const value = await this.#link.provider.send<unknown>('state_getStorage', [key, at]);
    if (value === null || value === undefined) return null;
    if (isHex(value)) return value;
    throw new ChainError('chain.bad_answer', 'a storage value that is not hex');
  }
}

function isHex(value: unknown): value is Hex {
  return typeof value === 'string' && /^0x(?:[0-9a-f]{2})*$/.test(value);
}

function isHash(value: unknown): value is Hex {
  return isHex(value) && value.length === ZERO_HASH.length;
}

function asProperties(value: unknown): ChainProperties {
  return typeof value === 'object' && value !== null ? (value as ChainProperties) : {};
}

/** What a request's failure means for the core. */
export function toChainError(error: unknown): ChainError {
  if (error instanceof ChainError) return error;
  if (error instanceof JsonRpcError) {
    return new ChainError(
      'chain.bad_answer',
      `the chain answered with error ${error.code}: ${error.message}`,
    );
  }
  return new ChainError('chain.bad_answer', error instanceof Error ? error.message : String(error));
}
