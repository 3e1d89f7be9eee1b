import {
  InvariantError,
  MeterError,
  type LineListener,
  type ListeningLine,
  type ListeningLineStatistics,
  type Log,
  type MonotonicClock,
  type Parity,
} from '../contract/index.ts';
import type { ByteChannel, ChannelEvents, OpenChannel } from './channel.ts';
import { Connection, REOPEN_LIMITS, type ReopenLimits } from './connection.ts';
import { asMeterError, closedError } from './errors.ts';
import { tcpChannel } from './tcp-channel.ts';
import { heardBy, type LineTap } from './trace.ts';

export type ListeningLineOptions =
  | {
      readonly id: string;
      readonly kind: 'serial';
      readonly path: string;
      readonly baudRate: number;
      readonly parity: Parity;
      readonly dataBits?: 7 | 8;
      readonly stopBits?: 1 | 2;
      readonly reopen?: ReopenLimits;
    }
  | {
      readonly id: string;
      /** A gateway that hands the bytes of its serial port through as they are. */
      readonly kind: 'rtuOverTcp';
      readonly host: string;
      readonly port: number;
      readonly reopen?: ReopenLimits;
    };

const CONNECT_TIMEOUT_MS = 3_000;

/** Opens nothing before `listen`; never throws. While the device is absent it is tried again, with growing pauses. */
export function openListeningLine(
  options: ListeningLineOptions,
  ports: { clock: MonotonicClock; log: Log; tap?: LineTap },
): ListeningLine {
  const { id, kind, reopen = REOPEN_LIMITS } = options;
  return new ListeningLineActor({ id, kind, reopen, open: channelOf(options), ...ports });
}

/** A channel whose rate can change has `setBaudRate`. */
type Tunable = ByteChannel & { setBaudRate?(baudRate: number): Promise<void> };
/** As `OpenChannel`, at the rate that was set last; undefined where the line has none. */
export type OpenTunable = (
  events: ChannelEvents,
  signal: AbortSignal,
  baudRate: number | undefined,
) => Promise<Tunable>;

function channelOf(options: ListeningLineOptions): OpenTunable {
  if (options.kind === 'serial') {
    const { path, parity, dataBits = 8, stopBits = 1 } = options;
    return async (events, _signal, baudRate = options.baudRate) => {
      // The native addon is loaded when a port is opened: a station on TCP never does.
      const { openStreamSerialChannel } = await import('./stream-serial-channel.ts');
      return openStreamSerialChannel({ path, baudRate, parity, dataBits, stopBits }, events);
    };
  }
  const { host, port } = options;
  return tcpChannel({ host, port, connectTimeoutMs: CONNECT_TIMEOUT_MS });
}

export interface ListeningLineParts {
  readonly id: string;
  readonly kind: ListeningLine['kind'];
  readonly open: OpenTunable;
  readonly reopen: ReopenLimits;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly tap?: LineTap;
}

/** Keeps one device open and hands on what it says. Holds no bytes. */
export class ListeningLineActor implements ListeningLine {
  readonly id: string;
  readonly kind: ListeningLine['kind'];
  readonly #parts: ListeningLineParts;
  readonly #connection: Connection;
  readonly #closing = new AbortController();
  #listener: LineListener | undefined;
  #channel: Tunable | undefined;
  #baudRate: number | undefined;
  #trouble: MeterError | undefined;
  #wakeLost: () => void = () => {};
  #running: Promise<void> | undefined;
  /** Until the first try to open the device has ended. */
  #tried: Promise<void> = Promise.resolve();
  #bytesReceived = 0;
  #bytesSent = 0;

  constructor(parts: ListeningLineParts) {
    this.id = parts.id;
    this.kind = parts.kind;
    this.#parts = parts;
    const open: OpenChannel = (events, signal) => this.#openChannel(events, signal);
    this.#connection = new Connection(parts.id, open, parts, parts.reopen);
    this.#connection.onChange = () => this.#wakeLost();
  }

  get trouble(): MeterError | undefined {
    return this.#closed ? closedError(this.id, 'closed') : this.#trouble;
  }

