import { openMetricsSocket } from '../../../service/index.ts';
import type { SyncStatus } from '../../../sync/index.ts';
import type { MetricFacts, StateDocuments, TelemetryStatistics } from '../../../telemetry/index.ts';
import type { MeteringEvent } from '../../../metering/index.ts';
import type { RetainedDocument } from '../retained-document.ts';
import { stationDocuments } from '../station-documents.ts';
import type { ViewParts } from '../station-view.ts';
import { RecentValues } from './recent-values.ts';

/** Figures of the station for a Prometheus server on the same machine. */
export interface Metrics {
  metering(event: MeteringEvent): void;
  followSync(status: () => SyncStatus): void;
  stop(): Promise<void>;
}

const NO_METRICS: Metrics = { metering: () => {}, followSync: () => {}, stop: () => Promise.resolve() };
/** What the documents say of the broker where there is none; nobody is told of it. */
const NO_STATISTICS: TelemetryStatistics = {
  ...{ connected: false, protocolVersion: '5' },
  ...{
    sent: 0,
    dropped: 0,
    queued: 0,
    inFlight: 0,
    sessions: 0,
    bytesSent: 0,
    bytesReceived: 0,
    notesDropped: 0,
  },
  budget: { bytesPerDay: null, bytesLastDay: 0, combined: 0, heldBack: [], tooSmall: false },
};

/**
 * Opens the socket where one is configured. The figures are those of the documents that a broker would get, made when they are
 * asked for; what they need is loaded only then. That it fails degrades the station.
 */
export async function openMetrics(
  parts: Omit<ViewParts, 'listeners'>,
  statistics: () => TelemetryStatistics | undefined,
  degraded: (error: unknown) => void,
): Promise<Metrics> {
  const { options, config, identity } = parts;
  const { clock, log, version } = options;
  const path = config.telemetry.prometheus?.socket;
  if (path === undefined) return NO_METRICS;
  try {
    const { metricsText } = await import('../../../telemetry/index.ts');
    const values = new RecentValues();
    let sync: () => SyncStatus | undefined = () => undefined;
    const documents = stationDocuments({
      ...parts,
      ...{ syncStatus: () => sync(), statistics: () => statistics() ?? NO_STATISTICS },
    });
    const station = {
      ...{ station: config.station.name, version, hasBroker: config.telemetry.mqtt !== undefined },
      publicKey: Buffer.from(identity.publicKey).toString('hex'),
    };
    const onError = (topic: string, error: unknown): void =>
      log('error', 'telemetry.not_published', { topic, error });
    const text = (): string =>
      metricsText({
        ...{ ...station, samples: values.samples, nowMonoMs: clock.nowMonoMs() },
        ...factsOf(documents, onError),
      });
    const socket = await openMetricsSocket({ path, text, clock, log });
    return {
      metering: (event) => {
        if (event.type === 'sample') values.put(event.meterId, event.sample);
      },
      followSync: (status) => (sync = status),
      stop: () => socket.close(),
    };
  } catch (error) {
    degraded(error);
    return NO_METRICS;
  }
}

/** One that cannot be made is left out. */
function factsOf(
  documents: readonly RetainedDocument[],
  onError: (topic: string, error: unknown) => void,
): Pick<MetricFacts, (keyof StateDocuments & keyof MetricFacts) | 'meters' | 'lines'> {
  const made = new Map<string, unknown>();
  for (const document of documents) {
    try {
      if (document.news() !== undefined) made.set(document.topic, document.make());
    } catch (error) {
      onError(document.topic, error);
    }
  }
  const one = <Topic extends keyof StateDocuments>(topic: Topic): StateDocuments[Topic] | undefined =>
    made.get(topic) as StateDocuments[Topic] | undefined;
  const each = <Document>(kind: 'meters' | 'lines'): ReadonlyMap<string, Document> =>
    new Map(
      [...made]
        .filter(([topic]) => topic.startsWith(`${kind}/`))
        .map(([topic, document]) => [topic.slice(kind.length + 1, -'/status'.length), document as Document]),
    );
  return {
    ...{ state: one('state'), journal: one('journal'), sync: one('sync'), health: one('health') },
    ...{ meters: each('meters'), lines: each('lines') },
  };
}
