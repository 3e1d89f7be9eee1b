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
import type { OutgoingMessage } from './outgoing/outgoing-message.ts';
import { OutgoingTraffic, packetBytes } from './outgoing/outgoing-traffic.ts';
import { keepAliveMs } from './outgoing/pacing.ts';
import type { Announcement } from './outlets/home-assistant.ts';
import { ReportOnce } from './report-once.ts';
import { BrokerSessions } from './session/broker-sessions.ts';
import type { BrokerAddress } from './session/broker-url.ts';
import { failure } from './session/connection-failure.ts';
import type { Listener } from './session/listeners.ts';
import type { BrokerConnection } from './session/mqtt-connection.ts';
import type { Reply, Telemetry, TelemetryOptions, TelemetryPorts, TelemetryStatistics } from './telemetry.ts';

/** How soon it is looked whether the budget allows what it held back. */
const HELD_BACK_MS = 2_000;

/** Hands what waits to the session that there is. What waits, what is said and when to try again is decided elsewhere. */
export class MqttTelemetry implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #address: BrokerAddress;
  readonly #ports: TelemetryPorts;
  readonly #limits: TelemetryLimits;
  readonly #prefix: string;
  readonly #traffic: OutgoingTraffic;
  readonly #sessions: BrokerSessions;
  readonly #report: ReportOnce;
  #closed: Promise<void> | undefined;
  #challenge: string | undefined;
  #pumping = false;
  /** Somebody will pump before long. */
  #waiting = false;
  #toldTooSmall = false;
  readonly #ending = new AbortController();
  #settled: () => void = () => {};

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
    this.#challenge = options.challenge;
    this.#sessions = this.#brokerSessions();
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
    const when = { nowMonoMs: this.#now(), isConnected };
    const refused = this.#traffic.addSample(meterId, sample, stamp, when);
    if (refused !== undefined) this.#reportUnsendable(refused.topic, refused.bytes);
    this.#pump();
  }

  publishState(topic: StateTopic, document: object): void {
    const fullTopic = stateTopic(this.#prefix, topic);
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    const purpose = topic === 'health' || topic === 'config/result' ? 'vital' : 'figure';
    if (!this.#traffic.queue.putState(fullTopic, payload, purpose))
      this.#reportUnsendable(fullTopic, payload.length);
    this.#pump();
  }

  announce({ topic, document }: Announcement): void {
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    if (!this.#traffic.queue.putState(topic, payload)) this.#reportUnsendable(topic, payload.length);
    this.#pump();
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
    this.#pump();
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
    this.#pump();
    return taken;
  }

  setChallenge(challenge: string): void {
    this.#challenge = challenge;
    if (this.#closed !== undefined) return;
    this.#putStatus(this.#online());
    this.#pump();
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
    const { sent, notesDropped } = this.#traffic.queue.figures();
    const bytes = this.#sessions.bytes();
    const { failure: why } = this.#sessions;
    return {
      connected: this.#sessions.connection !== undefined,
      protocolVersion: this.#sessions.level === 5 ? '5' : '3.1.1',
      sent,
      dropped: this.#traffic.dropped(),
      notesDropped,
      queued: this.#traffic.queued(),
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
      encode: (meterId, window, late) => ({
        topic: (late ? historyTopic : sampleTopic)(this.#prefix, meterId),
        payload: encodeDocument(windowDocument(meterId, boot, window)),
      }),
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
        this.#traffic.queue.connectionLost();
        this.#report.forget();
        this.#settled();
      },
      onOlderProtocol: () => log('info', 'telemetry.older_protocol', { host, mqtt: '3.1.1' }),
      onFailure: (reason) => this.#reportFailure(reason),
      oldestInFlightMonoMs: () => this.#traffic.queue.oldestInFlightMonoMs(),
      debtMs: () => {
        this.#balanceBooks();
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
    this.#pump();
  }

  /** Sends while the window is open and the budget allows it. Acknowledgements call it again. */
  #pump(): void {
    const { connection } = this.#sessions;
    if (connection === undefined || this.#pumping) return;
    this.#pumping = true; // a message may be settled before publish returns
    this.#balanceBooks();
    const window = Math.min(this.#limits.maxInFlight, connection.accepts.inFlight);
    while (this.#sessions.connection === connection && this.#traffic.queue.figures().inFlight < window) {
      const message = this.#traffic.take(this.#now());
      if (message === undefined) break;
      this.#send(connection, message);
    }
    this.#pumping = false;
    this.#pumpAgain();
  }

  /** What the budget holds back is looked at again, whether anybody publishes meanwhile or not. */
  #pumpAgain(): void {
    const nowMonoMs = this.#now();
    if (this.#traffic.isTooSmall()) this.#reportTooSmall();
    if (this.#waiting || this.#traffic.heldBack(nowMonoMs).length === 0) return;
    this.#waiting = true;
    this.#ports.clock.sleep(HELD_BACK_MS, this.#ending.signal).then(
      () => {
        this.#waiting = false;
        this.#pump();
      },
      () => {},
    );
  }

  #balanceBooks(): void {
    this.#traffic.balanceBooks(this.#sessions.wireBytes(), this.#now());
  }

  #send(connection: BrokerConnection, message: OutgoingMessage): void {
    const { accepts } = connection;
    const { topic, payload, properties, expiresAtMonoMs, lifetimeMs } = message;
    const size = packetBytes(message);
    if (size > accepts.packetBytes) {
      this.#traffic.queue.settle(message.id, 'refused');
      this.#reportUnsendable(topic, size);
      return;
    }
    const expiresInMs = lifetimeMs ?? (expiresAtMonoMs ?? Infinity) - this.#now();
    const request = {
      ...{ topic, payload },
      qos: accepts.qos1 ? (1 as const) : (0 as const),
      retain: message.kind === 'state' && accepts.retain,
      ...(expiresInMs < Infinity && { expirySeconds: Math.max(1, Math.ceil(expiresInMs / 1000)) }),
      ...(properties && { properties }),
    };
    connection.publish(request, (refusedBecause) => {
      this.#traffic.queue.settle(message.id, refusedBecause === undefined ? 'acknowledged' : 'refused');
      if (refusedBecause !== undefined) {
        const fields = { topic, reasonCode: refusedBecause };
        this.#report.log('warning', 'telemetry.publish_refused', fields);
      }
      this.#settled();
      this.#pump();
    });
  }

  async #sayGoodbye(): Promise<void> {
    const giveUp = new AbortController();
    const finished = new AbortController();
    this.#ports.clock.sleep(this.#limits.closeTimeoutMs, finished.signal).then(
      () => giveUp.abort(),
      () => {},
    );
    this.#ending.abort();
    const isDone = (): boolean => !this.#traffic.isSendable(this.#now());
    if (this.#sessions.connection !== undefined) this.#traffic.finish(this.#now());
    this.#pump();
    await this.#until(isDone, giveUp.signal);
    this.#putStatus(this.#offline('stopped', this.#sessions.opened));
    this.#pump();
    await this.#until(isDone, giveUp.signal);
    const { connection } = this.#sessions;
    const stopped = this.#sessions.stop();
    if (connection !== undefined) {
      const delivered = isDone();
      if (delivered) connection.disconnect();
      const late = failure('telemetry.connection_lost', 'closed before everything was delivered');
      if (!delivered || giveUp.signal.aborted) connection.abandon(late);
      giveUp.signal.addEventListener('abort', () => connection.abandon(late), { once: true });
    }
    await stopped;
    finished.abort();
    this.#traffic.discard();
    const { sent } = this.#traffic.queue.figures();
    this.#ports.log('info', 'telemetry.closed', { sent, dropped: this.#traffic.dropped() });
  }

  /** Waits until `done`, the end of the connection, or the signal. */
  async #until(done: () => boolean, signal: AbortSignal): Promise<void> {
    while (this.#sessions.connection !== undefined && !signal.aborted && !done()) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#settled = () => {};
  }

  #putStatus(document: object): void {
    this.#traffic.queue.putState(statusTopic(this.#prefix), encodeDocument(document), 'vital');
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

  #reportTooSmall(): void {
    if (this.#toldTooSmall) return;
    this.#toldTooSmall = true;
    this.#ports.log('warning', 'telemetry.budget_too_small', { bytesPerDay: this.#options.bytesPerDay });
  }

  #reportUnsendable(topic: string, bytes: number): void {
    const { maxPayloadBytes, maxStates } = this.#limits;
    this.#report.log('warning', 'telemetry.document_unsendable', {
      ...{ topic, bytes, maxPayloadBytes, maxStates },
    });
  }
}
