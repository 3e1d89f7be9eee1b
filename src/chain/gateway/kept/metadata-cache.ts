import { createHash } from 'node:crypto';
import path from 'node:path';
import * as v from 'valibot';
import { type Hex, hexSchema } from '../../anchor-evidence.ts';
import type { GatewayLog } from '../transport/link.ts';
import { readStored, removeStored, writeStored } from './stored-file.ts';

/** Of Polkadot's and Kusama's relay chains and asset hubs, the largest in 2026 is below 1 MiB. */
const MAX_METADATA_BYTES = 4 * 1024 * 1024;
const MAX_FILE_BYTES = 2 * MAX_METADATA_BYTES + 1_024;

const contentSchema = v.strictObject({
  genesisHash: v.pipe(hexSchema(32), v.length(66)),
  specVersion: v.pipe(v.number(), v.integer(), v.minValue(0)),
  metadata: v.pipe(
    v.string(),
    v.startsWith('0x'),
    v.transform((text) => text as Hex),
  ),
  /** `doubted`: not used any more, only compared with. `confirmed`: they were doubted, and were fetched again as they are. */
  standing: v.exactOptional(v.picklist(['doubted', 'confirmed'])),
  /** Of these metadata (RFC-78). Null: the chain did not take it. Left out: nobody has asked for it yet. */
  digest: v.exactOptional(v.nullable(v.pipe(hexSchema(32), v.length(66)))),
});
type Content = Readonly<v.InferOutput<typeof contentSchema>>;
export type RuntimeMetadata = Omit<Content, 'standing' | 'digest'>;
type RuntimeName = Omit<RuntimeMetadata, 'metadata'>;

/**
 * The metadata of the runtime that was used last, kept so that a slow link need not carry it each time. What it says is
 * believed exactly as far as what its source said: the file belongs to that source, and another one does not read it.
 */
export class MetadataCache {
  readonly #file: string | undefined;
  readonly #owner: string;
  readonly #log: GatewayLog;
  #kept: Content | undefined;

  /** `source`: who told, and would be asked again: a node's URL, the light client with its specs. */
  constructor(stateDirectory: string | undefined, source: string, log: GatewayLog) {
    this.#file = stateDirectory && path.join(stateDirectory, 'light-client', 'metadata');
    this.#owner = `metadata ${createHash('sha256').update(source).digest('hex')}`;
    this.#log = log;
  }

  /** In the form of @polkadot/api's option `metadata`: by genesis hash and spec version. Empty when there is none. */
  async load(): Promise<Record<string, Hex>> {
    if (this.#file === undefined) return {};
    const stored = await readStored(this.#file, this.#owner, MAX_FILE_BYTES);
    if (!stored.found) {
      if (stored.why !== 'absent') {
        this.#log('info', 'metadata', `the kept metadata are ${stored.why}: they are fetched again`);
      }
      return {};
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), contentSchema), stored.content);
    if (!parsed.success) return {};
    this.#kept = parsed.output;
    const { metadata, standing } = this.#kept;
    return standing === 'doubted' ? {} : { [keyOf(this.#kept)]: metadata };
  }

  /** Keeps this one in place of any other. Costs nothing when it is kept already; a disk that is full is no failure. */
  async keep({ genesisHash, specVersion, metadata }: RuntimeMetadata): Promise<void> {
    const fresh = { genesisHash, specVersion, metadata };
    const kept = this.#kept;
    const isKnown = kept !== undefined && keyOf(kept) === keyOf(fresh);
    if (isKnown && kept.standing !== 'doubted') return;
    if (metadata.length / 2 - 1 > MAX_METADATA_BYTES) return;
    const isConfirmed = isKnown && kept.metadata === metadata;
    await this.#write(isConfirmed ? { ...kept, standing: 'confirmed' } : fresh);
  }

  /** Undefined: not kept. */
  digestOf(runtime: RuntimeName): Hex | null | undefined {
    return this.#kept !== undefined && keyOf(this.#kept) === keyOf(runtime) ? this.#kept.digest : undefined;
  }

  /** Keeps the digest beside the metadata that it is of, if those are kept. */
  async keepDigest(runtime: RuntimeName, digest: Hex | null): Promise<void> {
    if (this.#kept === undefined || keyOf(this.#kept) !== keyOf(runtime)) return;
    await this.#write({ ...this.#kept, digest });
  }

  /**
   * Something was refused that wrong metadata could be the reason of: who starts next does not use these. False: nothing is
   * kept, or it was doubted before, fetched again and found to be the same; another reason must be looked for.
   */
  async doubt(): Promise<boolean> {
    if (this.#kept === undefined || this.#kept.standing === 'confirmed') return false;
    if (this.#kept.standing !== 'doubted') await this.#write({ ...this.#kept, standing: 'doubted' });
    return true;
  }

  /** They cannot even be read. */
  async forget(): Promise<void> {
    if (this.#file === undefined) return;
    this.#kept = undefined;
    await removeStored(this.#file).catch(() => {});
  }

  async #write(content: Content): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await writeStored(this.#file, this.#owner, JSON.stringify(content));
      this.#kept = content;
    } catch (cause) {
      this.#log('warning', 'metadata', `the metadata cannot be kept: ${String(cause)}`);
    }
  }
}

function keyOf({ genesisHash, specVersion }: RuntimeName): string {
  return `${genesisHash}-${specVersion}`;
}
