import { type GenericChainProperties, Metadata, TypeRegistry } from '@polkadot/types';
import type {
  PalletMetadataLatest,
  SiLookupTypeId,
  StorageEntryMetadataLatest,
} from '@polkadot/types/interfaces';
import type { Codec } from '@polkadot/types/types';
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';
import * as v from 'valibot';
import { bytesToHex, type Hex, hexToBytes } from '../../anchor-evidence.ts';
import { ChainError } from '../../errors.ts';
import { concatBytes } from '../../scale.ts';
import type { CallMetadata } from './find-call.ts';

export const runtimeVersionSchema = v.object({
  specName: v.pipe(v.string(), v.maxLength(128)),
  specVersion: v.pipe(v.number(), v.integer(), v.minValue(0)),
  transactionVersion: v.pipe(v.number(), v.integer(), v.minValue(0)),
  /** Runtime APIs by the first 8 bytes of the blake2b hash of their name, with their version. */
  apis: v.pipe(v.array(v.tuple([v.string(), v.number()])), v.maxLength(256)),
});
export type RuntimeVersion = v.InferOutput<typeof runtimeVersionSchema>;

/** `system_properties` as told; decimals and symbol of the token, nothing that is signed. */
export type ChainProperties = Readonly<Record<string, unknown>>;

/** One version of a chain's runtime, as its metadata describe it. Never changes: an upgrade is another one. */
export class Runtime {
  readonly version: RuntimeVersion;
  readonly registry: TypeRegistry;
  /** As the chain gave them: `meta`, the version of the format, the rest. */
  readonly metadata: Hex;
  readonly #pallets: readonly PalletMetadataLatest[];
  readonly #lookup: CallMetadata['lookup'];

  /** Throws `chain.bad_answer` when that is no metadata that can be read. */
  constructor(version: RuntimeVersion, metadata: Hex, properties: ChainProperties) {
    this.version = version;
    this.metadata = metadata;
    this.registry = new TypeRegistry();
    try {
      this.registry.setChainProperties(
        this.registry.createTypeUnsafe<GenericChainProperties>('ChainProperties', [properties]),
      );
      const decoded = new Metadata(this.registry, metadata);
      this.registry.setMetadata(decoded, undefined, undefined, true);
      const { pallets, lookup } = decoded.asLatest;
      this.#pallets = pallets;
      this.#lookup = lookup;
    } catch (cause) {
      throw new ChainError('chain.bad_answer', "the chain's metadata cannot be read", { cause });
    }
  }

  /** For find-call.ts. */
  get calls(): CallMetadata {
    return { pallets: this.#pallets, lookup: this.#lookup };
  }

  /** Version of a runtime API by its name; undefined: not offered. */
  apiVersion(name: string): number | undefined {
    const id = bytesToHex(blake2AsU8a(name, 64));
    return this.version.apis.find(([known]) => known === id)?.[1];
  }

  /** The key of a plain item, or of the entry of a map with one key. Undefined: there is no such item. */
  storageKey(pallet: string, item: string, argument?: Uint8Array | number): Hex | undefined {
    const found = this.#item(pallet, item);
    if (found === undefined) return undefined;
    const prefix = [xxhashAsU8a(found.prefix, 128), xxhashAsU8a(item, 128)];
    const { type } = found.entry;
    if (argument === undefined || !type.isMap) return bytesToHex(concatBytes(prefix));
    const { hashers, key } = type.asMap;
    const hash = HASHERS[hashers[0]?.type ?? ''];
    if (hash === undefined) return undefined;
    const encoded = this.registry.createTypeUnsafe(this.registry.createLookupType(key), [argument]).toU8a();
    return bytesToHex(concatBytes([...prefix, hash(encoded)]));
  }

  /** A value as stored, read by its type in the metadata. Throws `chain.bad_answer` when it does not read so. */
  decodeStorage(pallet: string, item: string, value: Hex): Codec {
    const type = this.#item(pallet, item)?.entry.type;
    if (type === undefined) throw new ChainError('chain.bad_answer', `no storage ${pallet}.${item}`);
    return this.#decode(type.isMap ? type.asMap.value : type.asPlain, hexToBytes(value));
  }

  constant(pallet: string, name: string): Codec | undefined {
    const { constants } = this.#pallet(pallet) ?? {};
    const found = constants?.find((constant) => constant.name.toString() === name);
    return found && this.#decode(found.type, hexToBytes(found.value.toHex()));
  }

  #decode(type: SiLookupTypeId, bytes: Uint8Array): Codec {
    try {
      return this.registry.createTypeUnsafe(this.registry.createLookupType(type), [bytes]);
    } catch (cause) {
      throw new ChainError('chain.bad_answer', 'a value that its type in the metadata does not read', {
        cause,
      });
    }
  }

  #pallet(name: string): PalletMetadataLatest | undefined {
    return this.#pallets.find((pallet) => pallet.name.toString() === name);
  }

  #item(pallet: string, item: string): { prefix: string; entry: StorageEntryMetadataLatest } | undefined {
    const storage = this.#pallet(pallet)?.storage.unwrapOr(undefined);
    const entry = storage?.items.find(({ name }) => name.toString() === item);
    return storage && entry && { prefix: storage.prefix.toString(), entry };
  }
}

const HASHERS: Readonly<Record<string, (key: Uint8Array) => Uint8Array>> = {
  Blake2_128Concat: (key) => concatBytes([blake2AsU8a(key, 128), key]),
  Twox64Concat: (key) => concatBytes([xxhashAsU8a(key, 64), key]),
  Identity: (key) => key,
};
