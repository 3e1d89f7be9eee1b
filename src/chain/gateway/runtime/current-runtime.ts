import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import * as v from 'valibot';
import { bytesToHex, type Hex, hexToBytes } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import { ScaleReader } from '../../scale.ts';
import type { MetadataCache } from '../kept/metadata-cache.ts';
import { type ChainProperties, Runtime, type RuntimeVersion, runtimeVersionSchema } from './runtime.ts';

export interface RuntimeSource {
  readonly provider: Pick<ProviderInterface, 'send' | 'subscribe'>;
  readonly genesisHash: Hex;
  readonly properties: ChainProperties;
  readonly cache: MetadataCache;
  /** The best block has another runtime now. */
  readonly onUpgrade: (version: RuntimeVersion) => void;
}

const metadataText = v.pipe(v.string(), v.maxLength(16 * 1024 * 1024), v.regex(/^0x(?:[0-9a-f]{2})+$/));

/** The newest format that is read here and that most chains offer; the digest of RFC-78 is made of it. */
const METADATA_VERSION = 15;
/** Blake2b-64 of "Metadata". Its second version brought `metadata_at_version`, in 2023. */
const METADATA_API = '0x37e397fc7c91f5e4';
const METADATA_API_WITH_VERSIONS = 2;

/** The runtime of the best block, followed through upgrades. */
export class CurrentRuntime {
  readonly #source: RuntimeSource;
  #version: RuntimeVersion;
  #loaded: Runtime | undefined;
  #loading: Promise<Runtime> | undefined;
  /** The one before, for blocks that it executed and that are looked at later; read again only when it is asked for. */
  #before: Pick<Runtime, 'version' | 'metadata'> | undefined;

  private constructor(source: RuntimeSource, version: RuntimeVersion) {
    this.#source = source;
    this.#version = version;
  }

  /** Resolves when the first runtime is loaded. Throws `chain.bad_answer`, or what the link throws. */
  static async follow(source: RuntimeSource): Promise<CurrentRuntime> {
    const { provider } = source;
    const version = parseVersion(await provider.send<unknown>('state_getRuntimeVersion', []));
    const current = new CurrentRuntime(source, version);
    await current.latest();
    await provider.subscribe(
      'state_runtimeVersion',
      'state_subscribeRuntimeVersion',
      [],
      (error, told: unknown) => {
        if (error === null) current.#hear(told);
      },
    );
    return current;
  }

  /** After an upgrade: once its metadata are there. A load that failed is tried again by the next who asks. */
  async latest(): Promise<Runtime> {
    for (;;) {
      if (this.#loaded !== undefined && isSame(this.#loaded.version, this.#version)) return this.#loaded;
      this.#loading ??= this.#load(this.#version).finally(() => (this.#loading = undefined));
      const { version, metadata } = this.#loaded ?? {};
      this.#loaded = await this.#loading;
      if (version !== undefined && metadata !== undefined && !isSame(version, this.#loaded.version))
        this.#before = { version, metadata };
    }
  }

  /** The runtime that was there before the present one, if it has that version and was seen by this gateway. */
  earlier(specVersion: number): Runtime | undefined {
    if (this.#before?.version.specVersion !== specVersion) return undefined;
    return new Runtime(this.#before.version, this.#before.metadata, this.#source.properties);
  }

  /** What is kept of it on disk may be wrong; see MetadataCache. */
  doubtKept(): Promise<boolean> {
    return this.#source.cache.doubt();
  }

  #hear(told: unknown): void {
    const parsed = v.safeParse(runtimeVersionSchema, told);
    if (!parsed.success || isSame(parsed.output, this.#version)) return;
    this.#version = parsed.output;
    this.#source.onUpgrade(parsed.output);
  }

  async #load(version: RuntimeVersion): Promise<Runtime> {
    const { genesisHash, properties, cache } = this.#source;
    const kept = (await cache.load())[`${genesisHash}-${version.specVersion}`];
    if (kept !== undefined) {
      try {
        return new Runtime(version, kept, properties);
      } catch {
        await cache.forget();
      }
    }
    const metadata = await this.#fetch(version);
    const runtime = new Runtime(version, metadata, properties);
    await cache.keep({ genesisHash, specVersion: version.specVersion, metadata });
    return runtime;
  }

  async #fetch(version: RuntimeVersion): Promise<Hex> {
    const { provider } = this.#source;
    const metadata = (await this.#fetchVersion(version)) ?? (await this.#ask('state_getMetadata', []));
    const after = parseVersion(await provider.send<unknown>('state_getRuntimeVersion', []));
    if (isSame(after, version)) return metadata;
    // The upgrade came in between: whose metadata these are nobody knows.
    this.#version = after;
    throw new ChainError('chain.bad_answer', 'the runtime was upgraded while its metadata were fetched');
  }

  /**
   * Undefined: the runtime does not offer that format. A runtime without that call is not asked for it: a peer cannot prove
   * what does not run, and a light client turns away from a peer that gives no proof, from one after the other.
   */
  async #fetchVersion({ apis }: RuntimeVersion): Promise<Hex | undefined> {
    const offers = apis.some(([id, version]) => id === METADATA_API && version >= METADATA_API_WITH_VERSIONS);
    if (!offers) return undefined;
    const wanted = bytesToHex(Uint8Array.of(METADATA_VERSION, 0, 0, 0));
    try {
      const answer = await this.#ask('state_call', ['Metadata_metadata_at_version', wanted]);
      const reader = new ScaleReader(hexToBytes(answer));
      return reader.byte() === 1 ? bytesToHex(reader.bytes()) : undefined;
    } catch {
      return undefined;
    }
  }

  async #ask(method: string, params: string[]): Promise<Hex> {
    const parsed = v.safeParse(metadataText, await this.#source.provider.send<unknown>(method, params));
    if (parsed.success) return parsed.output as Hex;
    throw new ChainError('chain.bad_answer', `the answer to ${method} is no metadata`);
  }
}

function parseVersion(told: unknown): RuntimeVersion {
  const parsed = v.safeParse(runtimeVersionSchema, told);
  if (parsed.success) return parsed.output;
  throw new ChainError('chain.bad_answer', `no runtime version: ${parsed.issues[0].message}`);
}

function isSame(a: RuntimeVersion, b: RuntimeVersion): boolean {
  return (
    a.specName === b.specName &&
    a.specVersion === b.specVersion &&
    a.transactionVersion === b.transactionVersion
  );
}
