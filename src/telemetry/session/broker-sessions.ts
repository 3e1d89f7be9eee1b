import type { MonotonicClock } from '../../../hal/contract/index.ts';
import { TelemetryError, type TelemetryErrorCode } from '../errors.ts';
import type { TelemetryLimits } from '../limits.ts';
import type { BrokerAddress } from './broker-url.ts';
import { failure } from './connection-failure.ts';
import { readCredentials, type CredentialFiles } from './credential-files.ts';
import type { Subscriptions } from './listeners.ts';
import { type BrokerConnection, openConnection } from './mqtt-connection.ts';
import { WireMeter } from './wire-meter.ts';
import { afterFailure, afterSession, FIRST_ATTEMPT } from './reconnect-policy.ts';

export interface BrokerSessionsParts {
  readonly address: BrokerAddress;
  readonly credentials: CredentialFiles;
  readonly serverName: string | undefined;
  readonly clientId: string;
  readonly limits: TelemetryLimits;
  /** What the broker is to say when the session of that number breaks. */
  readonly will: (session: number) => { readonly topic: string; readonly payload: Buffer };
  readonly subscriptions: Subscriptions;
  readonly clock: MonotonicClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onOpened: (connection: BrokerConnection, session: number) => void;
  readonly onEnded: () => void;
  /** The next attempt speaks 3.1.1: the broker refuses MQTT 5. */
  readonly onOlderProtocol: () => void;
  readonly onFailure: (reason: TelemetryError) => void;
  /** When the oldest message in flight was sent. */
  readonly oldestInFlightMonoMs: () => number | undefined;
  /** How long the next attempt should wait for the day's budget. */
  readonly debtMs: () => number;
}

/** One session with the broker after another, for as long as it takes; when to try again is decided in reconnect-policy. */
export class BrokerSessions {
  readonly #parts: BrokerSessionsParts;
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #connection: BrokerConnection | undefined;
  #reconnect = FIRST_ATTEMPT;
  #opened = 0;
  #failure: TelemetryErrorCode | undefined;
  readonly #meter = new WireMeter();
  readonly #endedBytes = { sent: 0, received: 0 };

  constructor(parts: BrokerSessionsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** No further attempt; resolves when the last session, which somebody else ends, is over. */
  async stop(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  get connection(): BrokerConnection | undefined {
    return this.#connection;
  }

  /** Since the start. */
  get opened(): number {
    return this.#opened;
  }

  /** MQTT 5, or 4 for 3.1.1: of this session, or of the next attempt. */
  get level(): 5 | 4 {
    return this.#reconnect.level;
  }

  /** Why there is no session, while there is none. */
  get failure(): TelemetryErrorCode | undefined {
    return this.#connection === undefined ? this.#failure : undefined;
  }

  /** On the sockets, since the start. */
  bytes(): { readonly sent: number; readonly received: number } {
    const now = this.#connection?.bytes() ?? { sent: 0, received: 0 };
    return { sent: this.#endedBytes.sent + now.sent, received: this.#endedBytes.received + now.received };
  }

  /** As estimated, since the start: what was sent and received, with attempts that came to nothing. */
  wireBytes(): number {
    return this.#meter.bytes();
  }

  async #run(): Promise<void> {
    const { clock, random, limits, onFailure, onOlderProtocol, debtMs } = this.#parts;
    const closing = this.#closing.signal;
    while (!closing.aborted) {
      const reason = await this.#session(closing).catch((cause: unknown) =>
        failure('telemetry.connection_lost', 'the session failed', {
          cause,
          details: { cause: String(cause) },
        }),
      );
      if (closing.aborted) return;
      const next = afterFailure(this.#reconnect, reason.code, limits, random());
      if (next.state.level < this.#reconnect.level) onOlderProtocol();
      else {
        this.#failure = reason.code;
        onFailure(reason);
      }
      this.#reconnect = next.state;
      const delayMs = Math.max(next.delayMs, Math.min(debtMs(), limits.reconnectDebtMs));
      await clock.sleep(delayMs, closing).catch(() => {});
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
    const { clock, limits, onOpened, onEnded } = this.#parts;
    this.#opened++;
    this.#failure = undefined;
    this.#connection = connection;
    onOpened(connection, this.#opened);
    const openedAtMonoMs = clock.nowMonoMs();
    const over = new AbortController();
    void this.#watchAcknowledgements(connection, over.signal);
    const reason = await connection.ended;
    over.abort();
    this.#connection = undefined;
    this.#reconnect = afterSession(this.#reconnect, clock.nowMonoMs() - openedAtMonoMs, limits);
    const bytes = connection.bytes();
    this.#endedBytes.sent += bytes.sent;
    this.#endedBytes.received += bytes.received;
    onEnded();
    return reason;
  }

  async #connect(closing: AbortSignal): Promise<BrokerConnection> {
    const { address, credentials, serverName, clientId, limits, will, subscriptions, clock } = this.#parts;
    const { connectTimeoutMs } = limits;
    const attempt = new AbortController();
    const finished = new AbortController();
    const giveUp = (): void => attempt.abort(closing.reason);
    closing.addEventListener('abort', giveUp, { once: true, signal: finished.signal });
    clock.sleep(connectTimeoutMs, finished.signal).then(
      () => attempt.abort(failure('telemetry.no_connack', `no session within ${connectTimeoutMs} ms`)),
      () => {},
    );
    try {
      const request = {
        ...{ address, serverName, clientId, limits, subscriptions, meter: this.#meter },
        credentials: await readCredentials(credentials, address.tls),
        level: this.#reconnect.level,
        will: will(this.#opened + 1),
      };
      return await openConnection(request, attempt.signal);
    } finally {
      finished.abort();
    }
  }

  /** A broker that takes messages and acknowledges none is as good as none: the session ends, the pause grows. */
  async #watchAcknowledgements(connection: BrokerConnection, over: AbortSignal): Promise<void> {
    const { clock, limits, oldestInFlightMonoMs } = this.#parts;
    const { acknowledgeTimeoutMs } = limits;
    while (!over.aborted) {
      const oldest = oldestInFlightMonoMs();
      const age = oldest === undefined ? 0 : clock.nowMonoMs() - oldest;
      if (age >= acknowledgeTimeoutMs) {
        connection.abandon(
          failure('telemetry.no_acknowledgement', `a message is unacknowledged for ${Math.round(age)} ms`),
        );
        return;
      }
      await clock.sleep(acknowledgeTimeoutMs - age, over).catch(() => {});
    }
  }
}
