import { StationError } from '../../hal/contract/index.ts';
import type { StationConfig } from '../config/index.ts';
import type { StationIdentity } from '../identity/index.ts';
import { noteDamage, type Journal } from '../journal/index.ts';
import type { WallClock } from '../service/index.ts';
import type { SyncStatus } from '../sync/index.ts';
import { keepAnchoring } from './sync/keep-anchoring.ts';
import type { Evidence } from './evidence/open-evidence.ts';
import { openOwnEvidence } from './evidence/own-evidence.ts';
import { healthAnswer } from './health/health-document.ts';
import type { OpenSessions, OpenSessionsParts } from './open-sessions.ts';
import { openTime, type StationTime } from './time/open-time.ts';
import { ConfigurationIntake } from './configuration/configuration-intake.ts';
import { deskOf, inForce, startOnTrial, type Configuration } from './configuration/load-configuration.ts';
import { ownIdentity } from './keys/own-identity.ts';
import type { StationEvent } from './station-event.ts';
import { recallSynchronisedTime } from './time/recall-time.ts';
import { recallRaisedFaults } from './health/recall-raised-faults.ts';
import { faultsOnRecord } from './health/faults-on-record.ts';
import { HealthWatch } from './health/watch-health.ts';
import { TroubleNotes, type StationPart } from './health/station-troubles.ts';
import { scrubJournal } from './evidence/scrub-journal.ts';
import { onTheirLines } from './meters/line-neighbours.ts';
import { startReading, type Reading } from './meters/start-reading.ts';
import { LogTail } from './remote/log/log-tail.ts';
import { publishLog } from './remote/log/publish-log.ts';
import type { Remote } from './remote/open-remote.ts';
import type { RemoteParts } from './remote/remote-parts.ts';
import { openMetrics } from './telemetry/outlets/open-metrics.ts';
import { NO_VIEW, openView, type StationView } from './telemetry/station-view.ts';
import { syncFaultsOnRecord } from './sync/sync-faults-on-record.ts';
import { syncOnSocket } from './sync/sync-on-socket.ts';
import { stopInOrder } from './lifecycle/stop-order.ts';
import type { Station, StationFacts } from './running-station.ts';
import type { StationOptions } from './station-options.ts';

/**
 * Composes and starts the service. What can fail before evidence is possible (configuration, key, journal) throws; what can
 * fail after (meters, chain, broker) degrades: readings go on being signed and stored.
 * @throws ConfigError, IdentityError, JournalError
 */
export async function startStation(given: StationOptions): Promise<Station> {
  const { onPhase } = given;
  onPhase?.({ phase: 'configuration' });
  return await startOnTrial(given, (configuration) => startWith(given, configuration));
}

async function startWith(given: StationOptions, configuration: Configuration): Promise<Station> {
  const { onPhase } = given;
  const { config, profiles } = configuration;
  onPhase?.({ phase: 'clock' });
  const time = await openTime(given, config);
  const logTail = logTailOf(config, given);
  const log = logTail?.over(given.log) ?? given.log;
  const options = { ...given, wallClock: time.wallClock, onEvent: telling(given), log };
  onPhase?.({ phase: 'keys' });
  const identity = await ownIdentity(options, config);
  const troubles = new TroubleNotes();
  if (given.notTaken !== undefined) troubles.noteNotTaken(given.notTaken);
  const degraded = degradation(options, troubles);
  onPhase?.({ phase: 'journal' });
  const evidence = await openOwnEvidence({ options, configuration, identity, time, troubles }, degraded);
  const { journal } = evidence;
  let begun: Reading | undefined;
  try {
    time.raiseFloor(recallSynchronisedTime(options.stateDirectory, options.log));
    options.onEvent(startedEvent(options, config, identity, journal));
    const views: StationView[] = [];
    const reading = startReading({ options, config, journal, profiles, time }, degraded, (event) => {
      for (const view of views) view.metering(event);
    });
    begun = reading;
    // Readings are taken from here on; what follows may take its time or fail.
    onPhase?.({ phase: 'reading' });
    const parts = {
      options,
      configuration,
      config,
      identity,
      evidence,
      time,
      reading,
      views,
      degraded,
      troubles,
      logTail,
    };
    return { configuration, ...(await openRest(parts)) };
  } catch (error) {
    // Whoever goes back to another configuration must find lines and journal free.
    if (begun === undefined) await journal.close().catch(() => undefined);
    else await stopInOrder({ ...begun, journal, sync: undefined, view: NOTHING_SHOWN }, given);
    throw error;
  }
}

