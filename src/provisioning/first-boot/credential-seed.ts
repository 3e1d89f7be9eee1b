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
const TPM = '/dev/tpmrm0';
/** The register for debugging, zero after each start: systemd 252 seals to no register, and cannot open what it has sealed so. */
const PCR_OF_NO_MEANING = '16';

export interface CredentialOptions {
  /** Where the encrypted seed is, or goes. */
  readonly file: string;
  /** `--with-key=` of systemd-creds; auto: the TPM 2.0 together with the host's key where there is one, otherwise systemd's choice. */
  readonly key: string;
  /**
   * Platform registers that it is bound to, such as `7`; empty: to this TPM only. systemd's own default is 7, which an update of
   * the revocation list changes: the station would lose its identity by it.
   */
  readonly pcrs: string;
  /** Told, for a person, what became of it otherwise than one would expect. */
  readonly warn?: (text: string) => void;
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
    const { key } = this.#options;
    // systemd's own auto takes a TPM only where EFI firmware has told of it: never on a board that U-Boot starts.
    if (key === 'auto' && existsSync(TPM)) {
      try {
        return await this.#sealWith('host+tpm2', seed);
      } catch (cause) {
        // A systemd without tpm2, or a TPM that is of no use: as without one.
        this.#options.warn?.(
          `the TPM at ${TPM} seals nothing, so the seed is not bound to it: ${said(cause)}`,
        );
      }
    }
    try {
      return await this.#sealWith(key, seed);
    } catch (cause) {
      if (cause instanceof IdentityError) throw cause;
      throw sealFailed(said(cause), cause);
    }
  }

  async #sealWith(key: string, seed: Uint8Array): Promise<Uint8Array> {
    const pcrs = `--tpm2-pcrs=${this.#options.pcrs || PCR_OF_NO_MEANING}`;
    return await systemdCreds(['encrypt', `--name=${CREDENTIAL}`, `--with-key=${key}`, pcrs, '-', '-'], seed);
  }

  async #open(sealed: Uint8Array): Promise<Uint8Array> {
    const args = ['decrypt', `--name=${CREDENTIAL}`, '-', '-'];
    const seed = await systemdCreds(args, sealed).catch((cause: unknown) => {
      throw cause instanceof IdentityError
        ? cause
        : sealFailed(`what it sealed does not open: ${said(cause)}`, cause);
    });
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
