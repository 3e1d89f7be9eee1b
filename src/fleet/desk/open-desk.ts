import { randomBytes } from 'node:crypto';
import {
  afterFailure,
  afterSession,
  FIRST_ATTEMPT,
  parseBrokerUrl,
  readCredentials,
  TelemetryError,
  type BrokerAddress,
} from '../../telemetry/index.ts';
import { FleetError } from '../errors.ts';
import type {
  BrokerDesk,
  DeskMessage,
  DeskOptions,
  DeskPorts,
  DeskPublish,
  DeskState,
  DeskSubscription,
  SubscribeOptions,
} from './desk.ts';
import { deskFailure } from './desk-failure.ts';
import { DEFAULT_DESK_LIMITS, type DeskLimits } from './desk-limits.ts';
import { openSession, type DeskSession } from './desk-session.ts';
import { fitsFilter } from './topic-filter.ts';

/**
 * Begins to connect, and goes on until it is closed.
 * @throws TelemetryError `config.telemetry_url` when the URL is not one of a broker
 */
export function openDesk(options: DeskOptions, ports: DeskPorts): BrokerDesk {
  const desk = new Desk(options, parseBrokerUrl(options.url), ports);
  desk.start();
  return desk;
}

/** What was subscribed to, and whether the broker has agreed once. */
interface Interest {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly onMessage: (message: DeskMessage) => void;
  readonly agreed: () => void;
  readonly refused: (error: FleetError) => void;
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: FleetError) => void;
}

class Desk implements BrokerDesk {
  readonly #options: DeskOptions;
  readonly #address: BrokerAddress;
  readonly #ports: DeskPorts;
  readonly #limits: DeskLimits;
  readonly #clientId: string;
  readonly #interests = new Set<Interest>();
  readonly #listeners = new Set<() => void>();
  readonly #waiting = new Set<Waiting>();
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #session: DeskSession | undefined;
  #reconnect = FIRST_ATTEMPT;
  #opened = 0;
  #failure: FleetError | undefined;
  readonly #endedBytes = { sent: 0, received: 0 };

  constructor(options: DeskOptions, address: BrokerAddress, ports: DeskPorts) {
    this.#options = options;
    this.#address = address;
    this.#ports = ports;
    this.#limits = { ...DEFAULT_DESK_LIMITS, ...options.limits };
    this.#clientId = options.clientId ?? `delmonicos-desk-${randomBytes(8).toString('hex')}`;
  }

  start(): void {
    this.#running = this.#run();
  }

