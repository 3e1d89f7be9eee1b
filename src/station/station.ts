import { StationError, type Line, type Log, type MonotonicClock } from '../../hal/contract/index.ts';
import { createModbusMeter } from '../../hal/driver/modbus/index.ts';
import { openLine } from '../../hal/line/index.ts';
import { listProfileIds, loadProfile } from '../../hal/profile/index.ts';
import { loadStationConfig, type StationConfig } from '../config/index.ts';
import { createRootSeed, IdentityError, loadIdentity, type StationIdentity } from '../identity/index.ts';
import type { Journal } from '../journal/index.ts';
import {
  startMetering,
  watchClock,
  type EvidenceLog,
  type Metering,
  type MeteringEvent,
  type ScheduledMeter,
} from '../metering/index.ts';
import type { WallClock } from '../service/index.ts';
import type { Sync } from '../sync/index.ts';
import { openAnchoring } from './open-anchoring.ts';
import { openEvidence, recordStart } from './open-evidence.ts';
import type { StationEvent } from './station-event.ts';
import { openView, type StationView } from './station-view.ts';

export interface StationOptions {
  readonly configPath: string;
  readonly stateDirectory: string;
  /** systemd's `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsDirectory?: string | undefined;
  /** The chain gateway's program. */
  readonly gatewayEntry: URL;
  readonly version: string;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number;
  readonly log: Log;
  readonly onEvent: (event: StationEvent) => void;
}

