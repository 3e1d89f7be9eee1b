// The digest of a chain's metadata (RFC-78 of the Polkadot fellowship), for the signed extension CheckMetadataHash.
import * as v from 'valibot';
import { bytesToHex, type Hex, hexToBytes } from '../../anchor-evidence.ts';
import type { MetadataCache } from '../kept/metadata-cache.ts';
import type { GatewayLog } from '../transport/link.ts';
import type { ChainProperties, Runtime } from './runtime.ts';

export interface MetadataHashOptions {
  readonly genesisHash: Hex;
  /** The digest covers token and decimals, which metadata do not have; the runtime was built with its own notion of them. */
  readonly properties: ChainProperties;
  readonly cache: Pick<MetadataCache, 'digestOf' | 'keepDigest'>;
  readonly log: GatewayLog;
}

const EXTENSION = 'CheckMetadataHash';
/** `meta` and the version of the format: the digest is defined over this one. */
const V15 = '0x6d6574610f';

const symbol = v.pipe(v.string(), v.minLength(1), v.maxLength(32));
const decimals = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
/** Chains with several tokens name a list of each; the first one is the native token's. */
const tokenSchema = v.object({
  tokenSymbol: v.union([symbol, v.tupleWithRest([symbol], v.unknown())]),
  tokenDecimals: v.union([decimals, v.tupleWithRest([decimals], v.unknown())]),
});

/** Calculated once a runtime, and kept beside its metadata. Without it an extrinsic says that it has none (mode 0). */
export class MetadataHash {
  readonly #options: MetadataHashOptions;
  #last: { readonly of: Runtime; readonly digest: Promise<Hex | null> } | undefined;

  constructor(options: MetadataHashOptions) {
    this.#options = options;
  }

  /** Null: the runtime does not check it, it cannot be calculated (logged), or the chain has refused it. Never rejects. */
  of(runtime: Runtime): Promise<Hex | null> {
    if (!runtime.registry.signedExtensions.includes(EXTENSION)) return Promise.resolve(null);
    if (this.#last?.of !== runtime) this.#last = { of: runtime, digest: this.#find(runtime) };
    return this.#last.digest;
  }

  /**
   * A signature over it was not taken: the runtime was built with another token, or without the digest. From now on this
   * runtime gets none, which it has to take (RFC-78, "mode"). What is lost is a check of metadata that the core does not need:
   * it encodes each byte of what it signs itself.
   */
  async refused(runtime: Runtime): Promise<void> {
    if ((await this.of(runtime)) === null) return;
    this.#last = { of: runtime, digest: Promise.resolve(null) };
    this.#log(runtime, 'the chain does not take the digest of its metadata: signed without it from now on');
    await this.#options.cache.keepDigest(this.#nameOf(runtime), null);
  }

  async #find(runtime: Runtime): Promise<Hex | null> {
    const { cache } = this.#options;
    const name = this.#nameOf(runtime);
    const kept = cache.digestOf(name);
    if (kept !== undefined) return kept;
    try {
      const digest = await this.#calculate(runtime);
      await cache.keepDigest(name, digest);
      return digest;
    } catch (error) {
      this.#log(runtime, `no digest of the metadata, signed without it: ${String(error)}`);
      return null;
    }
  }

  async #calculate({ metadata, version }: Runtime): Promise<Hex> {
    if (!metadata.startsWith(V15)) throw new Error('the chain does not offer metadata of version 15');
    const token = v.safeParse(tokenSchema, this.#options.properties);
    if (!token.success) throw new Error("the chain's properties name no token");
    const tokenSymbol = [token.output.tokenSymbol].flat(1)[0] as string;
    const decimals = [token.output.tokenDecimals].flat(1)[0] as number;
    const { specName, specVersion } = version;
    // Only chains that check it need the library, 30 ms and its memory.
    const { merkleizeMetadata } = await import('@polkadot-api/merkleize-metadata');
    const about = { tokenSymbol, decimals, specName, specVersion };
    return bytesToHex(merkleizeMetadata(hexToBytes(metadata), about).digest());
  }

  #nameOf({ version: { specVersion } }: Runtime): { genesisHash: Hex; specVersion: number } {
    return { genesisHash: this.#options.genesisHash, specVersion };
  }

  #log({ version: { specName, specVersion } }: Runtime, message: string): void {
    this.#options.log('warning', 'metadata', `${specName} ${specVersion}: ${message}`);
  }
}
