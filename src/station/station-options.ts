import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import type { GatewayPlace } from '../chain/index.ts';
import type { TimeStatusOptions, WallClock } from '../service/index.ts';
import type { TrialTimes } from './configuration/configuration-intake.ts';
import type { Configuration } from './configuration/load-configuration.ts';
import type { ConfigReason } from './evidence/open-evidence.ts';
import type { OnStationPhase } from './lifecycle/station-phase.ts';
import type { StationEvent } from './station-event.ts';

export interface StationOptions {
  readonly configPath: string;
  /** In place of what is in the file now: goes on with one that was read before. */
  readonly configuration?: Configuration | undefined;
  /** What a start with the newest configuration threw, where this one is gone on with instead. */
  readonly notTaken?: unknown;
  /** Goes into the `config` entry that says which configuration holds from here on. Default: start. */
  readonly configReason?: ConfigReason;
  readonly stateDirectory: string;
  /** systemd's `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsDirectory?: string | undefined;
  /** systemd's `$RUNTIME_DIRECTORY`: in memory, and there until the machine is started anew. */
  readonly runtimeDirectory?: string | undefined;
  /** Whether the very first start makes a root seed where there is none. Default: yes. */
  readonly mayMakeSeed?: boolean;
  /** Where the chain gateway comes from. */
  readonly gatewayEntry: GatewayPlace;
  readonly version: string;
  readonly clock: MonotonicClock;
  readonly wallClock: Pick<WallClock, 'nowWallMs'>;
  /** In place of the system's sources of time. */
  readonly timeSources?: TimeStatusOptions['ask'];
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Log;
  readonly onEvent: (event: StationEvent) => void;
  readonly onPhase?: OnStationPhase;
  /** Asks for what SIGHUP asks for: to be started anew with the configuration that there is then. */
  readonly reload?: (why: string) => void;
  /** How long a configuration that the OEM sent is on trial. */
  readonly trialTimes?: TrialTimes;
}
