import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { unreachable } from '../../hal/contract/index.ts';
import { IdentityError } from './errors.ts';
import { pkcs11Seal } from './pkcs11-seal.ts';
import { plainSeal } from './plain-seal.ts';
import { SEED_BYTES, type SealedSeed, type SealKind } from './seed-record.ts';
import type { SeedSeal } from './seed-seal.ts';
import {
  NEXT_SEED_FILE,
  overwriteSeedFile,
  promoteNextSeed,
  readSeedFile,
  readSmallFile,
  removeSeedFile,
  SEED_FILE,
  seedExists,
  seedFiles,
  writeSeedFile,
} from './seed-slots.ts';
import { tpmSeal } from './tpm-seal.ts';

/** Names of credentials in systemd's credentials directory (`LoadCredentialEncrypted=root-seed`). */
const CREDENTIALS = { present: 'root-seed', next: 'root-seed.next' } as const;

/** A seed that follows one that is bound to registers is bound to them too, unless this is asked for. */
const NOT_BOUND = 'none';

const CREDENTIAL_HINT =
  'head -c 32 /dev/urandom | systemd-creds encrypt --name=root-seed - /etc/credstore.encrypted/root-seed, and LoadCredentialEncrypted=root-seed in the unit';

export interface SeedOptions {
  /** systemd's `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsDirectory?: string | undefined;
  /**
   * Where the seed may be: `auto` is the credential when there is one, otherwise whatever `root.seed` in the state directory
   * says. Any other insists, and is what a new seed is made as.
   */
  readonly seed?: 'auto' | 'credential' | SealKind | undefined;
  readonly tpm?: { readonly tcti?: string | undefined; readonly pcrs?: string | undefined } | undefined;
  readonly pkcs11?: { readonly module?: string | undefined; readonly token?: string | undefined } | undefined;
}

/** A place where a seed was found. */
export interface SeedPlace {
  readonly kind: 'credential' | SealKind;
  readonly name: string;
}

/** The seeds of one station. A seed that is read is the caller's to wipe. */
export class SeedStore {
  readonly #directory: string;
  readonly #options: SeedOptions;

  constructor(directory: string, options: SeedOptions = {}) {
    this.#directory = directory;
    this.#options = options;
  }

