import type { StationConfig } from '../../config/index.ts';
import type { HealthItem } from '../../health/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import type { Journal, SignedCheckpoint } from '../../journal/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';
import type { WallClock } from '../../service/index.ts';
import type { SyncAnswer } from '../../sync/index.ts';
import type { Profiles } from '../meters/open-meters.ts';
import type { Reading } from '../meters/start-reading.ts';
import type { StationOptions } from '../station-options.ts';
import type { LogTail } from './log/log-tail.ts';

/** What handlers have of the station. The journal is read through `openJournalReader`, a connection of its own. */
export interface RemoteParts {
  readonly options: Pick<StationOptions, 'stateDirectory' | 'version' | 'clock' | 'log' | 'random'> & {
    readonly wallClock: WallClock;
  };
  readonly config: StationConfig;
  readonly profiles: Profiles;
  readonly identity: StationIdentity;
  readonly journal: Journal;
  readonly evidence: EvidenceLog;
  readonly reading: Pick<Reading, 'metering' | 'meters' | 'lines'>;
  /** The list as it is now, worst first. */
  readonly health: () => readonly HealthItem[];
  /** @throws ControlError `control.no_sync` where nothing is anchored, or not yet */
  readonly askSync: (request: { readonly sync: 'status' | 'now' }) => SyncAnswer;
  /** Undefined where no line of the log is published. */
  readonly logTail: LogTail | undefined;
  /** Of so many entries; of all there are unless given. @throws JournalError as signedTree */
  readonly signTree: (size?: number) => Promise<SignedCheckpoint>;
  /** Undefined until sync is open, and where there is none. */
  readonly anchoredSize: () => number | undefined;
}
