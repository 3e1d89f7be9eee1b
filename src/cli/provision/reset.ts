import { existsSync } from 'node:fs';
import path from 'node:path';
import type { StationConfig } from '../../config/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import { note, print, printJson } from '../output.ts';
import { productVersion } from '../product-version.ts';
import { stateDirectory } from '../state-directory.ts';
import type { PlaceOptions } from './first-boot.ts';

export interface ResetOptions extends PlaceOptions {
  readonly confirm: string;
  readonly abandonAnchors?: true;
}

export async function resetStation(options: ResetOptions): Promise<void> {
  const { ProvisioningError, unfinishedResetOf } = await import('../../provisioning/index.ts');
  const directory = stateDirectory(options.state);
  const config = await configInForce(options);
  const name = unfinishedResetOf(directory) ?? config?.station.name;
  if (name === undefined || options.confirm !== name)
    throw new ProvisioningError(
      'provisioning.reset_not_confirmed',
      name === undefined ? '--config: nobody said which station this is' : `this station is ${name}`,
      { hint: `nothing was changed; to reset it: --confirm ${name ?? 'NAME'}` },
    );
  if (options.abandonAnchors !== true) await assertNothingUnderWay(directory);
  const keptIn = await reset(options, config, name);
  if (options.json === true) return printJson({ station: name, keptIn });
  print(`the evidence is in ${keptIn}: it verifies and exports without its key`);
  note('the next start is a first boot, with another identity and another log');
}

/** Goes on with one that was cut off; it was confirmed when it began. */
export async function finishReset(options: PlaceOptions): Promise<void> {
  const { unfinishedResetOf } = await import('../../provisioning/index.ts');
  const name = unfinishedResetOf(stateDirectory(options.state)) ?? '';
  const config = await configInForce(options).catch(() => undefined);
  note(`goes on with a factory reset that was cut off: ${await reset(options, config, name)}`);
}

async function reset(
  options: PlaceOptions,
  config: StationConfig | undefined,
  stationName: string,
): Promise<string> {
  const [{ CredentialSeed, factoryReset }, { highWaterOf, signedForChain }, service, { silentLog }] =
    await Promise.all([
      import('../../provisioning/index.ts'),
      import('../../station/index.ts'),
      import('../../service/index.ts'),
      import('../../../hal/contract/index.ts'),
    ]);
  const directory = stateDirectory(options.state);
  const credential = new CredentialSeed({ file: options.credential, key: 'auto', pcrs: '' });
  const { tpm, pkcs11 } = config?.identity ?? {};
  const seed = { tpm, pkcs11, credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'] };
  const { keptIn } = await factoryReset({
    ...{ stateDirectory: directory, outDirectory: options.out, stationName, seed, credential },
    identity: () => identityOf(directory, credential, seed, config),
    anchored: () => signedForChain(directory, silentLog),
    highWater: config && highWaterOf(config.journal, config.identity),
    software: `delmonicos-inside ${productVersion()} provision reset`,
    clock: service.systemMonotonicClock,
    // Nobody asked what the clock is worth; the entries say so.
    wallClock: { ...service.systemWallClock(), status: () => 'U' },
  });
  return keptIn;
}

/** The signed one goes before the file here too: it says where the seed and the high-water mark are. */
async function configInForce({ config, state }: PlaceOptions): Promise<StationConfig | undefined> {
  if (config === undefined) return undefined;
  const { effectiveConfiguration } = await import('../../provisioning/index.ts');
  const profiles = await import('../../../hal/profile/index.ts');
  const place = { configPath: config, stateDirectory: stateDirectory(state), profiles };
  return (await effectiveConfiguration({ ...place, log: () => {}, purpose: 'look' })).config;
}

async function identityOf(
  directory: string,
  credential: { readonly isThere: boolean; read(): Promise<Uint8Array> },
  seed: object,
  config: StationConfig | undefined,
): Promise<StationIdentity> {
  const [{ identityFromSeed, loadIdentity }, { readLogIdentity }] = await Promise.all([
    import('../../identity/index.ts'),
    import('../../journal/index.ts'),
  ]);
  const ss58Prefix = config?.chain?.ss58Prefix;
  if (!credential.isThere) {
    const signsNext = () => readLogIdentity(directory)?.signsNext;
    return await loadIdentity(directory, {
      ...seed,
      ...(ss58Prefix !== undefined && { ss58Prefix }),
      signsNext,
    });
  }
  const bytes = await credential.read();
  try {
    return identityFromSeed(bytes, ss58Prefix);
  } finally {
    bytes.fill(0);
  }
}

/** Nobody could follow them: the account's key goes with the seed. What is broadcast may still come into a block. */
async function assertNothingUnderWay(directory: string): Promise<void> {
  if (!existsSync(path.join(directory, 'outbox.db'))) return;
  const [{ ProvisioningError }, { readSyncStatus }] = await Promise.all([
    import('../../provisioning/index.ts'),
    import('../../sync/index.ts'),
  ]);
  const open = readSyncStatus(directory).intents.filter(
    ({ state }) => state !== 'planned' && state !== 'expired',
  );
  if (open.length === 0) return;
  throw new ProvisioningError(
    'provisioning.reset_unanchored',
    `${open.length} anchors are signed and not final: after a reset nobody follows them`,
    { hint: 'delmonicos sync now, and wait until it says final; or --abandon-anchors' },
  );
}
