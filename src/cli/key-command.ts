import { InvalidArgumentError, Option, type Command } from 'commander';
import { ExitCode, note, print, printJson } from './output.ts';
import { stateDirectory } from './state-directory.ts';

interface ShowOptions {
  readonly json?: true;
  readonly origin?: string;
  readonly ss58Prefix: number;
}

export function registerKeyCommand(program: Command): void {
  const key = program.command('key').description("the station's root seed and the keys that come out of it");
  key
    .command('init')
    .description('makes the root seed, once, and shows what comes out of it')
    .argument('[dir]', 'state directory')
    .option('--json', 'one JSON document, as of `key show`')
    .action(initKey);
  key
    .command('show')
    .description("prints the public keys, the chain account and the log's verifier key")
    .argument('[dir]', 'state directory')
    .option('--origin <text>', "the log's origin, unless it is delmonicos/<chain account>")
    .addOption(ss58PrefixOption())
    .option('--json', 'one JSON document')
    .action(showKey);
}

function ss58PrefixOption(): Option {
  return new Option('--ss58-prefix <number>', 'address prefix of the chain').default(42).argParser((text) => {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 16_383) {
      throw new InvalidArgumentError('a whole number between 0 and 16383');
    }
    return Number(text);
  });
}

async function initKey(given: string | undefined, options: { readonly json?: true }): Promise<void> {
  const { createRootSeed, IdentityError } = await import('../identity/index.ts');
  const directory = stateDirectory(given);
  try {
    note(
      `made ${createRootSeed(directory, process.env['CREDENTIALS_DIRECTORY'])}; keep a backup where it is safe`,
    );
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'identity.seed_exists') throw error;
    note(`${error.message}; nothing was changed`);
    process.exitCode = ExitCode.bad;
    return;
  }
  await showKey(given, { ss58Prefix: 42, ...options });
}

async function showKey(given: string | undefined, options: ShowOptions): Promise<void> {
  const { loadIdentity } = await import('../identity/index.ts');
  const identity = loadIdentity(stateDirectory(given), {
    ss58Prefix: options.ss58Prefix,
    credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
  });
  const origin = options.origin ?? `delmonicos/${identity.chainAccount.ss58}`;
  const document = {
    origin,
    publicKey: hex(identity.publicKey),
    keyId: hex(identity.keyId),
    verifierKey: identity.verifierKey(origin),
    chainAccount: { ss58: identity.chainAccount.ss58, publicKey: hex(identity.chainAccount.publicKey) },
    ocmf: { curve: 'P-256', publicKey: hex(identity.ocmf.publicKeySpki) },
  };
  if (options.json === true) return printJson(document);
  print(`identity key    ${document.publicKey} (ed25519, key id ${document.keyId})`);
  print(`chain account   ${document.chainAccount.ss58}`);
  print(`OCMF key        ${document.ocmf.publicKey} (P-256, SPKI)`);
  print(`verifier key    ${document.verifierKey}`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
