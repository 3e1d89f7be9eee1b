import { InvariantError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import type { Journal } from '../../journal/index.ts';
import type { Metering } from '../../metering/index.ts';
import { newsOf as newsOfHealth } from '../../health/index.ts';
import type { SyncStatus } from '../../sync/index.ts';
import type { TelemetryStatistics } from '../../telemetry/index.ts';
import type { Configuration } from '../configuration/load-configuration.ts';
import type { EvidenceFacts } from '../evidence/acknowledged-evidence.ts';
import { healthDocument } from '../health/health-document.ts';
import type { HealthFigures } from '../health/watch-health.ts';
import type { OpenedLine } from '../meters/open-meters.ts';
import type { StationOptions } from '../station-options.ts';
import type { WallClock } from '../../service/index.ts';
import { journalDocument, journalNews, LostEntriesWatch, type JournalFacts } from './journal-document.ts';
import { LineDocumentMaker, lineNews, type LineParts } from './line-document.ts';
import { meterDocument, meterNews, type MeterParts } from './meter-document.ts';
import type { RetainedDocument } from './retained-document.ts';
import { readOwnResources, StateDocumentMaker, stateNews, type StateFacts } from './state-document.ts';
import { syncDocument, syncNews } from './sync-document.ts';

/** Where the facts of the documents come from; all of it can be asked at any time, and costs little. */
export interface DocumentSources {
  readonly options: Pick<StationOptions, 'clock' | 'log' | 'stateDirectory'> & {
    readonly wallClock: WallClock;
  };
  readonly config: StationConfig;
  readonly configuration: Pick<Configuration, 'source' | 'sequence' | 'signedBy'>;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configHash: string;
  /** Whether that has still to show that the station is well with it. */
  readonly isOnTrial: () => boolean;
  readonly journal: Journal;
  readonly evidenceFacts: () => EvidenceFacts;
  readonly metering: Pick<Metering, 'status' | 'facts'>;
  readonly lines: readonly OpenedLine[];
  readonly figures: () => HealthFigures;
  /** Undefined: there is no chain, or it is not open yet. */
  readonly syncStatus: () => SyncStatus | undefined;
  readonly statistics: () => TelemetryStatistics;
}

/** Every retained document that the station fills, but the one that says what became of a configuration. */
export function stationDocuments(sources: DocumentSources): readonly RetainedDocument[] {
  const { config } = sources;
  return [
    stateOf(sources),
    healthOf(sources),
    ...config.meters.map(({ id }) => meterOf(sources, id)),
    ...config.lines.map(({ id }) => lineOf(sources, id)),
    journalOf(sources),
    syncOf(sources),
  ];
}

function stateOf(sources: DocumentSources): RetainedDocument<'state'> {
  const { options, configuration, configHash, journal, figures, statistics, isOnTrial } = sources;
  const { clock, wallClock } = options;
  const maker = new StateDocumentMaker(clock.nowMonoMs() - readOwnResources().uptimeMs);
  const { source, sequence, signedBy } = configuration;
  const inForce = (): Pick<StateFacts, 'clock' | 'configHash' | 'configuration'> => ({
    ...{ clock: wallClock.status(), configHash },
    configuration: { source, sequence, signedBy, onTrial: isOnTrial() },
  });
  return {
    topic: 'state',
    news: () => stateNews({ ...inForce(), telemetry: statistics() }),
    make: () => {
      const { loopDelay, memory } = figures();
      const boot = { count: journal.bootCount, reason: journal.startReason };
      const now = { nowMonoMs: clock.nowMonoMs(), time: wallClock.nowWallMs() };
      const facts = { ...now, ...inForce(), boot, loopDelay, memory, telemetry: statistics() };
      return maker.make(facts, readOwnResources());
    },
  };
}

function healthOf({ options, figures }: DocumentSources): RetainedDocument<'health'> {
  const { wallClock } = options;
  return {
    topic: 'health',
    news: () => {
      const { items } = figures();
      return items.length === 0 ? undefined : newsOfHealth(items);
    },
    make: () => {
      const { items, asOfMonoMs } = figures();
      const now = { time: wallClock.nowWallMs(), clock: wallClock.status() };
      return healthDocument(items, { asOfMs: Math.floor(asOfMonoMs), ...now });
    },
  };
}

function meterOf(
  { config, metering, lines }: DocumentSources,
  id: string,
): RetainedDocument<`meters/${string}/status`> {
  const parts = (): MeterParts | undefined => {
    const meter = config.meters.find((one) => one.id === id);
    const status = metering.status().find(({ meterId }) => meterId === id);
    if (meter === undefined || status === undefined) return undefined;
    const facts = metering.facts().find(({ meterId }) => meterId === id);
    const line = lines.find((one) => one.id === meter.line)?.statistics();
    return { config: meter, status, facts, line };
  };
  return {
    topic: `meters/${id}/status`,
    news: () => {
      const known = parts();
      return known && meterNews(known);
    },
    make: () => meterDocument(there(parts())),
  };
}

function lineOf(
  { options, config, lines }: DocumentSources,
  id: string,
): RetainedDocument<`lines/${string}/status`> {
  const begun = lines.find((one) => one.id === id)?.statistics();
  const busyMs = begun !== undefined && 'busyMs' in begun ? begun.busyMs : 0;
  const maker = new LineDocumentMaker(busyMs, options.clock.nowMonoMs());
  const meters = config.meters.filter(({ line }) => line === id).length;
  const parts = (): LineParts => {
    const opened = lines.find((one) => one.id === id);
    const line = there(config.lines.find((one) => one.id === id));
    const told = { statistics: opened?.statistics(), trouble: opened?.trouble() ?? null };
    return { config: line, meters, ...told };
  };
  return {
    topic: `lines/${id}/status`,
    news: () => lineNews(parts()),
    make: () => maker.make(parts(), options.clock.nowMonoMs()),
  };
}

function journalOf(sources: DocumentSources): RetainedDocument<'journal'> {
  const { options, config, journal, evidenceFacts, figures, syncStatus } = sources;
  const lost = new LostEntriesWatch(options.stateDirectory);
  const told = (): Pick<JournalFacts, 'anchoredSize' | 'evidence'> => ({
    anchoredSize: syncStatus()?.anchoredSize ?? 0,
    evidence: evidenceFacts(),
  });
  return {
    topic: 'journal',
    news: () => journalNews(told()),
    make: () =>
      journalDocument({
        ...{ journal, ...told(), maxSizeBytes: config.journal.maxSizeBytes, flash: figures().flash },
        lost: lost.read(options.clock.nowMonoMs(), (error) =>
          options.log('warning', 'telemetry.log_not_read', { error }),
        ),
      }),
  };
}

function syncOf({ syncStatus }: DocumentSources): RetainedDocument<'sync'> {
  return {
    topic: 'sync',
    news: () => {
      const status = syncStatus();
      return status && syncNews(syncDocument(status));
    },
    make: () => syncDocument(there(syncStatus())),
  };
}

/** A document is made only after its news, which are made of the same. */
function there<Fact>(fact: Fact | undefined): Fact {
  if (fact === undefined) throw new InvariantError('a document is made of what is not there');
  return fact;
}
