import { ApiPromise } from '@polkadot/api';
import type { Codec } from '@polkadot/types/types';
import { type Hex, bytesToHex, hexToBytes } from '../anchor-evidence.ts';
import { ChainError } from '../errors.ts';
import type {
  AccountFacts,
  BlockRef,
  ChainFacts,
  GatewayEvent,
  Located,
  OperationParams,
  OperationResult,
  PreparedExtrinsic,
} from '../protocol.ts';
import { BlockReader } from './block-reader.ts';
import { FinalizedHeads } from './finalized-heads.ts';
import { type FinalizedChain, ancestorHash, locateExtrinsic } from './locate.ts';
import { type ChainLink, JsonRpcError } from './link.ts';
import { TransactionWatch } from './transaction-watch.ts';

/** Mortality: long enough for several blocks to be missed, short enough to learn soon that an extrinsic cannot come. */
const ERA_PERIOD = 64;
const EXTRINSIC_FORMAT = 4;
const ZERO_HASH = `0x${'00'.repeat(32)}`;

/** A chain that has told its metadata and a finalized head. All questions go to the given link. */
export class Chain implements FinalizedChain {
  readonly via: ChainLink['via'];
  readonly genesisHash: Hex;
  readonly blocks: BlockReader;
  readonly #link: ChainLink;
  readonly #api: ApiPromise;
  readonly #watch: TransactionWatch;
  readonly #heads: FinalizedHeads;

  private constructor(
    link: ChainLink,
    api: ApiPromise,
    heads: FinalizedHeads,
    emit: (event: GatewayEvent) => void,
  ) {
    this.via = link.via;
    this.#link = link;
    this.#api = api;
    this.#heads = heads;
    this.genesisHash = api.genesisHash.toHex();
    this.blocks = new BlockReader((method, params) => link.provider.send<unknown>(method, [...params]));
    this.#watch = new TransactionWatch(link.provider, this.blocks, emit);
  }

  /** Resolves once the metadata is loaded and a finalized head is known; from then on emits `finalized` events. */
  static async open(link: ChainLink, emit: (event: GatewayEvent) => void): Promise<Chain> {
    const api = await ApiPromise.create({ provider: link.provider, noInitWarn: true, throwOnConnect: true });
    const heads = await FinalizedHeads.follow(link.provider, (block) => emit({ type: 'finalized', block }));
    return new Chain(link, api, heads, emit);
  }

  /** Throws `chain.call_missing` when the runtime has no System.remark_with_event. */
  facts(): ChainFacts {
    const { runtimeVersion, registry } = this.#api;
    const call = this.#remark(new Uint8Array(0)).callIndex;
    const symbol = registry.chainTokens[0];
    const decimals = registry.chainDecimals[0];
    return {
      genesisHash: this.genesisHash,
      specName: runtimeVersion.specName.toString(),
      specVersion: runtimeVersion.specVersion.toNumber(),
      transactionVersion: runtimeVersion.transactionVersion.toNumber(),
      ss58Format: registry.chainSS58 ?? null,
      token: symbol === undefined || decimals === undefined ? null : { symbol, decimals },
      signedExtensions: [...registry.signedExtensions],
      remarkCallIndex: [call[0] as number, call[1] as number],
    };
  }

