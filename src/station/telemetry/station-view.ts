import type { StationConfig } from '../../config/index.ts';
import { FAULTS, type HealthChange } from '../../health/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import type { Metering, MeteringEvent } from '../../metering/index.ts';
import type { SyncStatus } from '../../sync/index.ts';
import type {
  ConfigurationResultDocument,
  Listener,
  Telemetry,
  TelemetryStatistics,
} from '../../telemetry/index.ts';
import type { WallClock } from '../../service/index.ts';
import type { StationOptions } from '../station-options.ts';
import { budgetFile } from './budget-file.ts';
import { credentialFiles } from './credential-files.ts';
import { DocumentSchedule, type DocumentPace } from './document-schedule.ts';
import { stationDocuments, type DocumentSources } from './station-documents.ts';

export interface ViewParts extends Omit<
  DocumentSources,
  'options' | 'metering' | 'syncStatus' | 'statistics'
> {
  readonly options: StationOptions & { readonly wallClock: WallClock };
  readonly config: StationConfig;
  readonly identity: StationIdentity;
  readonly metering: Metering;
  /** What the station listens to. */
  readonly listeners: readonly Listener[];
  /** What a command must carry; undefined where nobody may send any. */
  readonly challenge?: string | undefined;
}

/** What an operator sees of the station over MQTT: a view, never the evidence itself. */
export interface StationView {
  metering(event: MeteringEvent): void;
  sync(status: SyncStatus): void;
  configurationResult(document: ConfigurationResultDocument): void;
  /** The list has become another one. */
  health(): void;
  /** A fault is raised or cleared. */
  healthChange(change: HealthChange): void;
  /** Of the session with the broker; undefined: there is no telemetry. */
  broker(): TelemetryStatistics | undefined;
  /** Whether a broker is reached right now. */
  isConnected(): boolean;
  /** Where the figures come from that change while nothing happens. */
  followSync(status: () => SyncStatus): void;
  /** For answers and lines of the log; undefined: there is none. */
  readonly telemetry: Telemetry | undefined;
  close(): Promise<void>;
}

export const NO_VIEW: StationView = {
  metering: () => {},
  sync: () => {},
  configurationResult: () => {},
  health: () => {},
  healthChange: () => {},
  broker: () => undefined,
  isConnected: () => false,
  followSync: () => {},
  telemetry: undefined,
  close: async () => {},
};

/** Opens telemetry when it is configured. Its library is loaded only then; that it fails degrades the station. */
export async function openView(parts: ViewParts, degraded: (error: unknown) => void): Promise<StationView> {
  const { mqtt } = parts.config.telemetry;
  if (mqtt === undefined) return NO_VIEW;
  try {
    const { openTelemetry } = await import('../../telemetry/index.ts');
    const { announceTo } = await import('./outlets/home-assistant-news.ts');
    const { clock, random, log, version, credentialsDirectory } = parts.options;
    const { journal, identity } = parts;
    const telemetry = openTelemetry(
      {
        url: mqtt.url,
        ...(mqtt.serverName !== undefined && { serverName: mqtt.serverName }),
        stationName: parts.config.station.name,
        birth: {
          version,
          identity: {
            publicKey: Buffer.from(identity.publicKey).toString('hex'),
            account: identity.chainAccount.ss58,
            origin: journal.origin,
          },
          boot: { count: journal.bootCount, reason: journal.startReason },
        },
        credentials: credentialFiles(credentialsDirectory, mqtt.username),
        listeners: parts.listeners,
        challenge: parts.challenge,
        bytesPerDay: mqtt.bytesPerDay,
      },
      { clock, random, log, budgetKeeper: budgetFile(parts.options.runtimeDirectory, log) },
    );
    const announce = announceTo(telemetry, parts.config, version);
    return new TelemetryView(parts, telemetry, paceOf(telemetry), announce);
  } catch (error) {
    degraded(error);
    return NO_VIEW;
  }
}

/** The list is told when it changes; its figures are for people. */
const HEALTH_FIGURES_MS = 3_600_000;

/** As often as the day's budget allows. */
function paceOf(telemetry: Telemetry): DocumentPace {
  return {
    figuresEveryMs: (topic) =>
      Math.max(topic === 'health' ? HEALTH_FIGURES_MS : 0, telemetry.figuresEveryMs()),
  };
}

type Announce = (event: Extract<MeteringEvent, { type: 'sample' }>) => void;

class TelemetryView implements StationView {
  readonly #parts: ViewParts;
  readonly #telemetry: Telemetry;
  readonly #schedule: DocumentSchedule;
  /** Tells Home Assistant of what is new in a sample. */
  readonly #announce: Announce;
  #syncStatus: () => SyncStatus | undefined = () => undefined;

  constructor(parts: ViewParts, telemetry: Telemetry, pace: DocumentPace, announce: Announce) {
    const { clock, log } = parts.options;
    this.#parts = parts;
    this.#telemetry = telemetry;
    this.#announce = announce;
    this.#schedule = new DocumentSchedule({
      documents: stationDocuments({
        ...parts,
        syncStatus: () => this.#syncStatus(),
        statistics: () => telemetry.statistics(),
      }),
      publish: (topic, document) => telemetry.publishState(topic, document),
      ...{ pace, clock },
      onError: (topic, error) => log('error', 'telemetry.not_published', { topic, error }),
    });
  }

  metering(event: MeteringEvent): void {
    if (event.type === 'sample') {
      const { wallClock } = this.#parts.options;
      const stamp = { time: wallClock.nowWallMs(), clock: wallClock.status() };
      this.#telemetry.publishSample(event.meterId, event.sample, stamp);
      this.#announce(event);
    } else this.#schedule.look(`meters/${event.status.meterId}/status`);
  }

  sync(status: SyncStatus): void {
    if (this.#syncStatus() === undefined) this.#syncStatus = () => status;
    this.#schedule.look('sync');
    this.#schedule.look('journal');
  }

  configurationResult(document: ConfigurationResultDocument): void {
    this.#attempt('config/result', () => this.#telemetry.publishState('config/result', document));
  }

  isConnected(): boolean {
    return this.#telemetry.statistics().connected;
  }

  health(): void {
    this.#schedule.look('health');
  }

  healthChange({ type, code, subject, detail }: HealthChange): void {
    const { clock, wallClock } = this.#parts.options;
    this.#attempt('health/change', () =>
      this.#telemetry.publishNote('health/change', {
        ...{ type, code, severity: FAULTS[code].severity },
        ...(subject !== undefined && { subject }),
        detail,
        atMs: Math.floor(clock.nowMonoMs()),
        ...{ time: wallClock.nowWallMs(), clock: wallClock.status() },
      }),
    );
  }

  get telemetry(): Telemetry {
    return this.#telemetry;
  }

  broker(): TelemetryStatistics {
    return this.#telemetry.statistics();
  }

  followSync(status: () => SyncStatus): void {
    this.#syncStatus = status;
    this.#schedule.look('sync');
    this.#schedule.look('journal');
  }

  async close(): Promise<void> {
    await this.#schedule.stop(['journal']);
    await this.#telemetry.close();
  }

  /** A view that cannot be made is no reason to end anything. */
  #attempt(topic: string, publish: () => void): void {
    try {
      publish();
    } catch (error) {
      this.#parts.options.log('error', 'telemetry.not_published', { topic, error });
    }
  }
}
