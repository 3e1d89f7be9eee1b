import { existsSync } from 'node:fs';
import path from 'node:path';
import type { StationConfig } from '../../config/index.ts';
import type { HealthItem } from '../../health/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { Metering, MeteringEvent } from '../../metering/index.ts';
import type { WallClock } from '../../service/index.ts';
import type { SyncStatus } from '../../sync/index.ts';
import type {
  ConfigurationResultDocument,
  CredentialFiles,
  Listener,
  Telemetry,
  TelemetryStatistics,
} from '../../telemetry/index.ts';
import { healthDocument } from '../health/health-document.ts';
import type { Configuration } from '../configuration/load-configuration.ts';
import type { StationOptions } from '../station-options.ts';
import { syncDocument, syncNews } from './sync-document.ts';

/** How often the retained figures are renewed. An unchanged document is not sent again. */
const REFRESH_MS = 5_000;
/** Of those refreshes, how many for one of the bytes, memory and ages of a gateway that runs. */
const REFRESHES_PER_SYNC = 12;
/** Of those, how many for one of the health list's figures: it is told when it changes. */
const REFRESHES_PER_HEALTH = 720;

export interface ViewParts {
  readonly options: StationOptions & { readonly wallClock: WallClock };
  readonly config: StationConfig;
  readonly configuration: Pick<Configuration, 'source' | 'sequence' | 'signedBy'>;
  /** Whether that has still to show that the station is well with it. */
  readonly isOnTrial: () => boolean;
  readonly identity: StationIdentity;
  readonly journal: Journal;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configHash: string;
  readonly metering: Metering;
  /** What the station listens to. */
  readonly listeners: readonly Listener[];
}

/** What an operator sees of the station over MQTT: a view, never the evidence itself. */
export interface StationView {
  metering(event: MeteringEvent): void;
  sync(status: SyncStatus): void;
  configurationResult(document: ConfigurationResultDocument): void;
  /** The list has become another one. */
  health(items: readonly HealthItem[]): void;
  /** Where the list comes from, for the first time and for being renewed once an hour. */
  followHealth(list: () => readonly HealthItem[]): void;
  /** Of the session with the broker; undefined: there is no telemetry. */
  broker(): Pick<TelemetryStatistics, 'connected' | 'failure'> | undefined;
  /** Whether a broker is reached right now. */
  isConnected(): boolean;
  /** Where the figures come from that change while nothing happens. */
  followSync(status: () => SyncStatus): void;
  close(): Promise<void>;
}

const NO_VIEW: StationView = {
  metering: () => {},
  sync: () => {},
  configurationResult: () => {},
  health: () => {},
  followHealth: () => {},
  broker: () => undefined,
  isConnected: () => false,
  followSync: () => {},
  close: async () => {},
};

/** Opens telemetry when it is configured. Its library is loaded only then; that it fails degrades the station. */
export async function openView(parts: ViewParts, degraded: (error: unknown) => void): Promise<StationView> {
  const { mqtt } = parts.config.telemetry;
  if (mqtt === undefined) return NO_VIEW;
  try {
    const { openTelemetry } = await import('../../telemetry/index.ts');
    const { clock, random, log, version, credentialsDirectory } = parts.options;
    const telemetry = openTelemetry(
      {
        url: mqtt.url,
        stationName: parts.config.station.name,
        birth: {
          version,
          identity: {
            publicKey: Buffer.from(parts.identity.publicKey).toString('hex'),
            account: parts.identity.chainAccount.ss58,
            origin: parts.journal.origin,
          },
          boot: { count: parts.journal.bootCount },
        },
        credentials: credentialFiles(credentialsDirectory, mqtt.username),
        listeners: parts.listeners,
      },
      { clock, random, log },
    );
    return new TelemetryView(parts, telemetry);
  } catch (error) {
    degraded(error);
    return NO_VIEW;
  }
}

class TelemetryView implements StationView {
  readonly #parts: ViewParts;
  readonly #telemetry: Telemetry;
  readonly #abort = new AbortController();
  readonly #refreshing: Promise<void>;
  #anchoredSize = 0;
  /** What was last told of sync, without the figures that always move. */
  #toldOfSync = '';
  #syncStatus: (() => SyncStatus) | undefined;
  #health: (() => readonly HealthItem[]) | undefined;

  constructor(parts: ViewParts, telemetry: Telemetry) {
    this.#parts = parts;
    this.#telemetry = telemetry;
    this.#refreshing = this.#refresh();
  }

  metering(event: MeteringEvent): void {
    if (event.type === 'sample') {
      const { wallClock } = this.#parts.options;
      const stamp = { time: wallClock.nowWallMs(), clock: wallClock.status() };
      this.#telemetry.publishSample(event.meterId, event.sample, stamp);
    } else this.#publishMeter(event.status.meterId);
  }

