import type { StationConfig } from '../../config/index.ts';
import type { SeedOptions } from '../../identity/index.ts';
import { keyDocument } from './key-show.ts';
import { note, print, printJson } from '../output.ts';
import { productVersion } from '../product-version.ts';
import { seedOptions, type SealingOptions } from './seed-options.ts';

export interface RotateOptions extends SealingOptions {
  readonly json?: true;
  readonly destroyOld?: true;
  readonly ss58Prefix: number;
  readonly config?: string;
}

export async function rotateKeyCommand(directory: string, options: RotateOptions): Promise<void> {
  const [{ highWaterOf, rotateStationKey }, { systemMonotonicClock, systemWallClock }] = await Promise.all([
    import('../../station/index.ts'),
    import('../../service/index.ts'),
  ]);
  const { seal, ...sealing } = options;
  const config = await configOf(options.config);
  const { origin, before, after, index, oldSeed } = await rotateStationKey({
    stateDirectory: directory,
    seed: { ...seedOptions(sealing), ...placesOf(config, sealing) },
    highWater: config && highWaterOf(config.journal, config.identity),
    moveTo: seal,
    keepOld: options.destroyOld !== true,
    ss58Prefix: config?.chain?.ss58Prefix ?? options.ss58Prefix,
    software: `delmonicos-inside ${productVersion()} key rotate`,
    clock: systemMonotonicClock,
    // Nobody asked what the clock is worth; the two entries say so.
    wallClock: { ...systemWallClock(), status: () => 'U' },
  });
  const document = {
    ...keyDocument(after, origin),
    rotation: {
      index,
      oldPublicKey: Buffer.from(before.publicKey).toString('hex'),
      oldSeed: oldSeed ?? null,
    },
  };
  if (options.json === true) return printJson(document);
  print(`entry ${index} of ${origin} hands it over, signed by both keys`);
  print(`identity key    ${document.publicKey} (ed25519, key id ${document.keyId})`);
  print(`chain account   ${document.chainAccount.ss58}`);
  print(`verifier key    ${document.verifierKey}`);
  note(`the new chain account needs money before it can anchor; the old one was ${before.chainAccount.ss58}`);
  if (oldSeed !== undefined) note(`the old seed is kept as ${oldSeed}: remove it once its account is empty`);
}

/** Without one, what the state directory says is enough, unless the configuration puts something elsewhere. */
export async function configOf(file: string | undefined): Promise<StationConfig | undefined> {
  if (file === undefined) return undefined;
  const { loadStationConfig } = await import('../../config/index.ts');
  return loadStationConfig(file);
}

/** How the TPM or the token is reached; the command line goes before the configuration. */
export function placesOf(
  config: StationConfig | undefined,
  { tcti, pcrs, module, token }: SealingOptions,
): SeedOptions {
  const { tpm, pkcs11 } = config?.identity ?? {};
  return {
    tpm: { tcti: tcti ?? tpm?.tcti, pcrs: pcrs ?? tpm?.pcrs },
    pkcs11: { module: module ?? pkcs11?.module, token: token ?? pkcs11?.token },
  };
}
