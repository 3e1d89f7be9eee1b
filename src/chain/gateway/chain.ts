import { ApiPromise } from '@polkadot/api';
import type { Codec } from '@polkadot/types/types';
import { type Hex, bytesToHex, hexToBytes } from '../anchor-evidence.ts';
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
import { BlockReader } from './block-reader.ts';
import { type CallMetadata, findCall, remarkIndex } from './find-call.ts';
import { FinalizedHeads } from './finalized-heads.ts';
import { type FinalizedChain, ancestorHash, locateExtrinsic } from './locate.ts';
import { type ChainLink, JsonRpcError } from './link.ts';
import { TransactionWatch } from './transaction-watch.ts';

/** Mortality: long enough for several blocks to be missed, short enough to learn soon that an extrinsic cannot come. */
const ERA_PERIOD = 64;
const EXTRINSIC_FORMAT = 4;
interface Weight {
  readonly refTime?: Codec;
  readonly proofSize?: Codec;
}
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
  readonly #call: CallName | null;

  private constructor(
    link: ChainLink,
    call: CallName | null,
    api: ApiPromise,
    heads: FinalizedHeads,
    emit: (event: GatewayEvent) => void,
  ) {
    this.via = link.via;
    this.#link = link;
    this.#call = call;
    this.#api = api;
    this.#heads = heads;
    this.genesisHash = api.genesisHash.toHex();
    this.blocks = new BlockReader((method, params) => link.provider.send<unknown>(method, [...params]));
    this.#watch = new TransactionWatch(link.provider, this.blocks, emit);
  }

  /** Resolves once the metadata is loaded and a finalized head is known; from then on emits `finalized` events. */
  static async open(
    link: ChainLink,
    call: CallName | null,
    emit: (event: GatewayEvent) => void,
  ): Promise<Chain> {
    const api = await ApiPromise.create({ provider: link.provider, noInitWarn: true, throwOnConnect: true });
    const heads = await FinalizedHeads.follow(link.provider, (block) => emit({ type: 'finalized', block }));
    return new Chain(link, call, api, heads, emit);
  }

  /** Throws `chain.call_missing` when the runtime has no such call. */
  facts(): ChainFacts {
    const { runtimeVersion, registry } = this.#api;
    const remark = remarkIndex(this.#metadata);
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
      call: this.#call && findCall(this.#metadata, this.#call),
      remark: remark && { index: [...remark] },
      limits: this.#limits(),
      existentialDeposit: this.#api.consts.balances?.existentialDeposit?.toString() ?? null,
    };
  }

  #limits(): ChainFacts['limits'] {
    const system = this.#api.consts.system;
    // The types of constants are the chain's; these two are FRAME's and carry what is read here on every chain known.
    const length = system?.blockLength as unknown as { max: { normal: Codec } } | undefined;
    const weights = system?.blockWeights as unknown as
      { perClass: { normal: { maxExtrinsic: { unwrapOr(none: null): Weight | null } } } } | undefined;
    const weight = weights?.perClass.normal.maxExtrinsic.unwrapOr(null);
    return {
      extrinsicBytes: length === undefined ? null : Number(length.max.normal.toString()),
      refTime: weight?.refTime?.toString() ?? null,
      proofSize: weight?.proofSize?.toString() ?? null,
    };
  }

  get #metadata(): CallMetadata {
    const { pallets, lookup } = this.#api.runtimeMetadata.asLatest;
    return { pallets, lookup };
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

  prepare({ call, nonce, birth }: OperationParams<'prepare'>): PreparedExtrinsic {
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
      metadataHash: null,
    };
    const payload = this.#payload(call, fields).toU8a({ method: true });
    return { fields, payload: bytesToHex(payload) };
  }

  assemble({ publicKey, call, fields, signature }: OperationParams<'assemble'>): OperationResult<'assemble'> {
    const method = this.#decodeCall(call);
    const extrinsic = this.#api.registry.createTypeUnsafe('Extrinsic', [
      method,
      { version: EXTRINSIC_FORMAT },
    ]);
    const multiSignature = new Uint8Array([0, ...hexToBytes(signature)]); // variant 0 is Ed25519
    (extrinsic as unknown as { addSignature(a: Uint8Array, s: Uint8Array, p: unknown): void }).addSignature(
      hexToBytes(publicKey),
      multiSignature,
      this.#payload(call, fields).toHex(),
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

  /** The bytes as one call of this chain, to the last byte. Throws `chain.call_mismatch`. */
  #decodeCall(call: Hex): Codec {
    let decoded: Codec;
    try {
      decoded = this.#api.registry.createTypeUnsafe('Call', [hexToBytes(call)]);
    } catch (cause) {
      throw mismatch(cause instanceof Error ? cause.message : String(cause));
    }
    if (decoded.toHex() !== call) throw mismatch('other bytes come back');
    return decoded;
  }

  #payload(call: Hex, fields: PreparedExtrinsic['fields']) {
    const value = {
      ...fields,
      method: this.#decodeCall(call).toHex(),
      blockHash: fields.birth.hash,
      assetId: null,
      mode: fields.metadataHash === null ? 0 : 1,
      metadataHash: fields.metadataHash,
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

function mismatch(why: string): ChainError {
  return new ChainError('chain.call_mismatch', `the chain's metadata do not read the call's bytes: ${why}`, {
    remedy: 'operator',
    hint: 'The call has changed with the runtime: compare chain.pallet with what the chain offers.',
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
