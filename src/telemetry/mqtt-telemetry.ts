import type { MeterSample } from '../../hal/contract/index.ts';
import {
  encodeDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type SampleStamp,
} from './contract/documents.ts';
import {
  encodeLevel,
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
import { OutgoingQueue } from './outgoing/outgoing-queue.ts';
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
  readonly #queue: OutgoingQueue;
  readonly #sessions: BrokerSessions;
  readonly #report: ReportOnce;
  #closed: Promise<void> | undefined;
  #challenge: string | undefined;
  #pumping = false;
  #settled: () => void = () => {};

  constructor(options: TelemetryOptions, address: BrokerAddress, ports: TelemetryPorts) {
    this.#options = options;
    this.#address = address;
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#prefix = stationPrefix(options.stationName);
    this.#queue = new OutgoingQueue(this.#limits);
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
    const boot = this.#options.birth.boot.count;
    const topic = sampleTopic(this.#prefix, meterId);
    const payload = encodeDocument(sampleDocument(meterId, boot, sample, stamp));
    if (!this.#queue.offerSample(topic, payload, this.#expiry(this.#limits.sampleExpiryMs)))
      this.#reportUnsendable(topic, payload.length);
    this.#pump();
  }

  publishState(topic: StateTopic, document: object): void {
    const fullTopic = stateTopic(this.#prefix, topic);
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    if (!this.#queue.putState(fullTopic, payload)) this.#reportUnsendable(fullTopic, payload.length);
    this.#pump();
  }

  publishNote(topic: NoteTopic, document: object): void {
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    const fullTopic = noteTopic(this.#prefix, topic);
    if (!this.#queue.offerNote(fullTopic, payload, this.#expiry(this.#limits.sampleExpiryMs)))
      this.#reportUnsendable(fullTopic, payload.length);
    this.#pump();
  }

  reply({ topic, payload, properties, onSettled }: Reply): boolean {
    if (this.#closed !== undefined) return false;
    const taken = this.#queue.offerReply({
      topic: replyTopic(this.#prefix, topic),
      payload: Buffer.from(payload),
      expiresAtMonoMs: this.#expiry(this.#limits.replyExpiryMs),
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

  statistics(): TelemetryStatistics {
    const { sent, dropped, queued } = this.#queue.figures();
    const bytes = this.#sessions.bytes();
    const { failure: why } = this.#sessions;
    return {
      connected: this.#sessions.connection !== undefined,
      protocolVersion: this.#sessions.level === 5 ? '5' : '3.1.1',
      sent,
      dropped,
      queued,
      sessions: this.#sessions.opened,
      bytesSent: bytes.sent,
      bytesReceived: bytes.received,
      ...(why !== undefined && { failure: why }),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#sayGoodbye();
    return this.#closed;
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
        this.#queue.connectionLost();
        this.#report.forget();
        this.#settled();
      },
      onOlderProtocol: () => log('info', 'telemetry.older_protocol', { host, mqtt: '3.1.1' }),
      onFailure: (reason) => this.#reportFailure(reason),
      oldestInFlightMonoMs: () => this.#queue.oldestInFlightMonoMs(),
    });
  }

  #opened(connection: BrokerConnection, session: number): void {
    this.#report.forget();
    const { dropped, queued } = this.#queue.figures();
    const mqtt = connection.level === 5 ? '5' : '3.1.1';
    this.#ports.log('info', 'telemetry.connected', {
      ...{ host: this.#address.host, mqtt, session, dropped, queued },
    });
    this.#putStatus(this.#online());
    this.#pump();
  }

  /** Sends while the window is open. Acknowledgements call it again. */
  #pump(): void {
    const { connection } = this.#sessions;
    if (connection === undefined || this.#pumping) return;
    this.#pumping = true; // a message may be settled before publish returns
    const window = Math.min(this.#limits.maxInFlight, connection.accepts.inFlight);
    while (this.#sessions.connection === connection && this.#queue.figures().inFlight < window) {
      const message = this.#queue.take(this.#ports.clock.nowMonoMs());
      if (message === undefined) break;
      this.#send(connection, message);
    }
    this.#pumping = false;
  }

  #send(connection: BrokerConnection, message: OutgoingMessage): void {
    const { accepts } = connection;
    const { topic, payload, properties, expiresAtMonoMs } = message;
    // 16 bytes are more than the fixed header, packet id and the properties that are always set ever take.
    const said = (properties?.contentType?.length ?? 0) + (properties?.correlationData?.length ?? 0) + 6;
    const size = payload.length + Buffer.byteLength(topic) + 16 + (properties === undefined ? 0 : said);
    if (size > accepts.packetBytes) {
      this.#queue.settle(message.id, 'refused');
      this.#reportUnsendable(topic, size);
      return;
    }
    const expiresInMs = (expiresAtMonoMs ?? 0) - this.#ports.clock.nowMonoMs();
    const request = {
      ...{ topic, payload },
      qos: accepts.qos1 ? (1 as const) : (0 as const),
      retain: message.kind === 'state' && accepts.retain,
      ...(expiresAtMonoMs !== undefined && { expirySeconds: Math.max(1, Math.ceil(expiresInMs / 1000)) }),
      ...(properties && { properties }),
    };
    connection.publish(request, (refusedBecause) => {
      this.#queue.settle(message.id, refusedBecause === undefined ? 'acknowledged' : 'refused');
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
    await this.#until(() => this.#queue.figures().queued === 0, giveUp.signal);
    this.#putStatus(this.#offline('stopped', this.#sessions.opened));
    this.#pump();
    await this.#until(() => this.#queue.figures().queued === 0, giveUp.signal);
    const { connection } = this.#sessions;
    const stopped = this.#sessions.stop();
    if (connection !== undefined) {
      const delivered = this.#queue.figures().queued === 0;
      if (delivered) connection.disconnect();
      const late = failure('telemetry.connection_lost', 'closed before everything was delivered');
      if (!delivered || giveUp.signal.aborted) connection.abandon(late);
      giveUp.signal.addEventListener('abort', () => connection.abandon(late), { once: true });
    }
    await stopped;
    finished.abort();
    this.#queue.discard();
    const { sent, dropped } = this.#queue.figures();
    this.#ports.log('info', 'telemetry.closed', { sent, dropped });
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
    this.#queue.putState(statusTopic(this.#prefix), encodeDocument(document));
  }

  #online(): object {
    return onlineDocument(this.#options.stationName, this.#options.birth, {
      session: this.#sessions.opened,
      level: this.#sessions.level,
      samplesDropped: this.#queue.figures().dropped,
      challenge: this.#challenge,
    });
  }

  #offline(reason: 'connection lost' | 'stopped', session: number): object {
    return offlineDocument(this.#options.stationName, this.#options.birth, session, reason);
  }

  #expiry(inMs: number): number {
    return this.#ports.clock.nowMonoMs() + inMs;
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
