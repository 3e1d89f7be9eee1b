import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IdentityError } from './errors.ts';
import { failed, runTool, ToolFailure } from './run-tool.ts';
import { SEED_BYTES } from './seed-record.ts';
import type { SealedOf, SeedSeal } from './seed-seal.ts';

export interface TpmOptions {
  /** How the TPM is reached (tpm2-tools, TCTI). Default: $TPM2TOOLS_TCTI, otherwise the kernel's resource manager. */
  readonly tcti?: string | undefined;
  /** Platform registers that a new seal is bound to, `sha256:0,7`. */
  readonly pcrs?: string | undefined;
}

const DEFAULT_TCTI = 'device:/dev/tpmrm0';
const PCR_PATTERN =
  /^(sha1|sha256|sha384|sha512):\d{1,2}(,\d{1,2})*(\+(sha1|sha256|sha384|sha512):\d{1,2}(,\d{1,2})*)*$/;

/**
 * Seals a seed under a primary key of the TPM's owner hierarchy (TPM 2.0 Library Part 1 §27.2, "Sealed Data"), with tpm2-tools.
 * The primary comes from the owner seed each time, so that nothing is stored in the TPM; the sealed object is only of use to
 * this TPM, until its owner hierarchy is cleared. The seed crosses the TPM's bus encrypted (a salted session), the tools'
 * pipes plain, and no file at all.
 */
export function tpmSeal(options: TpmOptions): SeedSeal<'tpm'> {
  const { pcrs } = options;
  if (pcrs !== undefined && !PCR_PATTERN.test(pcrs)) {
    throw new IdentityError('identity.tpm_pcrs', `"${pcrs}" is no list of platform registers`, {
      hint: 'such as sha256:0,7',
    });
  }
  const tpm = tpmTools(options);
  return {
    kind: 'tpm',
    seal: (seed) => inWorkDirectory((at) => seal(tpm, at, seed, pcrs)),
    unseal: (sealed) => inWorkDirectory((at) => unseal(tpm, at, sealed)),
    // The record is all there is; without it nothing can be unsealed.
    destroy: () => Promise.resolve(),
  };
}

type Tpm = (tool: string, args: readonly string[], input?: Uint8Array) => Promise<Uint8Array>;
type WorkFile = (name: string) => string;

async function seal(
  tpm: Tpm,
  at: WorkFile,
  seed: Uint8Array,
  pcrs: string | undefined,
): Promise<SealedOf<'tpm'>> {
  return await withPrimary(tpm, at, async (encrypted) => {
    // Never under the TPM's lockout (noda): a guess against 256 bits needs none, and a lockout would stop the station. With a
    // policy there is no other way in (no userwithauth).
    const attributes = 'fixedtpm|fixedparent|noda';
    const access = ['-a', `${attributes}|userwithauth`];
    if (pcrs !== undefined) {
      await tpm('tpm2_createpolicy', ['-Q', '--policy-pcr', '-l', pcrs, '-L', at('policy')]);
      access.splice(0, 2, '-a', attributes, '-L', at('policy'));
    }
    const files = ['-u', at('public'), '-r', at('private')];
    await tpm('tpm2_create', ['-Q', '-C', at('primary'), '-i', '-', ...files, ...access, ...encrypted], seed);
    const [publicArea, privateArea] = [readFileSync(at('public')), readFileSync(at('private'))];
    return {
      kind: 'tpm',
      publicArea: new Uint8Array(publicArea),
      privateArea: new Uint8Array(privateArea),
      pcrs: pcrs ?? null,
    };
  });
}

async function unseal(tpm: Tpm, at: WorkFile, sealed: SealedOf<'tpm'>): Promise<Uint8Array> {
  return await withPrimary(tpm, at, async (encrypted) => {
    writeFileSync(at('public'), sealed.publicArea);
    writeFileSync(at('private'), sealed.privateArea);
    const files = ['-u', at('public'), '-r', at('private')];
    await tpm('tpm2_load', ['-Q', '-C', at('primary'), ...files, '-c', at('object')]);
    const access = sealed.pcrs === null ? [] : ['-p', `pcr:${sealed.pcrs}`];
    const seed = await tpm('tpm2_unseal', ['-c', at('object'), ...access, ...encrypted]);
    if (seed.length === SEED_BYTES) return seed;
    seed.fill(0);
    throw new IdentityError('identity.seed_invalid', `the TPM gave no seed of ${SEED_BYTES} bytes`);
  });
}

