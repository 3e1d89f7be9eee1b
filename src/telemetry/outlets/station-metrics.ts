import type { MetricFamily, MetricSample } from './exposition.ts';
import type { MetricFacts } from './metric-facts.ts';

type Figure = number | string | boolean | null | undefined;
type Labels = Readonly<Record<string, string>>;

/** A family of one value, left out where there is none. */
function figures(
  labels: Labels,
): (name: string, type: MetricFamily['type'], help: string, value: Figure) => MetricFamily {
  return (name, type, help, value) => ({
    ...{ name: `delmonicos_${name}`, type, help },
    samples:
      value === null || value === undefined
        ? []
        : [{ labels, value: typeof value === 'boolean' ? Number(value) : value }],
  });
}

/** The process, its clock and its way to the broker. Pure. */
export function stateFamilies({
  station,
  version,
  publicKey,
  state,
  hasBroker,
}: MetricFacts): MetricFamily[] {
  const one = figures({ station });
  const told = hasBroker ? state?.telemetry : undefined;
  const hash = state?.configHash ?? '';
  return [
    {
      ...{ name: 'delmonicos_station_info', type: 'gauge', help: 'Which station it is, and what it runs.' },
      samples: [{ labels: { station, version, public_key: publicKey, config_hash: hash }, value: 1 }],
    },
    one('uptime_seconds', 'gauge', 'How long the service has been running.', seconds(state?.uptimeMs)),
    one('boots_total', 'counter', 'Boots of the machine that the log has seen.', state?.boot.count),
    one('clock_synchronised', 'gauge', 'Whether the time is synchronised.', state && state.clock === 'S'),
    one('resident_memory_bytes', 'gauge', 'Resident memory of the service.', state?.rssBytes),
    one('heap_bytes', 'gauge', 'JavaScript heap in use.', state?.heapBytes),
    one('open_files', 'gauge', 'File descriptors of the service.', state?.openFiles),
    one(
      'configuration_on_trial',
      'gauge',
      'Whether the configuration is on trial.',
      state?.configuration.onTrial,
    ),
    one('broker_connected', 'gauge', 'Whether there is a session with the MQTT broker.', told?.connected),
    one('broker_messages_total', 'counter', 'Messages that the broker acknowledged.', told?.sent),
    one('broker_sessions_total', 'counter', 'Sessions opened with the broker.', told?.sessions),
    one('broker_sent_bytes_total', 'counter', 'Bytes sent to the broker.', told?.bytesSent),
    one('broker_received_bytes_total', 'counter', 'Bytes received from the broker.', told?.bytesReceived),
    one('broker_queued_messages', 'gauge', 'Messages that wait for the broker.', told?.queued),
    one(
      'samples_dropped_total',
      'counter',
      'Samples not told to the broker; the journal has them.',
      told?.dropped,
    ),
  ];
}

/** The evidence. Pure. */
export function journalFamilies({ station, journal, nowMonoMs }: MetricFacts): MetricFamily[] {
  const one = figures({ station });
  const committed = journal?.lastCommitMs ?? null;
  return [
    one('journal_entries_total', 'counter', 'Entries of the journal.', journal?.size),
    one('journal_dropped_entries_total', 'counter', 'Entries that gave way or were lost.', journal?.dropped),
    one('journal_waiting_entries', 'gauge', 'Entries that are not on disk yet.', journal?.waiting),
    one('journal_backlog_entries', 'gauge', 'Entries that no final anchor covers yet.', journal?.backlog),
    one('journal_disk_bytes', 'gauge', 'Size of the journal on disk.', journal?.bytes),
    one('journal_disk_limit_bytes', 'gauge', 'Above it, readings give way.', journal?.maxBytes),
    one(
      'journal_commit_age_seconds',
      'gauge',
      'Time since entries were last put on disk.',
      committed === null ? null : seconds(Math.max(0, nowMonoMs - committed)),
    ),
    one(
      'flash_written_bytes_per_day',
      'gauge',
      'What the service writes to flash.',
      journal?.flash.bytesPerDay,
    ),
  ];
}

/** Anchoring. Pure. */
export function syncFamilies({ station, sync }: MetricFacts): MetricFamily[] {
  if (sync === undefined) return [];
  const one = figures({ station });
  const { lastAnchor, finalized, traffic, balance } = sync;
  return [
    one('anchored_entries', 'gauge', 'Entries that the last final anchor covers.', lastAnchor?.size),
    one('anchor_block', 'gauge', 'Block of the last final anchor.', lastAnchor?.block),
    one('chain_finalized_block', 'gauge', 'Highest finalized block seen.', finalized?.block),
    one('chain_peers', 'gauge', 'Peers of the parachain.', sync.peers),
    one('chain_relay_peers', 'gauge', 'Peers of the relay chain.', sync.relayPeers),
    {
      ...{ name: 'delmonicos_sync_fault', type: 'gauge', help: 'Faults of anchoring that are raised.' },
      samples: sync.faults.map((code) => ({ labels: { station, code }, value: 1 })),
    },
    {
      ...{ name: 'delmonicos_outbox_intents', type: 'gauge', help: 'Open intents, by their state.' },
      samples: Object.entries(sync.outbox).map(([state, value]) => ({ labels: { station, state }, value })),
    },
    {
      ...{ name: 'delmonicos_chain_today_bytes', type: 'gauge' },
      help: "Bytes of the station's day on the chain link.",
      samples: directions(station, traffic.today),
    },
    one('chain_balance_planck', 'gauge', "Of the station's account, in the smallest unit.", balance.free),
    one('chain_balance_low', 'gauge', 'Whether it is below what is warned of.', balance.low),
  ];
}

function directions(
  station: string,
  today: { readonly bytesIn: number; readonly bytesOut: number } | null,
): MetricSample[] {
  if (today === null) return [];
  return [
    { labels: { station, direction: 'in' }, value: today.bytesIn },
    { labels: { station, direction: 'out' }, value: today.bytesOut },
  ];
}

const HEALTH_STATES = ['ok', 'unknown', 'warning', 'fault'] as const;

/** The health list. Pure. */
export function healthFamilies({ station, health }: MetricFacts): MetricFamily[] {
  if (health === undefined) return [];
  const raised = health.items.filter(({ state }) => state === 'warning' || state === 'fault');
  return [
    {
      ...{
        name: 'delmonicos_health_state',
        type: 'gauge',
        help: 'The worst of the health list: 1 for the one.',
      },
      samples: HEALTH_STATES.map((state) => ({
        labels: { station, state },
        value: Number(state === health.state),
      })),
    },
    {
      ...{
        name: 'delmonicos_health_item',
        type: 'gauge',
        help: 'What is not well, by code of docs/faults.md.',
      },
      samples: raised.map(({ check, subject = '', state, code }) => ({
        labels: { station, check, subject, state, code: code ?? '' },
        value: 1,
      })),
    },
  ];
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
