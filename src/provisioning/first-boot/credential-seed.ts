import { randomFillSync } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, fsyncSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { IdentityError, runTool, ToolFailure } from '../../identity/index.ts';
import { createFile, makeDirectory, removeFile } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import { readBounded } from '../signed-configuration/configuration-folder.ts';

const SEED_BYTES = 32;
/** What systemd-creds makes of 32 bytes has a few hundred; with a TPM's policy, a few thousand. */
const MAX_SEALED_BYTES = 65_536;
/** systemd binds what it encrypts to this name: under another it does not decrypt. */
const CREDENTIAL = 'root-seed';

export interface CredentialOptions {
  /** Where the encrypted seed is, or goes. */
  readonly file: string;
  /** `--with-key=` of systemd-creds: auto is systemd's choice: the TPM 2.0 only where the firmware used it too. */
  readonly key: string;
  /**
   * Platform registers that it is bound to, such as `7`; empty: to this TPM only. systemd's own default is 7, which an update of
   * the revocation list changes: the station would lose its identity by it.
   */
  readonly pcrs: string;
}

/** The root seed as a systemd credential, encrypted for this machine; only systemd hands it to the service. */
export class CredentialSeed {
  readonly #options: CredentialOptions;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  get file(): string {
    return this.#options.file;
  }

  get isThere(): boolean {
    return existsSync(this.#options.file);
  }

  /**
   * Makes a seed, once: encrypted, decrypted again for a test, and on disk before it has its name. A power cut leaves either
   * nothing or the whole; where another has made one meanwhile, that is the one.
   * @throws ProvisioningError `provisioning.seal_failed`, `provisioning.io`; IdentityError `identity.tool_…`
   */
  async make(): Promise<void> {
    const seed = randomFillSync(new Uint8Array(SEED_BYTES));
    try {
      const sealed = await this.#seal(seed);
      const back = await this.#open(sealed);
      const isSame = Buffer.compare(back, seed) === 0;
      back.fill(0);
      if (!isSame) throw sealFailed('it gave back another seed than it was given');
      this.#name(sealed);
    } finally {
      seed.fill(0);
    }
  }

  /**
   * @returns 32 bytes, to be wiped after use
   * @throws ProvisioningError `provisioning.seed_unreadable`: it is there and does not open, and no other is made
   */
  async read(): Promise<Uint8Array> {
    const sealed = readBounded(this.#options.file, MAX_SEALED_BYTES);
    if (sealed === undefined) throw unreadable(this.#options.file, 'no regular file of a sealed seed');
    try {
      return await this.#open(sealed);
    } catch (cause) {
      throw unreadable(this.#options.file, said(cause), cause);
    }
  }

  /**
   * Overwrites and removes it, and the next one of a rotation beside it; flash may keep the old cells, which only this machine's
   * key or TPM could open.
   */
  destroy(): void {
    for (const file of [this.#options.file, `${this.#options.file}.next`]) this.#destroy(file);
  }

  #destroy(file: string): void {
    if (!existsSync(file)) return;
    try {
      const fd = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW);
      try {
        writeSync(fd, new Uint8Array(Math.min(fstatSync(fd).size, MAX_SEALED_BYTES)));
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      removeFile(file);
    } catch (cause) {
      throw new ProvisioningError('provisioning.io', `cannot destroy ${file}: ${said(cause)}`, { cause });
    }
  }

  async #seal(seed: Uint8Array): Promise<Uint8Array> {
    const { key, pcrs } = this.#options;
    const args = ['encrypt', `--name=${CREDENTIAL}`, `--with-key=${key}`, `--tpm2-pcrs=${pcrs}`, '-', '-'];
    try {
      return await systemdCreds(args, seed);
    } catch (cause) {
      if (cause instanceof IdentityError) throw cause;
      throw sealFailed(said(cause), cause);
    }
  }

  async #open(sealed: Uint8Array): Promise<Uint8Array> {
    const seed = await systemdCreds(['decrypt', `--name=${CREDENTIAL}`, '-', '-'], sealed);
    if (seed.length === SEED_BYTES) return seed;
    seed.fill(0);
    throw sealFailed(`it gave back no ${SEED_BYTES} bytes`);
  }

  #name(sealed: Uint8Array): void {
    const { file } = this.#options;
    try {
      makeDirectory(path.dirname(file));
      createFile(file, sealed);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
      throw new ProvisioningError('provisioning.io', `cannot write ${file}: ${said(cause)}`, { cause });
    }
  }
}

async function systemdCreds(args: readonly string[], input: Uint8Array): Promise<Uint8Array> {
  return await runTool({ command: 'systemd-creds', args, input, debianPackage: 'systemd' });
}

function sealFailed(why: string, cause?: unknown): ProvisioningError {
  return new ProvisioningError('provisioning.seal_failed', `systemd-creds does not seal the seed: ${why}`, {
    cause,
    hint: 'is /var/lib/systemd writable, and kept over a restart? is the TPM usable? `systemd-creds has-tpm2`',
  });
}

function unreadable(file: string, why: string, cause?: unknown): ProvisioningError {
  return new ProvisioningError('provisioning.seed_unreadable', `${file} does not open: ${why}`, {
    cause,
    hint: "it was sealed by another machine, or the host's key or the TPM was cleared: docs/provisioning.md, a lost seed",
  });
}

function said(cause: unknown): string {
  if (cause instanceof ToolFailure)
    return cause.stderr.trim().split('\n').slice(0, 2).join('; ').slice(0, 300);
  return cause instanceof Error ? cause.message : String(cause);
}