  /** Nonce and balance at the newest finalized block. */
  async account({ publicKey }: OperationParams<'account'>): Promise<AccountFacts> {
    const finalized = this.#heads.latest;
    const entry = this.#api.query.system?.account;
    if (entry === undefined) throw missing('storage System.Account');
    const raw = await this.#storage(entry.key(hexToBytes(publicKey)), finalized.hash);
    if (raw === null) return { finalized, nonce: 0, free: '0' };
    const type = this.#api.registry.createLookupType(entry.creator.meta.type.asMap.value);
    const account = this.#api.registry.createTypeUnsafe(type, [raw]) as unknown as {
      nonce: Codec;
      data: { free: Codec };
    };
    return { finalized, nonce: Number(account.nonce.toString()), free: account.data.free.toString() };
  }

  prepare({ remark, nonce, birth }: OperationParams<'prepare'>): PreparedExtrinsic {
    const { registry, runtimeVersion } = this.#api;
    const era = registry.createTypeUnsafe('ExtrinsicEra', [{ current: birth.number, period: ERA_PERIOD }]);
    const mortal = era as unknown as { asMortalEra: { birth(n: number): number; death(n: number): number } };
    const fields: PreparedExtrinsic['fields'] = {
      genesisHash: this.genesisHash,
      specVersion: runtimeVersion.specVersion.toNumber(),
      transactionVersion: runtimeVersion.transactionVersion.toNumber(),
      nonce,
      era: bytesToHex(era.toU8a()),
      birth: { number: mortal.asMortalEra.birth(birth.number), hash: birth.hash },
      deathNumber: mortal.asMortalEra.death(birth.number),
      tip: '0',
      signedExtensions: [...registry.signedExtensions],
    };
    const payload = this.#payload(remark, fields).toU8a({ method: true });
    return { fields, payload: bytesToHex(payload) };
  }

  assemble({
    publicKey,
    remark,
    fields,
    signature,
  }: OperationParams<'assemble'>): OperationResult<'assemble'> {
    const call = this.#remark(hexToBytes(remark));
    const extrinsic = this.#api.registry.createTypeUnsafe('Extrinsic', [call, { version: EXTRINSIC_FORMAT }]);
    const multiSignature = new Uint8Array([0, ...hexToBytes(signature)]); // variant 0 is Ed25519
    (extrinsic as unknown as { addSignature(a: Uint8Array, s: Uint8Array, p: unknown): void }).addSignature(
      hexToBytes(publicKey),
      multiSignature,
      this.#payload(remark, fields).toHex(),
    );
    return { extrinsic: bytesToHex(extrinsic.toU8a()) };
  }

  submit({ extrinsic, watch }: OperationParams<'submit'>): Promise<void> {
    return this.#watch.submit(extrinsic, watch);
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
    const entry = this.#api.query.system?.blockHash;
    if (entry !== undefined) {
      const raw = await this.#storage(entry.key(number), finalized.hash);
      if (raw !== null && raw.length === ZERO_HASH.length && raw !== ZERO_HASH) return raw;
    }
    if (this.via === 'light-client') return undefined;
    const hash = await this.#link.provider.send<unknown>('chain_getBlockHash', [number]);
    if (typeof hash !== 'string' || !/^0x[0-9a-f]{64}$/.test(hash)) return undefined;
    const header = await this.blocks.header(hash as Hex);
    return header.number === number ? header.hash : undefined;
  }

  async #storage(key: string, at: Hex): Promise<Hex | null> {
    const value = await this.#link.provider.send<unknown>('state_getStorage', [key, at]);
    if (value === null || value === undefined) return null;
    if (typeof value === 'string' && /^0x(?:[0-9a-f]{2})*$/.test(value)) return value as Hex;
    throw new ChainError('chain.bad_answer', 'a storage value that is not hex');
  }

  #remark(bytes: Uint8Array) {
    const call = this.#api.tx.system?.remarkWithEvent;
    if (call === undefined) throw missing('call System.remark_with_event');
    return call(bytesToHex(bytes)).method;
  }

  #payload(remark: string, fields: PreparedExtrinsic['fields']) {
    const value = {
      ...fields,
      method: this.#remark(hexToBytes(remark)).toHex(),
      blockHash: fields.birth.hash,
      assetId: null,
      mode: 0,
      metadataHash: null,
    };
    return this.#api.registry.createTypeUnsafe('ExtrinsicPayload', [
      value,
      { version: EXTRINSIC_FORMAT },
    ]) as {
      toU8a(bare: { method: boolean }): Uint8Array;
      toHex(): Hex;
    };
  }
}

function missing(what: string): ChainError {
  return new ChainError('chain.call_missing', `the chain's runtime has no ${what}`, {
    remedy: 'operator',
    hint: 'Use a chain whose System pallet has it, or configure another call.',
  });
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