/** The primary key and a session that encrypts parameters on the way to and from the TPM, salted with that key. */
async function withPrimary<T>(
  tpm: Tpm,
  at: WorkFile,
  work: (session: readonly string[]) => Promise<T>,
): Promise<T> {
  await tpm('tpm2_createprimary', ['-Q', '-C', 'o', '-g', 'sha256', '-G', 'ecc', '-c', at('primary')]);
  const salted = ['--hmac-session', '--tpmkey-context', at('primary')];
  await tpm('tpm2_startauthsession', ['-Q', ...salted, '-S', at('session')]);
  try {
    await tpm('tpm2_sessionconfig', ['-Q', '--enable-encrypt', '--enable-decrypt', at('session')]);
    return await work(['-S', at('session')]);
  } finally {
    // What is left of it ends with the TPM's next start; a TPM has room for 64.
    await tpm('tpm2_flushcontext', [at('session')]).catch(() => undefined);
  }
}

function tpmTools({ tcti }: TpmOptions): Tpm {
  const TPM2TOOLS_TCTI = tcti ?? process.env['TPM2TOOLS_TCTI'] ?? DEFAULT_TCTI;
  const run = (command: string, args: readonly string[], input?: Uint8Array) =>
    runTool({ command, args, ...(input && { input }), env: { TPM2TOOLS_TCTI }, debianPackage: 'tpm2-tools' });
  return async (command, args, input) => {
    try {
      return await run(command, args, input);
    } catch (error) {
      throw error instanceof ToolFailure ? tpmError(error, TPM2TOOLS_TCTI) : error;
    } finally {
      // Without a resource manager a tool leaves its objects in the TPM, and one that failed its session too; there is room for
      // three of each. With a resource manager there is nothing to flush.
      for (const left of command === 'tpm2_flushcontext' ? [] : ['-t', '-l']) {
        await run('tpm2_flushcontext', [left]).catch(() => undefined);
      }
    }
  };
}

/** Response codes (TPM 2.0 Library Part 2 §6.6.3) without the bits that say which parameter or session: format 1, bit 7. */
const RESPONSE = {
  policyFail: 0x09d,
  pcrChanged: 0x128,
  integrity: 0x09f,
  size: 0x095,
  badAuth: 0x0a2,
} as const;

function tpmError(failure: ToolFailure, tcti: string): IdentityError {
  const { command, stderr } = failure;
  const codes = [...stderr.matchAll(/\(0x([0-9a-fA-F]{1,8})\)/g)].map(([, hex]) =>
    responseOf(Number(`0x${hex}`)),
  );
  const has = (code: number) => codes.includes(code);
  // The tools' exit status is 1 whatever happened; without a TPM there is no response to go by.
  if (/could not load tcti/i.test(stderr)) {
    return new IdentityError('identity.tpm_missing', `no TPM answers at ${tcti}`, {
      cause: failure,
      hint: 'look for /dev/tpmrm0 and for the right to use it (group tss); another place: identity.tpm.tcti or $TPM2TOOLS_TCTI',
    });
  }
  if (has(RESPONSE.policyFail) || has(RESPONSE.pcrChanged)) {
    return new IdentityError(
      'identity.tpm_pcrs_changed',
      'the platform is not in the state the seed was sealed to',
      {
        cause: failure,
        hint: 'firmware or boot configuration changed: boot the old one and rotate the key (key rotate DIR), or restore the backup of the seed',
      },
    );
  }
  if (has(RESPONSE.integrity) || has(RESPONSE.size)) {
    return new IdentityError(
      'identity.tpm_foreign',
      'the seed was sealed by another TPM, or this one was cleared',
      {
        cause: failure,
        hint: 'restore the backup of the seed; without one: delmonicos key init DIR --after-loss',
      },
    );
  }
  return failed(command, failure);
}

function responseOf(code: number): number {
  return (code & 0x080) === 0 ? code & 0x97f : code & 0x0bf;
}

async function inWorkDirectory<T>(work: (at: WorkFile) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(path.join(process.env['RUNTIME_DIRECTORY'] ?? tmpdir(), 'delmonicos-tpm-'));
  try {
    return await work((name) => path.join(directory, name));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
