import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { IdentityError } from './errors.ts';
import { failed, runTool, ToolFailure } from './run-tool.ts';
import { SEED_BYTES } from './seed-record.ts';
import type { SealedOf, SeedSeal } from './seed-seal.ts';

export interface Pkcs11Options {
  /** Path of the token's library. */
  readonly module?: string | undefined;
  /** The token's label. */
  readonly token?: string | undefined;
  /** systemd's `$CREDENTIALS_DIRECTORY`: its `pkcs11-pin` is the PIN; otherwise $DELMONICOS_PKCS11_PIN. */
  readonly credentialsDirectory?: string | undefined;
}

const PIN_CREDENTIAL = 'pkcs11-pin';
const PIN_VARIABLE = 'DELMONICOS_PKCS11_PIN';

/**
 * Keeps a seed as a private data object (PKCS#11 CKO_DATA, CKA_PRIVATE) of a token, with OpenSC's pkcs11-tool: readable after
 * login only. The PIN goes to the tool in its environment, the seed through a pipe.
 */
export function pkcs11Seal(options: Pkcs11Options): SeedSeal<'pkcs11'> {
  return {
    kind: 'pkcs11',
    async seal(seed) {
      const { module, token } = options;
      if (module === undefined || token === undefined) {
        throw new IdentityError('identity.token_missing', 'no PKCS#11 module and token were named', {
          hint: 'identity.pkcs11.module and .token, or --module and --token; tokens: pkcs11-tool --module FILE -L',
        });
      }
      const object = `delmonicos-root-seed-${randomBytes(4).toString('hex')}`;
      const sealed = { kind: 'pkcs11', module, token, object } as const;
      const writing = (pipe: string) => ['--write-object', pipe, ...naming(object), '--private'];
      await throughPipe(seed, (pipe) => tool(sealed, options, writing(pipe)));
      return sealed;
    },
    async unseal(given) {
      // The library may have moved with an update; what the operator says now goes first.
      const sealed = { ...given, module: options.module ?? given.module };
      const seed = await tool(sealed, options, ['--read-object', ...naming(sealed.object)]);
      if (seed.length === SEED_BYTES) return seed;
      seed.fill(0);
      throw new IdentityError(
        'identity.seed_invalid',
        `the token's object is no seed of ${SEED_BYTES} bytes`,
      );
    },
    async destroy(sealed) {
      await tool(sealed, options, ['--delete-object', ...naming(sealed.object)]);
    },
  };
}

function naming(object: string): string[] {
  return ['--type', 'data', '--label', object];
}

async function tool(
  { module, token }: SealedOf<'pkcs11'>,
  options: Pkcs11Options,
  args: readonly string[],
): Promise<Uint8Array> {
  const command = 'pkcs11-tool';
  const env = { [PIN_VARIABLE]: readPin(options) };
  const login = ['--module', module, '--token-label', token, '--login', '--pin', `env:${PIN_VARIABLE}`];
  try {
    return await runTool({ command, args: [...login, ...args], env, debianPackage: 'opensc' });
  } catch (error) {
    throw error instanceof ToolFailure ? tokenError(error, { module, token }) : error;
  }
}

function readPin({ credentialsDirectory }: Pkcs11Options): string {
  const file = credentialsDirectory && path.join(credentialsDirectory, PIN_CREDENTIAL);
  const pin = file && existsSync(file) ? readFileSync(file, 'utf8').trim() : process.env[PIN_VARIABLE];
  if (pin !== undefined && pin !== '') return pin;
  throw new IdentityError('identity.pin_missing', "the token's PIN is not there", {
    hint: `give it as systemd credential ${PIN_CREDENTIAL}, or in $${PIN_VARIABLE}`,
  });
}

/**
 * Has `use` read the bytes from a named pipe: pkcs11-tool takes what it writes from a path, and opening /dev/stdin does not
 * work on the sockets that Node gives a child. Nothing is ever on a disk.
 */
async function throughPipe(content: Uint8Array, use: (pipe: string) => Promise<unknown>): Promise<void> {
  const directory = mkdtempSync(path.join(process.env['RUNTIME_DIRECTORY'] ?? tmpdir(), 'delmonicos-pipe-'));
  const pipe = path.join(directory, 'seed');
  try {
    await runTool({ command: 'mkfifo', args: ['-m', '600', pipe], debianPackage: 'coreutils' });
    // Opening it waits for a reader.
    const written = open(pipe, 'w').then(async (writer) => {
      try {
        await writer.writeFile(content);
      } finally {
        await writer.close();
      }
    });
    const ended = use(pipe).finally(() => {
      // A tool that failed before it opened the pipe leaves the writer waiting: let it go.
      closeSync(openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK));
    });
    await Promise.all([ended, written.catch(() => undefined)]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function tokenError(
  failure: ToolFailure,
  { module, token }: { module: string; token: string },
): IdentityError {
  const { stderr } = failure;
  const has = (text: string) => stderr.includes(text);
  if (has('CKR_PIN_LOCKED')) {
    return new IdentityError(
      'identity.pin_locked',
      `the PIN of token "${token}" is locked after wrong tries`,
      {
        hint: "unlock it with the token's own tool and its SO PIN",
      },
    );
  }
  if (has('CKR_PIN_')) {
    return new IdentityError('identity.pin_wrong', `token "${token}" does not accept the PIN`, {
      hint: 'a token locks itself after a few wrong tries: correct the PIN before the next start',
    });
  }
  if (has('Failed to load pkcs11 module')) {
    return new IdentityError('identity.token_missing', `${module} is no PKCS#11 library that can be loaded`, {
      hint: 'install the library of the token, or correct identity.pkcs11.module',
      cause: failure,
    });
  }
  if (/No slot with (a )?token|CKR_TOKEN_NOT_PRESENT|CKR_DEVICE_REMOVED|CKR_SLOT_ID_INVALID/i.test(stderr)) {
    return new IdentityError('identity.token_missing', `there is no token "${token}"`, {
      hint: `plug it in; tokens that are there: pkcs11-tool --module ${module} -L`,
      cause: failure,
    });
  }
  if (has('object not found')) {
    return new IdentityError('identity.seed_missing', `token "${token}" does not hold the seed`, {
      hint: 'another token of the same label, or one that was initialised anew: use the right one, or its backup',
    });
  }
  return failed('pkcs11-tool', failure);
}
