import type { MeterSample } from '../../hal/contract/index.ts';
import { encodeDocument, offlineDocument, onlineDocument, type SampleStamp } from './contract/documents.ts';
import { windowDocument } from './contract/window-document.ts';
import {
  encodeLevel,
  historyTopic,
  noteTopic,
  replyTopic,
  sampleTopic,
  stateTopic,
  type NoteTopic,
  type StateTopic,
  stationPrefix,
  statusTopic,
} from './contract/topics.ts';
import type { TelemetryError } from './errors.ts';
import { DEFAULT_LIMITS, type TelemetryLimits } from './limits.ts';
import { KeptBudget } from './kept-budget.ts';
import { MessagePump } from './message-pump.ts';
import { type BudgetRecord, readBudgetRecord } from './outgoing/budget-record.ts';
import { OutgoingTraffic } from './outgoing/outgoing-traffic.ts';
import { keepAliveMs } from './outgoing/pacing.ts';
import type { Announcement } from './outlets/home-assistant.ts';
import { ReportOnce } from './report-once.ts';
import { BrokerSessions } from './session/broker-sessions.ts';
import type { BrokerAddress } from './session/broker-url.ts';
import { failure } from './session/connection-failure.ts';
import type { Listener } from './session/listeners.ts';
import type { BrokerConnection } from './session/mqtt-connection.ts';
import type { Reply, Telemetry, TelemetryOptions, TelemetryPorts, TelemetryStatistics } from './telemetry.ts';

