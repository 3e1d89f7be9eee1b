import type { MeterSample } from '../../hal/contract/index.ts';
import type { BrokerAddress } from './broker-url.ts';
import { failure } from './connection-failure.ts';
import { readCredentials } from './credential-files.ts';
import {
  encodeDocument,
  offlineDocument,
  onlineDocument,
  sampleDocument,
  type SampleStamp,
} from './documents.ts';
import { TelemetryError, type TelemetryErrorCode } from './errors.ts';
import { DEFAULT_LIMITS, type TelemetryLimits } from './limits.ts';
import { type BrokerConnection, openConnection } from './mqtt-connection.ts';
import { type OutgoingMessage, OutgoingQueue } from './outgoing-queue.ts';
import { afterFailure, afterSession, FIRST_ATTEMPT } from './reconnect-policy.ts';
import { configurationSubscription } from './subscription.ts';
import type { Telemetry, TelemetryOptions, TelemetryPorts, TelemetryStatistics } from './telemetry.ts';
import {
  encodeLevel,
  sampleTopic,
  stateTopic,
  type StateTopic,
  stationPrefix,
  statusTopic,
} from './topics.ts';

/** The loop around one session after another. What waits, what is said and when to try again is decided elsewhere. */
export class MqttTelemetry implements Telemetry {
  readonly #options: TelemetryOptions;
  readonly #address: BrokerAddress;
  readonly #ports: TelemetryPorts;
  readonly #limits: TelemetryLimits;
  readonly #prefix: string;
  readonly #queue: OutgoingQueue;
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #connection: BrokerConnection | undefined;
  #reconnect = FIRST_ATTEMPT;
  #sessions = 0;
  #failure: TelemetryErrorCode | undefined;
  /** Reported in this outage or session: one line in the log each, however often it happens. */
  readonly #reported = new Set<string>();
  #pumping = false;
  #settled: () => void = () => {};
  readonly #endedBytes = { sent: 0, received: 0 };

  constructor(options: TelemetryOptions, address: BrokerAddress, ports: TelemetryPorts) {
    this.#options = options;
    this.#address = address;
    this.#ports = ports;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#prefix = stationPrefix(options.stationName);
    this.#queue = new OutgoingQueue(this.#limits);
  }

  start(): void {
    if (!this.#address.tls && this.#options.credentials?.passwordFile !== undefined) {
      this.#ports.log('warning', 'telemetry.password_in_clear', { host: this.#address.host });
    }
    this.#putStatus(this.#online()); // the first of the states, and so the first message of every session
    this.#running = this.#run();
  }

