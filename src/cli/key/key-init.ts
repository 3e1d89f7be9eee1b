import { configOf, placesOf } from './key-rotate.ts';
import { showKey } from './key-show.ts';
import { ExitCode, note } from '../output.ts';
import { productVersion } from '../product-version.ts';
import { seedOptions, type SealingOptions } from './seed-options.ts';

export interface InitOptions extends SealingOptions {
  readonly json?: true;
  readonly afterLoss?: true;
  readonly config?: string;
}

export async function initKey(directory: string, options: InitOptions): Promise<void> {
  if (options.afterLoss === true) return await beginAgain(directory, options);
  const { createRootSeed, IdentityError } = await import('../../identity/index.ts');
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

/** The log goes on being readable; what writes from here on is another identity. */
async function beginAgain(directory: string, options: InitOptions): Promise<void> {
  const [{ beginAfterLoss, highWaterOf }, { systemMonotonicClock, systemWallClock }] = await Promise.all([
    import('../../station/index.ts'),
    import('../../service/index.ts'),
  ]);
  const config = await configOf(options.config);
  const ss58Prefix = config?.chain?.ss58Prefix ?? 42;
  const { kept } = await beginAfterLoss({
    stateDirectory: directory,
    seed: { ...seedOptions(options), ...placesOf(config, options) },
    highWater: config && highWaterOf(config.journal, config.identity),
    ss58Prefix,
    software: `delmonicos-inside ${productVersion()} key init`,
    clock: systemMonotonicClock,
    // Nobody asked what the clock is worth; the entries say so.
    wallClock: { ...systemWallClock(), status: () => 'U' },
  });
  const what = kept.origin === null ? 'a log that cannot be read' : `${kept.size} entries of ${kept.origin}`;
  note(`kept ${what} in ${directory}/${kept.keptAs}: it verifies, exports and proves without its key`);
  await showKey(directory, { ss58Prefix, ...(options.json && { json: true }) });
}

const BACKUP_WORDS = {
  file: 'keep a backup where it is safe',
  tpm: 'only this TPM opens it, so that there is no backup: docs/keys.md says what a loss means',
  pkcs11: "only that token has it: back it up with the token's own means, if it has any",
} as const;