/** Hands what waits to the session that there is. What waits, what is said and when to try again is decided elsewhere. */
export class MqttTelemetry implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #address: BrokerAddress;
  readonly #ports: TelemetryPorts;
  readonly #limits: TelemetryLimits;
  readonly #prefix: string;
  readonly #traffic: OutgoingTraffic;
  readonly #pump: MessagePump;
  readonly #sessions: BrokerSessions;
  readonly #report: ReportOnce;
  readonly #kept: KeptBudget | undefined;
  #closed: Promise<void> | undefined;
  #challenge: string | undefined;

  constructor(options: TelemetryOptions, address: BrokerAddress, ports: TelemetryPorts) {
    this.#options = options;
    this.#address = address;
    this.#ports = ports;
    const { bytesPerDay = null } = options;
    const byBudget = { keepAliveMs: keepAliveMs(bytesPerDay, address.tls) };
    this.#limits = { ...DEFAULT_LIMITS, ...byBudget, ...options.limits };
    this.#prefix = stationPrefix(options.stationName);
    this.#traffic = this.#outgoing(bytesPerDay);
    this.#report = new ReportOnce(ports.log);
    this.#kept = ports.budgetKeeper && new KeptBudget(ports.budgetKeeper);
    this.#challenge = options.challenge;
    this.#sessions = this.#brokerSessions();
    this.#pump = new MessagePump({
      ...{ traffic: this.#traffic, limits: this.#limits, clock: ports.clock },
      connection: () => this.#sessions.connection,
      wireBytes: () => this.#sessions.wireBytes(),
      unsendable: (topic, bytes) => this.#reportUnsendable(topic, bytes),
      spent: () => this.#kept?.keep(this.#budgetRecord()),
      refused: (topic, reasonCode) =>
        this.#report.log('warning', 'telemetry.publish_refused', { topic, reasonCode }),
    });
  }

  start(): void {
    if (!this.#address.tls && this.#options.credentials?.passwordFile !== undefined) {
      this.#ports.log('warning', 'telemetry.password_in_clear', { host: this.#address.host });
    }
    this.#putStatus(this.#online()); // the first of the states, and so the first message of every session
    this.#sessions.start();
  }

  publishSample(meterId: string, sample: MeterSample, stamp: SampleStamp = {}): void {
    if (this.#closed !== undefined) return;
    const isConnected = this.#sessions.connection !== undefined;
    this.#traffic.addSample(meterId, sample, stamp, { nowMonoMs: this.#now(), isConnected });
    this.#pump.pump();
  }

  publishState(topic: StateTopic, document: object): void {
    const fullTopic = stateTopic(this.#prefix, topic);
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    const purpose = topic === 'health' || topic === 'config/result' ? 'vital' : 'figure';
    if (!this.#traffic.queue.putState(fullTopic, payload, purpose))
      this.#reportUnsendable(fullTopic, payload.length);
    this.#pump.pump();
  }

  announce({ topic, document }: Announcement): void {
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    if (!this.#traffic.queue.putState(topic, payload)) this.#reportUnsendable(topic, payload.length);
    this.#pump.pump();
  }

  publishNote(topic: NoteTopic, document: object): void {
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    const note = {
      topic: noteTopic(this.#prefix, topic),
      payload,
      expiresAtMonoMs: this.#now() + this.#limits.sampleExpiryMs,
    };
    if (!this.#traffic.queue.offerNote(topic === 'log' ? 'log' : 'change', note))
      this.#reportUnsendable(note.topic, payload.length);
    this.#pump.pump();
  }

  reply({ topic, payload, properties, onSettled }: Reply): boolean {
    if (this.#closed !== undefined) return false;
    const { replyExpiryMs } = this.#limits;
    const isBackfill = topic.startsWith('entries/');
    const taken = this.#traffic.queue.offerReply(isBackfill ? 'backfill' : 'answer', {
      topic: replyTopic(this.#prefix, topic),
      payload: Buffer.from(payload),
      // Entries wait for their share of the budget, which may take its time.
      ...(isBackfill ? { lifetimeMs: replyExpiryMs } : { expiresAtMonoMs: this.#now() + replyExpiryMs }),
      ...(properties && { properties }),
      onSettled,
    });
    this.#pump.pump();
    return taken;
  }

  setChallenge(challenge: string): void {
    this.#challenge = challenge;
    if (this.#closed !== undefined) return;
    this.#putStatus(this.#online());
    this.#pump.pump();
  }

  watch(forMs: number, meterId?: string): number {
    const untilMonoMs = this.#now() + Math.min(Math.max(forMs, 0), this.#limits.maxWatchMs);
    this.#traffic.watch(meterId, untilMonoMs);
    return untilMonoMs;
  }

  figuresEveryMs(): number {
    return this.#traffic.figuresEveryMs(`${this.#prefix}/`);
  }

  keepAliveMs(): number {
    return this.#limits.keepAliveMs;
  }

  statistics(): TelemetryStatistics {
    const { sent, notesDropped, inFlight } = this.#traffic.queue.figures();
    const bytes = this.#sessions.bytes();
    const { failure: why } = this.#sessions;
    return {
      connected: this.#sessions.connection !== undefined,
      protocolVersion: this.#sessions.level === 5 ? '5' : '3.1.1',
      sent,
      dropped: this.#traffic.dropped(),
      notesDropped,
      queued: this.#traffic.queued(),
      inFlight,
      sessions: this.#sessions.opened,
      bytesSent: bytes.sent,
      bytesReceived: bytes.received,
      ...(why !== undefined && { failure: why }),
      budget: this.#traffic.figures(this.#now()),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#sayGoodbye();
    return this.#closed;
  }

  #outgoing(bytesPerDay: number | null): OutgoingTraffic {
    const boot = this.#options.birth.boot.count;
    return new OutgoingTraffic({
      ...{ bounds: this.#limits, bytesPerDay, tls: this.#address.tls, startMonoMs: this.#now() },
      before: readBudgetRecord(this.#ports.budgetKeeper?.read(), { boot, monoMs: this.#now() }),
      encode: (meterId, window, late) => ({
        topic: (late ? historyTopic : sampleTopic)(this.#prefix, meterId),
        payload: encodeDocument(windowDocument(meterId, boot, window)),
      }),
      unsendable: (topic, bytes) => this.#reportUnsendable(topic, bytes),
      tooSmall: (bytesNeeded) =>
        this.#ports.log('warning', 'telemetry.budget_too_small', { bytesPerDay, bytesNeeded }),
    });
  }

  #brokerSessions(): BrokerSessions {
    const { stationName, clientId = `delmonicos-${encodeLevel(stationName)}` } = this.#options;
    const { credentials = {}, serverName, listeners = [] } = this.#options;
    const { clock, random, log } = this.#ports;
    const { host } = this.#address;
    const heard = listeners.map((listener): [string, Listener] => [
      `${this.#prefix}/${listener.topic}`,
      listener,
    ]);
    return new BrokerSessions({
      ...{ address: this.#address, credentials, serverName, clientId, limits: this.#limits, clock, random },
      will: (session) => ({
        topic: statusTopic(this.#prefix),
        payload: encodeDocument(this.#offline('connection lost', session)),
      }),
      subscriptions: {
        listeners: new Map(heard),
        refused: (topic, reasonCode) =>
          log('warning', 'telemetry.subscription_refused', { topic, reasonCode }),
      },
      onOpened: (connection, session) => this.#opened(connection, session),
      onEnded: () => {
        this.#report.forget();
        this.#pump.connectionLost();
      },
      onOlderProtocol: () => log('info', 'telemetry.older_protocol', { host, mqtt: '3.1.1' }),
      onFailure: (reason) => this.#reportFailure(reason),
      oldestInFlightMonoMs: () => this.#traffic.queue.oldestInFlightMonoMs(),
      debtMs: () => {
        this.#pump.balanceBooks();
        this.#kept?.keep(this.#budgetRecord());
        return this.#traffic.debtMs(this.#now());
      },
    });
  }

  #opened(connection: BrokerConnection, session: number): void {
    this.#report.forget();
    const [dropped, queued] = [this.#traffic.dropped(), this.#traffic.queued()];
    const mqtt = connection.level === 5 ? '5' : '3.1.1';
    this.#ports.log('info', 'telemetry.connected', {
      ...{ host: this.#address.host, mqtt, session, dropped, queued },
    });
    this.#putStatus(this.#online());
    this.#pump.pump();
  }

  async #sayGoodbye(): Promise<void> {
    const giveUp = new AbortController();
    const finished = new AbortController();
    this.#ports.clock.sleep(this.#limits.closeTimeoutMs, finished.signal).then(
      () => giveUp.abort(),
      () => {},
    );
    this.#pump.stop();
    if (this.#sessions.connection !== undefined) this.#traffic.finish(this.#now());
    await this.#pump.drain(giveUp.signal);
    this.#putStatus(this.#offline('stopped', this.#sessions.opened));
    await this.#pump.drain(giveUp.signal);
    const { connection } = this.#sessions;
    const stopped = this.#sessions.stop();
    if (connection !== undefined) {
      const delivered = this.#pump.isDrained();
      if (delivered) connection.disconnect();
      const late = failure('telemetry.connection_lost', 'closed before everything was delivered');
      if (!delivered || giveUp.signal.aborted) connection.abandon(late);
      giveUp.signal.addEventListener('abort', () => connection.abandon(late), { once: true });
    }
    await stopped;
    finished.abort();
    this.#pump.balanceBooks();
    this.#kept?.keepNow(this.#budgetRecord());
    this.#traffic.discard();
    const { sent } = this.#traffic.queue.figures();
    this.#ports.log('info', 'telemetry.closed', { sent, dropped: this.#traffic.dropped() });
  }

  #putStatus(document: object): void {
    this.#traffic.queue.putState(statusTopic(this.#prefix), encodeDocument(document), 'status');
  }

  #online(): object {
    return onlineDocument(this.#options.stationName, this.#options.birth, {
      session: this.#sessions.opened,
      level: this.#sessions.level,
      samplesDropped: this.#traffic.dropped(),
      challenge: this.#challenge,
      keepAliveSeconds: Math.ceil(this.#limits.keepAliveMs / 1000),
    });
  }

  #offline(reason: 'connection lost' | 'stopped', session: number): object {
    return offlineDocument(this.#options.stationName, this.#options.birth, session, reason);
  }

  #budgetRecord(): BudgetRecord {
    return { boot: this.#options.birth.boot.count, ...this.#traffic.budgetRecord(this.#now()) };
  }

  #now(): number {
    return this.#ports.clock.nowMonoMs();
  }

  #reportFailure(reason: TelemetryError): void {
    const level = reason.remedy === 'operator' ? 'error' : 'warning';
    this.#report.log(level, 'telemetry.disconnected', {
      host: this.#address.host,
      code: reason.code,
      ...reason.details,
      ...(reason.hint !== undefined && { hint: reason.hint }),
    });
  }

  #reportUnsendable(topic: string, bytes: number): void {
    const { maxPayloadBytes, maxStates } = this.#limits;
    this.#report.log('warning', 'telemetry.document_unsendable', {
      ...{ topic, bytes, maxPayloadBytes, maxStates },
    });
  }
}
