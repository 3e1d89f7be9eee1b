import type { StationIdentity } from '../../identity/index.ts';
import { highWaterOf, signedForChain, stationOrigin } from './known-elsewhere.ts';
import { reasonOnRecord, type Configuration } from '../configuration/load-configuration.ts';
import { openEvidence, type Evidence } from './open-evidence.ts';
import type { StationTime } from '../time/open-time.ts';
import type { TroubleNotes } from '../health/station-troubles.ts';
import type { StationOptions } from '../station-options.ts';

interface OwnParts {
  readonly troubles: TroubleNotes;
  readonly options: StationOptions;
  readonly time: StationTime;
  readonly configuration: Configuration;
  readonly identity: StationIdentity;
}

/** The journal of this station, with all that is known of it elsewhere. @throws JournalError as openEvidence */
export async function openOwnEvidence(
  { options, configuration, identity, time, troubles }: OwnParts,
  degraded: (part: 'journal', error: unknown) => void,
): Promise<Evidence> {
  const { stateDirectory, onPhase } = options;
  const { config, digest } = configuration;
  return await openEvidence({
    directory: stateDirectory,
    origin: config.station.origin ?? stationOrigin(stateDirectory, identity, config.journal),
    anchored: await signedForChain(stateDirectory, options.log),
    software: `delmonicos-inside ${options.version}`,
    config: { digest, reason: reasonOnRecord(configuration, options.configReason ?? 'start') },
    identity,
    ...config.journal,
    highWater: highWaterOf(config.journal, config.identity),
    clock: options.clock,
    clockKeeper: time.keeper,
    log: options.log,
    onProgress: (progress) => onPhase?.({ phase: 'recovery', progress }),
    onDamage: (error, keptAs) => {
      options.log('error', 'journal.set_aside', { keptAs });
      troubles.noteSetAside(error, keptAs);
      degraded('journal', error);
    },
  });
}
