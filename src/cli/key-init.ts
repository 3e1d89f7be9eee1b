import { showKey } from './key-show.ts';
import { ExitCode, note } from './output.ts';
import { seedOptions, type SealingOptions } from './seed-options.ts';

export interface InitOptions extends SealingOptions {
  readonly json?: true;
  readonly afterLoss?: true;
}

export async function initKey(directory: string, options: InitOptions): Promise<void> {
  const { createRootSeed, IdentityError } = await import('../identity/index.ts');
  try {
    const file = await createRootSeed(directory, seedOptions(options));
    note(`made ${file}; ${BACKUP_WORDS[options.seal ?? 'file']}`);
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'identity.seed_exists') throw error;
    note(`${error.message}; nothing was changed`);
    process.exitCode = ExitCode.bad;
    return;
  }
  await showKey(directory, { ss58Prefix: 42, ...(options.json && { json: true }) });
}

const BACKUP_WORDS = {
  file: 'keep a backup where it is safe',
  tpm: 'only this TPM opens it, so that there is no backup: docs/keys.md says what a loss means',
  pkcs11: "only that token has it: back it up with the token's own means, if it has any",
} as const;
