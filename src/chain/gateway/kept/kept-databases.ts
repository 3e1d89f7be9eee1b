import { createHash } from 'node:crypto';
import path from 'node:path';
import * as v from 'valibot';
import type { ChainSpec, SpecPair } from '../transport/chain-spec.ts';
import type { GatewayLog } from '../transport/link.ts';
import { readStored, removeStored, writeStored } from './stored-file.ts';

export type ChainRole = keyof SpecPair;
/** What smoldot gave of each chain; opaque, JSON in fact. */
export type Databases = Partial<Record<ChainRole, string>>;

/** A runtime is below 3 MiB on every public chain (base64: 4 MiB). smoldot leaves it out of a database that is smaller. */
const MAX_WITH_CODE_BYTES = 8 * 1024 * 1024;
/**
 * Of a parachain smoldot 3.4 never uses the runtime that is in its database; so it is not kept. Finalized header,
 * authorities and addresses of peers take about a kilobyte.
 */
const MAX_WITHOUT_CODE_BYTES = 64 * 1024;

const databaseSchema = v.looseObject({
  chain: v.looseObject({}),
  runtimeCode: v.optional(v.string()),
});
const smallSchema = v.strictObject({
  database: v.looseObject({}),
  /** SHA-256 of the runtime's code in the other file, which must be no other code than the one this was saved with. */
  codeSha256: v.nullable(v.string()),
});
/** What of a database speaks of a runtime's code, and is wrong without it. */
const OF_CODE = ['runtimeCode', 'codeMerkleValue', 'codeClosestAncestor'];

/**
 * smoldot's databases in the state directory: the last finalized block, so that the next start need not prove its way
 * there, the relay chain's runtime, so that it is not downloaded again, and peers. smoldot trusts them as it trusts the
 * specs. The code is in a file of its own: it changes a few times a year, the rest each time.
 *
 * A database can never keep a station from syncing: after a start that had peers and did not get ready, the next start
 * goes without, and the one after that tries again.
 */
export class KeptDatabases {
  readonly #directory: string | undefined;
  readonly #specs: SpecPair;
  readonly #log: GatewayLog;
  #failedStarts = 0;
  #onTrial = false;
  #proven = false;
  /** One at a time: they share the names of their drafts. */
  #lastSave: Promise<unknown> = Promise.resolve();

  constructor(stateDirectory: string | undefined, specs: SpecPair, log: GatewayLog) {
    this.#directory = stateDirectory && path.join(stateDirectory, 'light-client');
    this.#specs = specs;
    this.#log = log;
  }

