import type { StationConfig } from '../../config/index.ts';
import { createRootSeed, IdentityError, loadIdentity, type StationIdentity } from '../../identity/index.ts';
import { journalDiskBytes, readLogIdentity, signerOfDamaged } from '../../journal/index.ts';
import type { StationOptions } from '../station-options.ts';

/** The station's keys; on the very first start the root seed is made, unless somebody else does that. */
export async function ownIdentity(
  options: Pick<StationOptions, 'stateDirectory' | 'credentialsDirectory' | 'mayMakeSeed' | 'log'>,
  { identity: seed, chain }: StationConfig,
): Promise<StationIdentity> {
  const { stateDirectory, credentialsDirectory, mayMakeSeed = true, log } = options;
  const load = (): Promise<StationIdentity> =>
    loadIdentity(stateDirectory, {
      ...{ credentialsDirectory, ...seed, ...(chain && { ss58Prefix: chain.ss58Prefix }) },
      signsNext: () => readLogIdentity(stateDirectory)?.signsNext ?? signerOfDamaged(stateDirectory),
      finishRotation: true,
    });
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'identity.seed_missing') throw error;
    // A log without its seed: a new one could not go on with it, and would stand in the way of the backup.
    if (!mayMakeSeed || journalDiskBytes(stateDirectory) > 0) throw error;
    await createRootSeed(stateDirectory, { credentialsDirectory, ...seed });
    const identity = await load();
    log('info', 'identity.created', { chainAccount: identity.chainAccount.ss58 });
    return identity;
  }
}
