import { StationError, type Log } from '../../../hal/contract/index.ts';
import { listProfileIds, loadProfile } from '../../../hal/profile/index.ts';
import {
  assertNoReset,
  ConfigurationDesk,
  effectiveConfiguration,
  type EffectiveConfiguration,
} from '../../provisioning/index.ts';
import type { ConfigurationFacts } from '../../health/index.ts';
import type { ConfigReason } from '../evidence/open-evidence.ts';
import { profilesOf, type Profiles } from '../meters/open-meters.ts';

/** A configuration that can be started with, whatever becomes of its file meanwhile. */
export interface Configuration extends EffectiveConfiguration {
  readonly profiles: Profiles;
}

export interface ConfigurationPlace {
  /** The file given by `--config`: what is gone by unless the OEM signed another one. */
  readonly configPath: string;
  readonly stateDirectory: string;
  readonly log: Log;
}

/**
 * Reads and checks the configuration to start with (the one the OEM signed, otherwise the file), and all that can be checked
 * before anything is opened. To look at it changes nothing; to start with one that is on trial costs it one of its starts.
 * @throws ConfigError `config.unreadable`, `config.invalid`; ProfileError; ProvisioningError `provisioning.config_io`,
 * `provisioning.reset_unfinished`
 */
export async function loadConfiguration(
  { configPath, stateDirectory, log }: ConfigurationPlace,
  purpose: 'start' | 'look' = 'start',
): Promise<Configuration> {
  if (purpose === 'start') assertNoReset(stateDirectory);
  const profiles = { listProfileIds, loadProfile };
  const found = await effectiveConfiguration({ configPath, stateDirectory, profiles, log, purpose });
  return { ...found, profiles: await profilesOf(found.config) };
}

export interface TrialOrder extends ConfigurationPlace {
  readonly configuration?: Configuration | undefined;
  /** Where another one ran until now, whoever asked for this start goes back to that. */
  readonly configReason?: ConfigReason | undefined;
}

/**
 * Starts with a configuration. When that is on trial and the station does not start with it, the one before is in force again;
 * the very first start of a process goes on with that.
 * @throws what `start` throws with a configuration that is not on trial, or of a start that is not the first
 */
export async function startOnTrial<Started>(
  place: TrialOrder,
  start: (configuration: Configuration) => Promise<Started>,
): Promise<Started> {
  const isFirst = place.configuration === undefined && (place.configReason ?? 'start') === 'start';
  for (;;) {
    const configuration = place.configuration ?? (await loadConfiguration(place));
    try {
      return await start(configuration);
    } catch (error) {
      // Another service has the station: that is nothing against the configuration which that one has on trial.
      if (!configuration.onTrial || codeOf(error) === 'journal.locked') throw error;
      const why = error instanceof Error ? error.message : String(error);
      place.log('error', 'config.rolled_back', { sequence: configuration.sequence, why });
      deskOf(place, configuration).rollBack(`the station does not start with it: ${why}`);
      if (!isFirst) throw error;
    }
  }
}

export function deskOf(
  { configPath, stateDirectory, log }: ConfigurationPlace,
  { config }: Pick<Configuration, 'config'>,
): ConfigurationDesk {
  const profiles = { listProfileIds, loadProfile };
  return new ConfigurationDesk({
    configPath,
    stateDirectory,
    profiles,
    log,
    stationName: config.station.name,
  });
}

/** What the health list says of it. @param onTrial as it is now: it may have been confirmed since the start */
export function inForce(
  { source, sequence, signedBy, problems, news }: Configuration,
  onTrial: boolean,
): Omit<ConfigurationFacts, 'notTaken'> {
  const rolledBack = news?.what === 'rolled-back' ? `configuration ${news.sequence}: ${news.why}` : null;
  const isOfRollback = ({ code }: { readonly code: string }): boolean =>
    code === 'provisioning.config_rolled_back';
  return {
    ...{ source, sequence, signedBy, onTrial },
    rolledBack: rolledBack ?? problems.find(isOfRollback)?.message ?? null,
    problems: problems.filter((one) => !isOfRollback(one)),
  };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof StationError ? error.code : undefined;
}

/** Why, for the `config` entry of a start; of a signed one also which. */
export function reasonOnRecord({ sequence, signedBy }: Configuration, reason: ConfigReason): string {
  return signedBy === null ? reason : `${reason}: signed configuration ${sequence} by ${signedBy}`;
}