  /** What to start with; empty: nothing is kept, or what is kept is not to be used this time. */
  async load(): Promise<Databases> {
    if (this.#directory === undefined) return {};
    const trial = await readStored(this.#file('trial'), this.#owner('trial'), 64);
    this.#failedStarts = trial.found ? Number.parseInt(trial.content, 10) || 0 : 0;
    if (this.#failedStarts % 2 === 1) {
      this.#say('the last start had peers and did not get ready: this one goes without the kept database');
      return {};
    }
    const relay = await this.#loadOne('relay', MAX_WITH_CODE_BYTES);
    const para = await this.#loadOne('para', this.#maxBytes('para'));
    return { ...(relay !== undefined && { relay }), ...(para !== undefined && { para }) };
  }

  /** From now on a start that does not get ready counts against what it began with. */
  async beginTrial(): Promise<void> {
    if (this.#directory === undefined || this.#onTrial || this.#proven) return;
    this.#onTrial = true;
    await this.#quietly(() =>
      writeStored(this.#file('trial'), this.#owner('trial'), String(this.#failedStarts + 1)),
    );
    if (this.#proven) await this.endTrial();
  }

  async endTrial(): Promise<void> {
    this.#proven = true;
    if (this.#directory !== undefined) await this.#quietly(() => removeStored(this.#file('trial')));
  }

  /**
   * Keeps what `ask` has of each chain, given the largest size in bytes. Returns how many bytes were written. A database
   * without a chain (too early) or above the size leaves what is there; so does a disk that is full.
   */
  save(ask: (role: ChainRole, maxBytes: number) => Promise<unknown>): Promise<number> {
    const saved = this.#lastSave.then(() => this.#saveAll(ask));
    this.#lastSave = saved.catch(() => {});
    return saved;
  }

  async #saveAll(ask: (role: ChainRole, maxBytes: number) => Promise<unknown>): Promise<number> {
    if (this.#directory === undefined) return 0;
    let bytes = 0;
    for (const role of this.#specs.relay === undefined ? (['para'] as const) : (['relay', 'para'] as const)) {
      const maxBytes = this.#maxBytes(role);
      const database = await ask(role, maxBytes);
      await this.#quietly(async () => {
        bytes += await this.#saveOne(role, database, maxBytes);
      });
    }
    return bytes;
  }

  async #saveOne(role: ChainRole, text: unknown, maxBytes: number): Promise<number> {
    if (typeof text !== 'string' || text.length > maxBytes) {
      this.#say(`the ${role} chain's database is not kept: no text of at most ${maxBytes} bytes`);
      return 0;
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), databaseSchema), text);
    if (!parsed.success) return 0;
    const { runtimeCode, ...database } = parsed.output;
    const codeSha256 = runtimeCode === undefined ? null : sha256(runtimeCode);
    let bytes = 0;
    if (runtimeCode !== undefined) {
      const kept = await readStored(this.#file(`${role}-code`), this.#owner(role), maxBytes);
      if (!kept.found || sha256(kept.content) !== codeSha256) {
        bytes += await writeStored(this.#file(`${role}-code`), this.#owner(role), runtimeCode);
      }
    }
    const small = JSON.stringify({ database, codeSha256 });
    return bytes + (await writeStored(this.#file(role), this.#owner(role), small));
  }

  async #loadOne(role: ChainRole, maxBytes: number): Promise<string | undefined> {
    if (this.#specs[role] === undefined) return undefined;
    const stored = await readStored(this.#file(role), this.#owner(role), maxBytes);
    const parsed = stored.found
      ? v.safeParse(v.pipe(v.string(), v.parseJson(), smallSchema), stored.content)
      : undefined;
    if (!stored.found || !parsed?.success) {
      const why = stored.found ? 'damaged' : stored.why;
      if (why !== 'absent') this.#say(`the kept database of the ${role} chain is ${why} and is not used`);
      return undefined;
    }
    const { database, codeSha256 } = parsed.output;
    if (codeSha256 === null) return JSON.stringify(database);
    const code = await readStored(this.#file(`${role}-code`), this.#owner(role), maxBytes);
    if (code.found && sha256(code.content) === codeSha256) {
      return JSON.stringify({ ...database, runtimeCode: code.content });
    }
    this.#say(`the kept runtime of the ${role} chain is not the one of its database: it is fetched again`);
    return JSON.stringify(
      Object.fromEntries(Object.entries(database).filter(([key]) => !OF_CODE.includes(key))),
    );
  }

  #maxBytes(role: ChainRole): number {
    const isParachain = role === 'para' && this.#specs.relay !== undefined;
    return isParachain ? MAX_WITHOUT_CODE_BYTES : MAX_WITH_CODE_BYTES;
  }

  #owner(what: ChainRole | 'trial'): string {
    const spec: ChainSpec = (what === 'relay' ? this.#specs.relay : undefined) ?? this.#specs.para;
    return `${what} ${spec.id} ${spec.identity}`;
  }

  #file(name: string): string {
    return path.join(this.#directory ?? '', name);
  }

  #say(message: string): void {
    this.#log('warning', 'database', message);
  }

  async #quietly(change: () => Promise<unknown>): Promise<void> {
    try {
      await change();
    } catch (cause) {
      this.#say(`the light client's files cannot be changed: ${String(cause)}`);
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