export interface Station {
  /** Stops in an order that loses nothing: meters, journal, chain, telemetry. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Composes and starts the service. What can fail before evidence is possible (configuration, key, journal) throws; what can
 * fail after (meters, chain, broker) degrades: readings go on being signed and stored.
 * @throws ConfigError, IdentityError, JournalError
 */
export async function startStation(options: StationOptions): Promise<Station> {
  const config = loadStationConfig(options.configPath, { knownProfiles: await listProfileIds() });
  const identity = ownIdentity(options, config);
  const degraded = degradation(options);
  const journal = await openOwnJournal({ options, config, identity }, degraded);
  const configHash = await recordStart(
    journal,
    `delmonicos-inside ${options.version}`,
    options.configPath,
  ).catch(async (error: unknown) => {
    await journal.close();
    throw error;
  });
  options.onEvent(startedEvent(options, config, identity, journal));

  // Readings are taken from here on; what follows may take its time or fail.
  const views: StationView[] = [];
  const reading = await startReading({ options, config, journal }, degraded, (event) => {
    for (const view of views) view.metering(event);
  });
  const view = await openView(
    { options, config, identity, journal, configHash, metering: reading.metering },
    (error) => degraded('telemetry', error),
  );
  views.push(view);
  const sync = await openAnchoring({ options, config, identity, journal }, (status) => {
    options.onEvent({ event: 'sync', status });
    view.sync(status);
  }).catch((error: unknown) => {
    degraded('chain', error);
    return undefined;
  });
  sync?.start();
  return { stop: stopOnce(options, { ...reading, journal, sync, view }) };
}

type Degraded = (part: 'journal' | 'chain' | 'telemetry', error: unknown) => void;

function degradation({ log, onEvent }: StationOptions): Degraded {
  return (part, error) => {
    const code = error instanceof StationError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    log('error', 'station.degraded', { part, code, error });
    onEvent({ event: 'degraded', part, code, message });
  };
}

interface OwnParts {
  readonly options: StationOptions;
  readonly config: StationConfig;
  readonly identity: StationIdentity;
}

function openOwnJournal({ options, config, identity }: OwnParts, degraded: Degraded): Promise<Journal> {
  return openEvidence({
    directory: options.stateDirectory,
    origin: config.station.origin ?? `delmonicos/${identity.chainAccount.ss58}`,
    identity,
    groupCommitMs: config.journal.groupCommitMs,
    clock: options.clock,
    wallClock: options.wallClock,
    log: options.log,
    onDamage: (error, keptAs) => {
      options.log('error', 'journal.set_aside', { keptAs });
      degraded('journal', error);
    },
  });
}

interface Reading {
  readonly lines: readonly Line[];
  readonly metering: Metering;
  readonly clockWatch: { stop(): Promise<void> };
}

/** Lines, meters and the watch over the wall clock: what makes entries. */
async function startReading(
  { options, config, journal }: Omit<OwnParts, 'identity'> & { readonly journal: Journal },
  degraded: Degraded,
  show: (event: MeteringEvent) => void,
): Promise<Reading> {
  const { clock, wallClock, log, onEvent } = options;
  const evidence = acknowledging(journal, { options, config }, degraded);
  const lines = new Map(config.lines.map((line) => [line.id, openLine(line, { clock, log })]));
  const metering = startMetering({
    meters: await scheduledMeters(config, lines),
    evidence,
    clock,
    log,
    onEvent: (event) => {
      reportMeter(event, onEvent);
      show(event);
    },
  });
  const clockWatch = watchClock({
    clock,
    nowWallMs: () => wallClock.nowWallMs(),
    clockStatus: () => wallClock.status(),
    evidence,
    log,
  });
  return { lines: [...lines.values()], metering, clockWatch };
}

interface Parts extends Reading {
  readonly journal: Journal;
  readonly sync: Sync | undefined;
  readonly view: StationView;
}

function stopOnce({ log, onEvent }: StationOptions, parts: Parts): () => Promise<void> {
  const attempt = async (what: string, stop: () => Promise<unknown>): Promise<void> => {
    await stop().catch((error: unknown) => log('error', 'station.stop_failed', { what, error }));
  };
  const run = async (): Promise<void> => {
    await attempt('metering', () => Promise.all([parts.metering.stop(), parts.clockWatch.stop()]));
    await attempt('journal', () => parts.journal.flush());
    await attempt('lines', () => Promise.all(parts.lines.map((line) => line.close())));
    await attempt('sync', async () => parts.sync?.stop());
    await attempt('view', () => parts.view.close());
    await attempt('journal', () => parts.journal.close());
    onEvent({ event: 'stopped' });
  };
  let stopping: Promise<void> | undefined;
  return () => (stopping ??= run());
}

/** The station's keys; on the very first start the root seed is made. */
function ownIdentity(options: StationOptions, { chain }: StationConfig): StationIdentity {
  const { stateDirectory, credentialsDirectory, log } = options;
  const load = (): StationIdentity =>
    loadIdentity(stateDirectory, { credentialsDirectory, ...(chain && { ss58Prefix: chain.ss58Prefix }) });
  try {
    return load();
  } catch (error) {
    if (!(error instanceof IdentityError) || error.code !== 'identity.seed_missing') throw error;
    createRootSeed(stateDirectory, credentialsDirectory);
    const identity = load();
    log('info', 'identity.created', { chainAccount: identity.chainAccount.ss58 });
    return identity;
  }
}

async function scheduledMeters(
  { meters }: StationConfig,
  lines: ReadonlyMap<string, Line>,
): Promise<ScheduledMeter[]> {
  const ids = [...new Set(meters.map((meter) => meter.profile))];
  const profiles = new Map(await Promise.all(ids.map(async (id) => [id, await loadProfile(id)] as const)));
  return meters.flatMap(({ id, line: lineId, unitId, profile: profileId, everyMs }) => {
    const line = lines.get(lineId);
    const profile = profiles.get(profileId);
    // The configuration was checked: both are there.
    if (line === undefined || profile === undefined) return [];
    return [{ meter: createModbusMeter({ id, line, unitId, profile }), everyMs }];
  });
}

/** How many new entries pass between two looks at what the journal takes on disk. */
const SIZE_CHECK_ENTRIES = 1_000;

/** The journal, telling how far it is on disk whenever that moves, and once when it has outgrown its configured size. */
function acknowledging(
  journal: Journal,
  { options, config }: Omit<OwnParts, 'identity'>,
  degraded: Degraded,
): EvidenceLog {
  let told = 0;
  let nextSizeCheck = 0;
  const checkSize = (): void => {
    nextSizeCheck = told + SIZE_CHECK_ENTRIES;
    if (journal.diskBytes() <= config.journal.maxSizeBytes) return;
    nextSizeCheck = Infinity;
    const message = `the journal takes more than ${config.journal.maxSizeBytes} bytes; nothing is thrown away`;
    degraded('journal', new StationError('journal.above_max_size', message, { remedy: 'operator' }));
  };
  return {
    append: async (kind, body, durability) => {
      const index = await journal.append(kind, body, durability);
      if (journal.size > told) {
        told = journal.size;
        options.onEvent({ event: 'committed', size: told });
        if (told >= nextSizeCheck) checkSize();
      }
      return index;
    },
  };
}

function startedEvent(
  options: StationOptions,
  config: StationConfig,
  identity: StationIdentity,
  journal: Journal,
): StationEvent {
  return {
    event: 'started',
    station: config.station.name,
    version: options.version,
    origin: journal.origin,
    chainAccount: identity.chainAccount.ss58,
    publicKey: Buffer.from(identity.publicKey).toString('hex'),
    stateDirectory: options.stateDirectory,
    bootCount: journal.bootCount,
    size: journal.size,
  };
}

function reportMeter(event: MeteringEvent, onEvent: (event: StationEvent) => void): void {
  if (event.type !== 'meter-status') return;
  const { meterId, state, errorCode } = event.status;
  onEvent({ event: 'meter', meterId, state, code: errorCode });
}