  listen(listener: LineListener): void {
    if (this.#listener !== undefined) throw new InvariantError(`line ${this.id} has a listener already`);
    this.#listener = listener;
    if (this.#closed) return listener.onClosed();
    this.#tried = new Promise((resolve) => {
      this.#running = this.#keepOpen(listener, resolve);
    });
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.#act((channel) => {
      this.#parts.tap?.sent(bytes);
      return channel.write(bytes);
    });
    this.#bytesSent += bytes.length;
  }

  async setBaudRate(baudRate: number): Promise<void> {
    if (this.kind !== 'serial') return;
    this.#baudRate = baudRate;
    await this.#act(async (channel) => channel.setBaudRate?.(baudRate));
  }

  statistics(): ListeningLineStatistics {
    const { state, opened } = this.#connection;
    return { id: this.id, state, opened, bytesReceived: this.#bytesReceived, bytesSent: this.#bytesSent };
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closing.abort();
      this.#wakeLost();
      this.#listener?.onClosed();
    }
    await this.#connection.close();
    await this.#running;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** A device that refuses to send or to change its rate is of no use: it is opened anew. */
  async #act(act: (channel: Tunable) => Promise<void>): Promise<void> {
    await this.#tried;
    const channel = this.#channel;
    if (this.#closed) throw closedError(this.id, 'closed');
    if (channel === undefined || !this.#connection.isOpen) {
      throw this.#trouble ?? closedError(this.id, 'not yet open');
    }
    try {
      await act(channel);
    } catch (cause) {
      await this.#connection.drop(cause);
      this.#wakeLost();
      throw asMeterError(cause);
    }
  }

  async #openChannel(events: ChannelEvents, signal: AbortSignal): Promise<Tunable> {
    // Bytes are handed on at once, past the connection's own buffer: that one is for lines on which answers are awaited.
    let current = true;
    const heard: ChannelEvents = {
      onBytes: (bytes) => {
        if (current && !this.#closed) this.#hear(bytes);
      },
      onClosed: (cause) => {
        current = false;
        events.onClosed(cause);
      },
    };
    const { open, tap } = this.#parts;
    const opening = open(tap === undefined ? heard : heardBy(tap, heard), signal, this.#baudRate);
    opening.catch((cause: unknown) => tap?.closed(cause));
    const channel = await opening;
    tap?.opened();
    this.#channel = channel;
    return channel;
  }

  #hear(bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length;
    this.#listener?.onBytes(bytes, this.#parts.clock.nowMonoMs());
  }

  async #keepOpen(listener: LineListener, tried: () => void): Promise<void> {
    const { clock, reopen } = this.#parts;
    let pauseMs = 0;
    while (!this.#closed) {
      try {
        const heardBefore = this.#bytesReceived;
        await this.#connection.ensureOpen();
        this.#trouble = undefined;
        tried();
        await this.#lost();
        if (this.#closed) break;
        this.#trouble = closedError(this.id, 'lost');
        listener.onInterrupted();
        // Who accepts and hangs up at once is not called again and again.
        pauseMs = this.#bytesReceived > heardBefore ? 0 : pauseMs;
        pauseMs = Math.min(reopen.longestPauseMs, Math.max(reopen.firstPauseMs, 2 * pauseMs));
        await this.#sleep(clock, pauseMs);
      } catch (error) {
        this.#trouble = asMeterError(error);
        tried();
        const retryInMs = Number(this.#trouble.details['retryInMs'] ?? reopen.firstPauseMs);
        // One more than it says, rounded: to be refused because the pause is not quite over would be a failure of its own.
        await this.#sleep(clock, retryInMs + 1);
      }
    }
  }

  #lost(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeLost = () => {
        if (!this.#connection.isOpen || this.#closed) resolve();
      };
      this.#wakeLost();
    });
  }

  async #sleep(clock: MonotonicClock, durationMs: number): Promise<void> {
    await clock.sleep(durationMs, this.#closing.signal).catch(() => {});
  }
}