  publishSample(meterId: string, sample: MeterSample, stamp: SampleStamp = {}): void {
    if (this.#closed !== undefined) return;
    const boot = this.#options.birth.boot.count;
    const expiresAt = this.#ports.clock.nowMonoMs() + this.#limits.sampleExpiryMs;
    const topic = sampleTopic(this.#prefix, meterId);
    const payload = encodeDocument(sampleDocument(meterId, boot, sample, stamp));
    if (!this.#queue.offerSample(topic, payload, expiresAt)) this.#reportUnsendable(topic, payload.length);
    this.#pump();
  }

  publishState(topic: StateTopic, document: object): void {
    const fullTopic = stateTopic(this.#prefix, topic);
    if (this.#closed !== undefined) return;
    const payload = encodeDocument(document);
    if (!this.#queue.putState(fullTopic, payload)) this.#reportUnsendable(fullTopic, payload.length);
    this.#pump();
  }

  statistics(): TelemetryStatistics {
    const { sent, dropped, queued } = this.#queue.figures();
    const bytes = this.#connection?.bytes() ?? { sent: 0, received: 0 };
    return {
      connected: this.#connection !== undefined,
      protocolVersion: this.#reconnect.level === 5 ? '5' : '3.1.1',
      sent,
      dropped,
      queued,
      sessions: this.#sessions,
      bytesSent: this.#endedBytes.sent + bytes.sent,
      bytesReceived: this.#endedBytes.received + bytes.received,
      ...(this.#connection === undefined && this.#failure !== undefined && { failure: this.#failure }),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#sayGoodbye();
    return this.#closed;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#ports;
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      const reason = await this.#session(closing).catch((cause: unknown) =>
        failure('telemetry.connection_lost', 'the session failed', {
          cause,
          details: { cause: String(cause) },
        }),
      );
      if (closing.aborted) return;
      const next = afterFailure(this.#reconnect, reason.code, this.#limits, random());
      if (next.state.level < this.#reconnect.level) {
        this.#ports.log('info', 'telemetry.older_protocol', { host: this.#address.host, mqtt: '3.1.1' });
      } else this.#reportFailure(reason);
      this.#reconnect = next.state;
      await clock.sleep(next.delayMs, closing).catch(() => {});
    }
  }

  /** One attempt and, when it succeeds, the whole life of the session. Resolves with why it ended. */
  async #session(closing: AbortSignal): Promise<TelemetryError> {
    let connection: BrokerConnection;
    try {
      connection = await this.#connect(closing);
    } catch (error) {
      return error instanceof TelemetryError
        ? error
        : failure('telemetry.unreachable', 'the attempt to connect failed', { cause: error });
    }
    this.#opened(connection);
    const { clock } = this.#ports;
    const openedAtMonoMs = clock.nowMonoMs();
    const over = new AbortController();
    void this.#watchAcknowledgements(connection, over.signal);
    const reason = await connection.ended;
    over.abort();
    this.#connection = undefined;
    this.#queue.connectionLost();
    this.#reconnect = afterSession(this.#reconnect, clock.nowMonoMs() - openedAtMonoMs, this.#limits);
    const bytes = connection.bytes();
    this.#endedBytes.sent += bytes.sent;
    this.#endedBytes.received += bytes.received;
    this.#reported.clear();
    this.#settled();
    return reason;
  }

  async #connect(closing: AbortSignal): Promise<BrokerConnection> {
    const { connectTimeoutMs } = this.#limits;
    const attempt = new AbortController();
    const finished = new AbortController();
    const giveUp = (): void => attempt.abort(closing.reason);
    closing.addEventListener('abort', giveUp, { once: true, signal: finished.signal });
    this.#ports.clock.sleep(connectTimeoutMs, finished.signal).then(
      () => attempt.abort(failure('telemetry.no_connack', `no session within ${connectTimeoutMs} ms`)),
      () => {},
    );
    try {
      const request = {
        address: this.#address,
        credentials: await readCredentials(this.#options.credentials ?? {}, this.#address.tls),
        serverName: this.#options.serverName,
        clientId: this.#options.clientId ?? `delmonicos-${encodeLevel(this.#options.stationName)}`,
        level: this.#reconnect.level,
        will: {
          topic: statusTopic(this.#prefix),
          payload: encodeDocument(this.#offline('connection lost', this.#sessions + 1)),
        },
        limits: this.#limits,
        subscription: configurationSubscription(this.#prefix, this.#options, this.#limits, this.#ports.log),
      };
      return await openConnection(request, attempt.signal);
    } finally {
      finished.abort();
    }
  }

  #opened(connection: BrokerConnection): void {
    this.#sessions++;
    this.#failure = undefined;
    this.#reported.clear();
    const { dropped, queued } = this.#queue.figures();
    this.#ports.log('info', 'telemetry.connected', {
      host: this.#address.host,
      mqtt: connection.level === 5 ? '5' : '3.1.1',
      session: this.#sessions,
      dropped,
      queued,
    });
    this.#connection = connection;
    this.#putStatus(this.#online());
    this.#pump();
  }

  /** A broker that takes messages and acknowledges none is as good as none: the session ends, the pause grows. */
  async #watchAcknowledgements(connection: BrokerConnection, over: AbortSignal): Promise<void> {
    const { acknowledgeTimeoutMs } = this.#limits;
    while (!over.aborted) {
      const oldest = this.#queue.oldestInFlightMonoMs();
      const age = oldest === undefined ? 0 : this.#ports.clock.nowMonoMs() - oldest;
      if (age >= acknowledgeTimeoutMs) {
        connection.abandon(
          failure('telemetry.no_acknowledgement', `a message is unacknowledged for ${Math.round(age)} ms`),
        );
        return;
      }
      await this.#ports.clock.sleep(acknowledgeTimeoutMs - age, over).catch(() => {});
    }
  }

  /** Sends while the window is open. Acknowledgements call it again. */
  #pump(): void {
    const connection = this.#connection;
    if (connection === undefined || this.#pumping) return;
    this.#pumping = true; // a message may be settled before publish returns
    const window = Math.min(this.#limits.maxInFlight, connection.accepts.inFlight);
    while (this.#connection === connection && this.#queue.figures().inFlight < window) {
      const message = this.#queue.take(this.#ports.clock.nowMonoMs());
      if (message === undefined) break;
      this.#send(connection, message);
    }
    this.#pumping = false;
  }

  #send(connection: BrokerConnection, message: OutgoingMessage): void {
    const { accepts } = connection;
    // 16 bytes are more than the fixed header, packet id and the properties that are set ever take.
    const size = message.payload.length + Buffer.byteLength(message.topic) + 16;
    if (size > accepts.packetBytes) {
      this.#queue.settle(message.id, 'refused');
      this.#reportUnsendable(message.topic, size);
      return;
    }
    const expiresIn = (message.expiresAtMonoMs ?? 0) - this.#ports.clock.nowMonoMs();
    const request = {
      topic: message.topic,
      payload: message.payload,
      qos: accepts.qos1 ? (1 as const) : (0 as const),
      retain: message.kind === 'state' && accepts.retain,
      ...(message.kind === 'sample' && { expirySeconds: Math.max(1, Math.ceil(expiresIn / 1000)) }),
    };
    connection.publish(request, (refusedBecause) => {
      this.#queue.settle(message.id, refusedBecause === undefined ? 'acknowledged' : 'refused');
      if (refusedBecause !== undefined) {
        const fields = { topic: message.topic, reasonCode: refusedBecause };
        this.#logOnce('warning', 'telemetry.publish_refused', fields);
      }
      this.#settled();
      this.#pump();
    });
  }

  async #sayGoodbye(): Promise<void> {
    const { clock } = this.#ports;
    const giveUp = new AbortController();
    const finished = new AbortController();
    clock.sleep(this.#limits.closeTimeoutMs, finished.signal).then(
      () => giveUp.abort(),
      () => {},
    );
    await this.#until(() => this.#queue.figures().queued === 0, giveUp.signal);
    this.#putStatus(this.#offline('stopped', this.#sessions));
    this.#pump();
    await this.#until(() => this.#queue.figures().queued === 0, giveUp.signal);
    const connection = this.#connection;
    this.#closing.abort();
    if (connection !== undefined) {
      const delivered = this.#queue.figures().queued === 0;
      if (delivered) connection.disconnect();
      const late = failure('telemetry.connection_lost', 'closed before everything was delivered');
      if (!delivered || giveUp.signal.aborted) connection.abandon(late);
      giveUp.signal.addEventListener('abort', () => connection.abandon(late), { once: true });
    }
    await this.#running;
    finished.abort();
    this.#queue.discard();
    const { sent, dropped } = this.#queue.figures();
    this.#ports.log('info', 'telemetry.closed', { sent, dropped });
  }

  /** Waits until `done`, the end of the connection, or the signal. */
  async #until(done: () => boolean, signal: AbortSignal): Promise<void> {
    while (this.#connection !== undefined && !signal.aborted && !done()) {
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
      session: this.#sessions,
      level: this.#reconnect.level,
      samplesDropped: this.#queue.figures().dropped,
    });
  }

  #offline(reason: 'connection lost' | 'stopped', session: number): object {
    return offlineDocument(this.#options.stationName, this.#options.birth, session, reason);
  }

  #reportFailure(reason: TelemetryError): void {
    this.#failure = reason.code;
    const level = reason.remedy === 'operator' ? 'error' : 'warning';
    this.#logOnce(level, 'telemetry.disconnected', {
      host: this.#address.host,
      code: reason.code,
      ...reason.details,
      ...(reason.hint !== undefined && { hint: reason.hint }),
    });
  }

  #reportUnsendable(topic: string, bytes: number): void {
    const { maxPayloadBytes, maxStates } = this.#limits;
    this.#logOnce('warning', 'telemetry.document_unsendable', { topic, bytes, maxPayloadBytes, maxStates });
  }

  /** One line per event and cause until the state changes: a broker that is gone for a month must not fill the flash. */
  #logOnce(level: 'warning' | 'error', event: string, fields: Readonly<Record<string, unknown>>): void {
    const key = `${event} ${typeof fields.code === 'string' ? fields.code : ''}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#ports.log(level, event, fields);
  }
}