  /**
   * Makes the station's root seed from the system's generator, once. When this resolves, it is on disk, or sealed and its
   * record on disk, and was read back. An existing seed is never touched.
   * @returns the path of the new file
   * @throws IdentityError `identity.seed_exists`, `identity.seed_io`, and as SeedSeal.seal
   */
  async create(): Promise<string> {
    const [present] = this.places();
    if (present !== undefined) throw seedExists(this.#path(present));
    // Pinned or not, what is there under the name stays.
    const file = path.join(this.#directory, SEED_FILE);
    if (existsSync(file)) throw seedExists(file);
    return await this.#make(SEED_FILE);
  }

  /** Where seeds are that may be the station's, the likeliest first. Nothing is opened. */
  places(): SeedPlace[] {
    const { seed = 'auto', credentialsDirectory } = this.#options;
    const credential = (name: string): SeedPlace[] => {
      const there = credentialsDirectory !== undefined && existsSync(path.join(credentialsDirectory, name));
      return there ? [{ kind: 'credential', name }] : [];
    };
    const credentials = [...credential(CREDENTIALS.present), ...credential(CREDENTIALS.next)];
    const files = [SEED_FILE, NEXT_SEED_FILE]
      .filter((name) => existsSync(path.join(this.#directory, name)))
      .map((name) => ({ kind: 'file', name }) as const);
    if (seed === 'auto') return [...credentials, ...files];
    return seed === 'credential' ? credentials : files;
  }

  /**
   * @returns 32 bytes, to be wiped after use
   * @throws IdentityError `identity.seed_missing`, `identity.seed_invalid` (not 32 bytes), `identity.seed_exposed` (others may
   * read the file), `identity.seed_kind`, `identity.seed_io`, and as SeedSeal.unseal
   */
  async read(place: SeedPlace): Promise<Uint8Array> {
    if (place.kind === 'credential') return readCredential(this.#path(place));
    const sealed = readSeedFile(this.#directory, place.name);
    this.#insist(sealed);
    return await this.#unseal(sealed);
  }

  /** What kind of place the present seed is in. @throws as read, but opens no seal */
  kindOf(place: SeedPlace): SeedPlace['kind'] {
    if (place.kind === 'credential') return place.kind;
    const sealed = readSeedFile(this.#directory, place.name);
    if (sealed.kind === 'file') sealed.seed.fill(0);
    return sealed.kind;
  }

  /**
   * The seed that a rotation hands over to: the credential `root-seed.next`, or a new one, durable beside the present one. One
   * that is left of a rotation that never reached the log is replaced.
   * @throws IdentityError `identity.next_missing`, and as create
   */
  async prepareNext(kind: SeedPlace['kind']): Promise<SeedPlace> {
    if (kind === 'credential') {
      const next = this.places().find(({ name }) => name === CREDENTIALS.next);
      if (next !== undefined) return next;
      throw new IdentityError(
        'identity.next_missing',
        `there is no credential ${CREDENTIALS.next} to rotate to`,
        {
          hint: 'head -c 32 /dev/urandom | systemd-creds encrypt --name=root-seed.next - /etc/credstore.encrypted/root-seed.next, and LoadCredentialEncrypted=root-seed.next in the unit',
        },
      );
    }
    await this.#discard(NEXT_SEED_FILE);
    // On the same token, bound to the same registers, unless other ones were named.
    const present = existsSync(path.join(this.#directory, SEED_FILE)) ? this.#record(SEED_FILE) : undefined;
    await this.#make(NEXT_SEED_FILE, kind, present);
    return { kind: 'file', name: NEXT_SEED_FILE };
  }

  /**
   * After the log was handed over: the next seed takes the place of the present one. A credential is the operator's to replace.
   * @returns the name under which the old one is kept, if it is
   */
  async promote(place: SeedPlace, keepOld: boolean): Promise<string | undefined> {
    if (place.name !== NEXT_SEED_FILE) return undefined;
    const old =
      !keepOld && existsSync(path.join(this.#directory, SEED_FILE)) ? this.#record(SEED_FILE) : undefined;
    const kept = promoteNextSeed(this.#directory, keepOld);
    // Behind the switch: cut off here, an object is left on a token that nothing names any more.
    if (old !== undefined) await this.#sealOf(old.kind).destroy(old);
    return kept;
  }

  /**
   * Destroys every seed in the state directory, those that were replaced or lost among them. On flash the bytes of a seed in the
   * clear may outlast this; of one that is sealed by a TPM, whoever has both the old bytes and this TPM has the seed. Cut off, it
   * may be called again.
   * @throws IdentityError `identity.seed_io`, and as SeedSeal.destroy
   */
  async destroyAll(): Promise<void> {
    for (const name of seedFiles(this.#directory)) {
      const sealed = this.#recordOrNothing(name);
      if (sealed !== undefined) await this.#sealOf(sealed.kind).destroy(sealed);
      overwriteSeedFile(this.#directory, name);
      removeSeedFile(this.#directory, name);
    }
  }

  /** One that is no seed any more has nothing elsewhere to be destroyed. */
  #recordOrNothing(name: string): SealedSeed | undefined {
    try {
      return this.#record(name);
    } catch (error) {
      if (error instanceof IdentityError && error.code !== 'identity.seed_io') return undefined;
      throw error;
    }
  }

  async #make(name: string, kind = this.#kindToMake(), like?: SealedSeed): Promise<string> {
    const seal = this.#sealOf(kind, like);
    const seed = randomFillSync(new Uint8Array(SEED_BYTES));
    try {
      const sealed = await seal.seal(seed);
      await this.#assertGivesBack(sealed, seed);
      return writeSeedFile(this.#directory, name, sealed);
    } finally {
      seed.fill(0);
    }
  }

  /** A seal that does not open again must not become a station's identity. */
  async #assertGivesBack(sealed: SealedSeed, seed: Uint8Array): Promise<void> {
    if (sealed.kind === 'file') return;
    const back = await this.#unseal(sealed);
    const same = Buffer.compare(back, seed) === 0;
    back.fill(0);
    if (!same)
      throw new IdentityError(
        'identity.seed_invalid',
        `the ${sealed.kind} gave back another seed than it was given`,
      );
  }

  async #discard(name: string): Promise<void> {
    if (!existsSync(path.join(this.#directory, name))) return;
    const sealed = this.#record(name);
    removeSeedFile(this.#directory, name);
    // Only tidiness: whatever is left on a token was never anybody's key.
    await this.#sealOf(sealed.kind)
      .destroy(sealed as never)
      .catch(() => undefined);
  }

  /** The record without a plain seed in it: enough to destroy what it names. */
  #record(name: string): SealedSeed {
    const sealed = readSeedFile(this.#directory, name);
    if (sealed.kind === 'file') sealed.seed.fill(0);
    return sealed;
  }

  #kindToMake(): SealKind {
    const { seed = 'auto' } = this.#options;
    if (seed === 'credential') {
      throw new IdentityError(
        'identity.seed_missing',
        'the configuration wants the credential root-seed, and it is not there',
        {
          hint: CREDENTIAL_HINT,
        },
      );
    }
    return seed === 'auto' ? 'file' : seed;
  }

  #insist({ kind }: SealedSeed): void {
    const { seed = 'auto' } = this.#options;
    if (seed === 'auto' || seed === kind) return;
    const message = `the root seed is of kind ${kind}, the configuration wants ${seed}`;
    const move = `move to it with: delmonicos key rotate DIR --seal ${seed}`;
    throw new IdentityError('identity.seed_kind', message, {
      hint: seed === 'credential' ? CREDENTIAL_HINT : `${move}; or correct identity.seed`,
    });
  }

  #unseal(sealed: SealedSeed): Promise<Uint8Array> {
    return this.#sealOf(sealed.kind).unseal(sealed);
  }

  #sealOf(kind: SealKind, like?: SealedSeed): SeedSeal {
    const { credentialsDirectory, tpm, pkcs11 } = this.#options;
    switch (kind) {
      case 'file':
        return plainSeal as SeedSeal;
      case 'tpm': {
        const asked = tpm?.pcrs ?? (like?.kind === 'tpm' ? like.pcrs : null) ?? NOT_BOUND;
        const pcrs = asked === NOT_BOUND ? undefined : asked;
        return tpmSeal({ tcti: tpm?.tcti, pcrs }) as SeedSeal;
      }
      case 'pkcs11': {
        const same = like?.kind === 'pkcs11' ? like : undefined;
        const token = { module: pkcs11?.module ?? same?.module, token: pkcs11?.token ?? same?.token };
        return pkcs11Seal({ ...token, credentialsDirectory }) as SeedSeal;
      }
      default:
        return unreachable(kind);
    }
  }

  #path({ kind, name }: SeedPlace): string {
    const { credentialsDirectory = '' } = this.#options;
    return path.join(kind === 'credential' ? credentialsDirectory : this.#directory, name);
  }
}

/** systemd's credentials directory is itself closed to others. */
function readCredential(file: string): Uint8Array {
  const { content } = readSmallFile(file);
  if (content.length === SEED_BYTES) return content;
  content.fill(0);
  throw new IdentityError('identity.seed_invalid', `${file} does not hold exactly ${SEED_BYTES} bytes`, {
    hint: 'encrypt the 32 bytes of the seed anew: systemd-creds encrypt --name=root-seed',
  });
}