const NOTHING_SHOWN = { close: (): Promise<void> => Promise.resolve() };

interface RestParts {
  readonly options: StationOptions & { readonly wallClock: WallClock };
  readonly configuration: Configuration;
  readonly config: StationConfig;
  readonly identity: StationIdentity;
  readonly evidence: Evidence;
  readonly time: StationTime;
  readonly reading: Reading;
  /** Shown every event of metering; what is opened here is added. */
  readonly views: StationView[];
  readonly degraded: Degraded;
  readonly troubles: TroubleNotes;
  readonly logTail: LogTail | undefined;
}

/** Whatever of it cannot be opened is done without. */
async function openRest(parts: RestParts): Promise<Omit<Station, 'configuration'>> {
  const { options, configuration, config, identity, evidence, time, reading, views, degraded } = parts;
  const { journal } = evidence;
  const { stateDirectory, version } = options;
  const raised = recallRaisedFaults(stateDirectory, options.log);
  const facts = (): StationFacts => ({
    meters: onTheirLines(reading.metering.facts(), config.meters),
    evidence: reading.evidence.facts(),
  });
  const intake = openIntake(parts);
  const health = watchHealth(parts, facts, { raised, isOnTrial: () => intake.isOnTrial });
  const onSocket = syncOnSocket(stateDirectory);
  const sessions = await sessionsOf({
    ...{ stateDirectory, version, config, identity, journal, time, ...reading },
    ...{ clock: options.clock, log: options.log, answerSync: onSocket.answer },
    answerHealth: () => healthAnswer(health.list(), options.clock.nowMonoMs()),
  }).catch((error: unknown) => void degraded('control', error));
  const unshown = (error: unknown): void => degraded('telemetry', error);
  const remote = await remoteOf(parts, () => health.list(), onSocket.answer).catch(unshown);
  const shown = {
    ...{ options, configuration, config, identity, ...evidence, metering: reading.metering },
    ...{ isOnTrial: () => intake.isOnTrial, lines: reading.lines, challenge: remote?.challenge },
    listeners: [...intake.listeners, ...(remote?.listeners ?? [])],
    ...{ evidenceFacts: () => reading.evidence.facts(), figures: () => health.figures() },
  };
  const view = await openView(shown, unshown);
  const metrics = await openMetrics(shown, () => view.broker(), unshown);
  views.push(view, { ...NO_VIEW, metering: (event) => metrics.metering(event) });
  intake.open(view);
  remote?.open(view.telemetry);
  if (view.telemetry !== undefined && parts.logTail !== undefined)
    publishLog(parts.logTail, view.telemetry, options);
  const faults = {
    onFault: syncFaultsOnRecord(reading.evidence, options.log),
    raisedFaults: raised,
  };
  const showSync = (status: SyncStatus): void => {
    options.onEvent({ event: 'sync', status });
    view.sync(status);
  };
  const sync = await keepAnchoring({ options, config, identity, journal, faults }, showSync, (error) =>
    degraded('chain', error),
  );
  await onSocket.open(sync);
  if (sync !== undefined) for (const each of [view, metrics]) each.followSync(() => sync.status());
  sync?.start();
  health.open({ syncStatus: sync && (() => sync.status()), broker: () => view.broker() });
  // The list as of now, and every fault that is raised from here on.
  health.list();
  view.health();
  const { clock, random, log, onPhase } = options;
  const onDamage = (error: StationError): void => {
    parts.troubles.noteDamage(error);
    degraded('journal', error);
  };
  const scrub = scrubJournal({ directory: stateDirectory, journal, clock, random, log, onDamage });
  let stopping: Promise<void> | undefined;
  let lost: StationError | undefined;
  const failed = reading.failed.then((error) => (lost = error));
  const stop = async (): Promise<void> => {
    const onStep = (what: string, atMostMs: number): void => onPhase?.({ phase: 'stop', what, atMostMs });
    const watches = [...(remote === undefined ? [] : [remote]), intake, scrub, health, metrics];
    await stopInOrder({ ...reading, watches, sessions, journal, sync, view }, { clock, log, onStep });
    if (lost?.code === 'journal.corrupt') keepAside(options, lost);
    options.onEvent({ event: 'stopped' });
  };
  return {
    health: () => health.list(),
    ...{ facts, failed, flush: () => journal.flush(), stop: () => (stopping ??= stop()) },
    takeIncoming: () => intake.takeIncoming(),
    noteNotTaken: (error) => parts.troubles.noteNotTaken(error),
  };
}