  sync(status: SyncStatus): void {
    this.#anchoredSize = status.anchoredSize;
    const document = syncDocument(status);
    const news = syncNews(document);
    if (news === this.#toldOfSync) return;
    this.#toldOfSync = news;
    this.#telemetry.publishState('sync', document);
    this.#publishJournal();
  }

  configurationResult(document: ConfigurationResultDocument): void {
    this.#attempt(() => this.#telemetry.publishState('config/result', document));
  }

  isConnected(): boolean {
    return this.#telemetry.statistics().connected;
  }

  health(items: readonly HealthItem[]): void {
    const { clock, wallClock } = this.#parts.options;
    const now = { time: wallClock.nowWallMs(), clock: wallClock.status() };
    const document = healthDocument(items, { asOfMs: Math.floor(clock.nowMonoMs()), ...now });
    this.#attempt(() => this.#telemetry.publishState('health', document));
  }

  followHealth(list: () => readonly HealthItem[]): void {
    this.#health = list;
    this.health(list());
  }

  broker(): Pick<TelemetryStatistics, 'connected' | 'failure'> {
    return this.#telemetry.statistics();
  }

  followSync(status: () => SyncStatus): void {
    this.#syncStatus = status;
    this.#attempt(() => this.sync(status()));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#refreshing;
    this.#attempt(() => this.#publishJournal());
    await this.#telemetry.close();
  }

  async #refresh(): Promise<void> {
    const { clock } = this.#parts.options;
    for (let round = 1; !this.#abort.signal.aborted; round++) {
      this.#attempt(() => {
        for (const { meterId } of this.#parts.metering.status()) this.#publishMeter(meterId);
        this.#publishJournal();
        this.#publishState();
        if (round % REFRESHES_PER_SYNC === 0) this.#refreshSync();
        if (round % REFRESHES_PER_HEALTH === 0) this.health(this.#health?.() ?? []);
      });
      await clock.sleep(REFRESH_MS, this.#abort.signal).catch(() => undefined);
    }
  }

  /** Without a gateway only ages change, and whoever reads them can go on counting. */
  #refreshSync(): void {
    const status = this.#syncStatus?.();
    if (status === undefined || status.gateway === null) return;
    this.#toldOfSync = '';
    this.sync(status);
  }

  /** A view that cannot be made is no reason to end anything. */
  #attempt(publish: () => void): void {
    try {
      publish();
    } catch (error) {
      this.#parts.options.log('error', 'telemetry.not_published', { error });
    }
  }

  #publishMeter(meterId: string): void {
    const status = this.#parts.metering.status().find((meter) => meter.meterId === meterId);
    const meter = this.#parts.config.meters.find(({ id }) => id === meterId);
    if (status === undefined || meter === undefined) return;
    const { serial, profileId, lastSampleMonoMs, errorCode, state } = status;
    const { samples, failures, skippedSlots, implausible } = status;
    this.#telemetry.publishState(`meters/${meterId}/status`, {
      meter: { id: meterId, serial, profile: profileId },
      state,
      failure: errorCode,
      samples,
      failures,
      skippedSlots,
      implausible,
      lastSampleMs: lastSampleMonoMs === null ? null : Math.round(lastSampleMonoMs),
    });
  }

  #publishJournal(): void {
    const { journal } = this.#parts;
    this.#telemetry.publishState('journal', {
      size: journal.size,
      root: Buffer.from(journal.root).toString('hex'),
      bytes: journal.diskBytes(),
      backlog: Math.max(0, journal.size - this.#anchoredSize),
    });
  }

  #publishState(): void {
    const { wallClock } = this.#parts.options;
    const { source, sequence, signedBy } = this.#parts.configuration;
    this.#telemetry.publishState('state', {
      uptimeMs: Math.floor(process.uptime() * 1_000),
      time: wallClock.nowWallMs(),
      clock: wallClock.status(),
      configHash: this.#parts.configHash,
      configuration: { source, sequence, signedBy, onTrial: this.#parts.isOnTrial() },
      rssBytes: process.memoryUsage.rss(),
      telemetry: this.#telemetry.statistics(),
    });
  }
}

/**
 * Secrets of the broker connection, as systemd hands them over (LoadCredential=mqtt-password:...); those that are not there
 * are not used.
 */
function credentialFiles(directory: string | undefined, username: string | undefined): CredentialFiles {
  const file = (name: string): string | undefined => {
    const candidate = directory === undefined ? undefined : path.join(directory, name);
    return candidate !== undefined && existsSync(candidate) ? candidate : undefined;
  };
  const found = {
    username,
    passwordFile: file('mqtt-password'),
    caFile: file('mqtt-ca'),
    certFile: file('mqtt-cert'),
    keyFile: file('mqtt-key'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