  async connected(): Promise<void> {
    if (this.#session !== undefined) return;
    if (this.#closing.signal.aborted) throw closed();
    await new Promise<void>((resolve, reject) => this.#waiting.add({ resolve, reject }));
  }

  state(): DeskState {
    const now = this.#session?.bytes() ?? { sent: 0, received: 0 };
    return {
      connected: this.#session !== undefined,
      protocolVersion: this.#reconnect.level === 5 ? '5' : '3.1.1',
      sessions: this.#opened,
      bytesSent: this.#endedBytes.sent + now.sent,
      bytesReceived: this.#endedBytes.received + now.received,
      ...(this.#session === undefined && this.#failure && { failure: this.#failure }),
    };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async subscribe(
    filter: string,
    onMessage: (message: DeskMessage) => void,
    { qos = 1, onRefused = () => {} }: SubscribeOptions = {},
  ): Promise<DeskSubscription> {
    if (this.#closing.signal.aborted) throw closed();
    return await new Promise((resolve, reject) => {
      let isGranted = false;
      const interest: Interest = {
        ...{ filter, qos, onMessage },
        agreed: () => {
          isGranted = true;
          resolve({ end: () => this.#endInterest(interest) });
        },
        refused: (error) => (isGranted ? onRefused(error) : reject(error)),
      };
      this.#interests.add(interest);
      // Without a session it waits for the next one, together with all others.
      if (this.#session !== undefined) void this.#subscribeIn(this.#session, filter, [interest]);
    });
  }

  async publish(message: DeskPublish): Promise<{ readonly heard: boolean }> {
    const session = this.#session;
    if (session === undefined)
      throw new FleetError('fleet.not_connected', 'there is no session with the broker', { remedy: 'retry' });
    try {
      return await session.publish(message);
    } catch (error) {
      // The session ended: the broker may have the message, or not.
      throw error instanceof TelemetryError ? deskFailure(error, this.#address.host, 'unknown') : error;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#session?.disconnect();
    for (const { reject } of this.#waiting) reject(closed());
    this.#waiting.clear();
    const over = new AbortController();
    this.#ports.clock.sleep(this.#limits.closeTimeoutMs, over.signal).then(
      () => this.#session?.abandon(),
      () => {},
    );
    await this.#running;
    over.abort();
    for (const { refused } of this.#interests) refused(closed());
    this.#interests.clear();
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#ports;
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      const reason = await this.#one(closing).catch((cause: unknown) =>
        cause instanceof TelemetryError
          ? cause
          : new TelemetryError('telemetry.connection_lost', String(cause), { cause }),
      );
      if (closing.aborted) return;
      const next = afterFailure(this.#reconnect, reason.code, this.#limits, random());
      if (next.state.level >= this.#reconnect.level) this.#failed(deskFailure(reason, this.#address.host));
      this.#reconnect = next.state;
      await clock.sleep(next.delayMs, closing).catch(() => {});
    }
  }

  #failed(failure: FleetError): void {
    this.#failure = failure;
    for (const { reject } of this.#waiting) reject(failure);
    this.#waiting.clear();
    this.#changed();
  }

  /** One attempt and, when it succeeds, the whole life of the session. Resolves with why it ended. */
  async #one(closing: AbortSignal): Promise<TelemetryError> {
    const { clock } = this.#ports;
    const session = await this.#connect(closing);
    this.#opened++;
    this.#failure = undefined;
    this.#session = session;
    if (closing.aborted) session.disconnect();
    const openedAtMonoMs = clock.nowMonoMs();
    for (const filter of new Set([...this.#interests].map((one) => one.filter))) {
      const alike = [...this.#interests].filter((one) => one.filter === filter);
      void this.#subscribeIn(session, filter, alike);
    }
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
    this.#changed();
    const reason = await session.ended;
    this.#session = undefined;
    this.#reconnect = afterSession(this.#reconnect, clock.nowMonoMs() - openedAtMonoMs, this.#limits);
    const { sent, received } = session.bytes();
    this.#endedBytes.sent += sent;
    this.#endedBytes.received += received;
    return reason;
  }

  async #connect(closing: AbortSignal): Promise<DeskSession> {
    const { serverName, credentials = {}, password } = this.#options;
    const { connectTimeoutMs } = this.#limits;
    const attempt = new AbortController();
    const finished = new AbortController();
    const giveUp = (): void => attempt.abort(closing.reason);
    closing.addEventListener('abort', giveUp, { once: true, signal: finished.signal });
    this.#ports.clock.sleep(connectTimeoutMs, finished.signal).then(
      () =>
        attempt.abort(new TelemetryError('telemetry.no_connack', `no session within ${connectTimeoutMs} ms`)),
      () => {},
    );
    try {
      const read = await readCredentials(credentials, this.#address.tls);
      const request = {
        ...{ address: this.#address, serverName, clientId: this.#clientId, limits: this.#limits },
        ...{ level: this.#reconnect.level, clean: this.#opened === 0, clock: this.#ports.clock },
        credentials: { ...read, ...(password !== undefined && { password: Buffer.from(password) }) },
        onMessage: (message: DeskMessage) => this.#deliver(message),
      };
      return await openSession(request, attempt.signal);
    } finally {
      finished.abort();
    }
  }

  #deliver(message: DeskMessage): void {
    for (const { filter, onMessage } of [...this.#interests])
      if (fitsFilter(message.topic, filter)) onMessage(message);
  }

  /** A session that ends before it answers is no refusal: the next one is asked. */
  async #subscribeIn(session: DeskSession, filter: string, alike: readonly Interest[]): Promise<void> {
    const qos = alike.some((one) => one.qos === 1) ? 1 : 0;
    try {
      await session.subscribe(filter, qos);
      for (const { agreed } of alike) agreed();
    } catch (error) {
      if (!(error instanceof FleetError)) return;
      for (const interest of alike) {
        this.#interests.delete(interest);
        interest.refused(error);
      }
    }
  }

  async #endInterest(interest: Interest): Promise<void> {
    this.#interests.delete(interest);
    if ([...this.#interests].some(({ filter }) => filter === interest.filter)) return;
    await this.#session?.unsubscribe(interest.filter).catch(() => {});
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function closed(): FleetError {
  return new FleetError('fleet.not_connected', 'the desk was closed');
}