function watchHealth(
  { options, configuration, config, identity, evidence, time, reading, views, troubles }: RestParts,
  facts: () => StationFacts,
  { raised, isOnTrial }: { readonly raised: ReadonlySet<string>; readonly isOnTrial: () => boolean },
): HealthWatch {
  const { stateDirectory, version, clock, log } = options;
  const { lines, isExhausted } = reading;
  return new HealthWatch({
    ...{ config, stateDirectory, version, facts, lines, isExhausted, troubles, clock, log },
    configurationFacts: () => ({ ...inForce(configuration, isOnTrial()), notTaken: troubles.notTaken }),
    ...{ journal: evidence.journal, account: identity.chainAccount.ss58 },
    timeReport: () => time.report(),
    recorder: faultsOnRecord(reading.evidence, log, raised),
    onChange: () => {
      for (const view of views) view.health();
    },
    onFault: (change) => {
      for (const view of views) view.healthChange(change);
    },
  });
}

function openIntake({ options, configuration, reading }: RestParts): ConfigurationIntake {
  const { clock, wallClock, log, trialTimes, reload: requestReload = () => {} } = options;
  const { evidence, metering } = reading;
  return new ConfigurationIntake({
    ...{ configuration, evidence, metering, clock, wallClock, log, requestReload, trialTimes },
    desk: deskOf(options, configuration),
    storesEvidence: () => evidence.facts().lastCommitMonoMs !== null,
  });
}

/** What commands need is loaded only where somebody may send them. */
async function remoteOf(
  { options, configuration, config, identity, evidence, reading, logTail }: RestParts,
  health: RemoteParts['health'],
  askSync: RemoteParts['askSync'],
): Promise<Remote | undefined> {
  const { mqtt, operators } = config.telemetry;
  if (mqtt === undefined || operators.length === 0) return undefined;
  return (await import('./remote/open-remote.ts')).openRemote({
    ...{ options, config, identity, reading, logTail, health, askSync },
    ...{ profiles: configuration.profiles, journal: evidence.journal, evidence: reading.evidence },
  });
}

function logTailOf({ telemetry: { mqtt } }: StationConfig, { clock }: StationOptions): LogTail | undefined {
  return mqtt && new LogTail(mqtt.logLevel, clock);
}

/** What sessions need (OCMF, its curves) is loaded only where they are configured: 100 KB of code. */
async function sessionsOf(parts: OpenSessionsParts): Promise<OpenSessions | undefined> {
  if (parts.config.control === undefined) return undefined;
  return (await import('./open-sessions.ts')).openSessions(parts);
}

/** Damage that shows while entries are written may not show at the next start: it is noted, so that it is recovered then. */
function keepAside({ stateDirectory, log }: StationOptions, { code, message }: StationError): void {
  try {
    noteDamage(stateDirectory, { code, message, thorough: false });
    log('error', 'journal.damage_noted', { code, why: message });
  } catch (cause) {
    log('error', 'journal.damage_not_noted', { error: cause });
  }
}

/** Whoever reads the events is no reason not to meter. */
function telling({ onEvent, log }: StationOptions): StationOptions['onEvent'] {
  return (event) => {
    try {
      onEvent(event);
    } catch (error) {
      log('error', 'station.event_not_told', { event: event.event, error });
    }
  };
}

type Degraded = (part: StationPart, error: unknown) => void;

function degradation({ log, onEvent }: StationOptions, troubles: TroubleNotes): Degraded {
  return (part, error) => {
    troubles.note(part, error);
    const code = error instanceof StationError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    log('error', 'station.degraded', { part, code, error });
    onEvent({ event: 'degraded', part, code, message });
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
