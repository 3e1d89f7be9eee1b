import * as v from 'valibot';
import { type Log, type MonotonicClock, unreachable } from '../../hal/contract/index.ts';
import { ChainError } from './errors.ts';
import { FrameChannel, type TalkLimit } from './frame-channel.ts';
import type { GatewayBody, GatewayPlace } from './gateway-body.ts';
import { GatewayChild, startFailed } from './gateway-child.ts';
import { GatewayConnection } from './gateway-connection.ts';
import { PendingRequests } from './pending-requests.ts';
import {
  type CoreMessage,
  type GatewayEvent,
  type GatewayMessage,
  gatewayMessageSchema,
  OPERATIONS,
  type OperationName,
  type OperationParams,
  type OperationResult,
  PROTOCOL_VERSION,
} from './protocol.ts';

export interface GatewayOptions {
  /** The gateway's program, or a socket behind which one starts. */
  readonly entry: GatewayPlace;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Ends the start, not a gateway that is ready. */
  readonly signal?: AbortSignal;
  /** Longest silence before the gateway is killed. A light client can starve its own timers for good. Default 30 s. */
  readonly silenceMs?: number;
  /** Longest time from fork or connect to `ready`; loading is slow from flash on a small ARM. Default 60 s. */
  readonly startMs?: number;
  /** Cap of V8's old space in MiB, of a program. Default 256. */
  readonly maxOldSpaceMiB?: number;
  /** Cap of the whole process, WebAssembly memory included, in bytes; killed above. Default 600 MiB. */
  readonly maxRssBytes?: number;
}

export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const SILENCE_MS = 30_000;
const START_MS = 60_000;
const WATCH_EVERY_MS = 1_000;
/** A watch that comes so late says that this process stood still; what the gateway said meanwhile is yet to be read. */
const LATE_WATCH_MS = 2 * WATCH_EVERY_MS;
const MAX_OLD_SPACE_MIB = 256;
const MAX_RSS_BYTES = 600 * 1024 * 1024;
/** Heartbeats, a few log lines a second, a finalized block every few seconds, answers. Far above it is no gateway of ours. */
const TALK_LIMIT: TalkLimit = {
  frames: { burst: 2_000, perSecond: 200 },
  bytes: { burst: 8 * 1024 * 1024, perSecond: 1024 * 1024 },
};
/** Requests that a gateway has not even read. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;

/**
 * A running gateway, as the core sees it. It is watched: killed when silent or too big, and whatever ends it rejects every
 * open request with the reason. Never restarted from here; that is a policy of its owner.
 */
export class GatewayProcess {
  readonly #body: GatewayBody;
  readonly #channel: FrameChannel;
  readonly #options: GatewayOptions;
  readonly #pending = new PendingRequests();
  readonly #watch: NodeJS.Timeout;
  readonly #ended: Promise<ChainError>;
  #reportEnd: (reason: ChainError) => void = () => {};
  #lastSeenMonoMs: number;
  #startedMonoMs: number;
  #watchedMonoMs: number;
  #ready = false;
  #end: ChainError | undefined;
  #saidPid: number | undefined;
  #rssBytes = 0;
  #traffic: Traffic = { bytesIn: 0, bytesOut: 0 };

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => (this.#reportEnd = resolve));
    this.#startedMonoMs = this.#lastSeenMonoMs = this.#watchedMonoMs = options.clock.nowMonoMs();
    this.#body = openBody(options);
    this.#channel = new FrameChannel({
      stream: this.#body.channel,
      limit: TALK_LIMIT,
      nowMonoMs: () => options.clock.nowMonoMs(),
      onMessage: (message) => this.#receive(message),
      onBroken: (why) => this.#kill(protocolError('bytes', why)),
    });
    this.#body.onEnd((reason) => this.#finish(reason));
    this.#watch = setInterval(() => this.#checkAlive(), WATCH_EVERY_MS);
    this.#watch.unref();
  }

  /** Starts a gateway and resolves when it answers. Rejects with `chain.gateway_start_failed` (nothing is left running). */
  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options);
    const abort = (): void => void gateway.stop();
    options.signal?.addEventListener('abort', abort, { once: true });
    if (options.signal?.aborted) abort();
    const started = new Promise<void>((resolve, reject) => {
      gateway.#onReady = resolve;
      void gateway.#ended.then((reason) => reject(asStartFailed(reason)));
    });
    try {
      await started;
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    } finally {
      options.signal?.removeEventListener('abort', abort);
    }
  }
  #onReady: () => void = () => {};

  /** Of a gateway that is no child: what its heartbeat says, to be shown and for nothing else. */
  get pid(): number | undefined {
    return this.#body.pid ?? this.#saidPid;
  }

  /** Resident memory as of the last heartbeat. */
  get rssBytes(): number {
    return this.#rssBytes;
  }

  /** Payload bytes of its sockets since its start, as of the last heartbeat. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  /** Resolves with the reason when the gateway has ended, whatever ended it. Never rejects. */
  get ended(): Promise<ChainError> {
    return this.#ended;
  }

  /**
   * Asks the gateway. Rejects with what the gateway answered, `chain.timeout` (effect unknown), or the reason of its end.
   * An answer of the wrong shape is `chain.protocol`, and the gateway is killed: it is not what we built.
   */
  async request<O extends OperationName>(
    operation: O,
    params: OperationParams<O>,
    timeoutMs: number = OPERATIONS[operation].timeoutMs,
  ): Promise<OperationResult<O>> {
    if (this.#end !== undefined) throw this.#end;
    const answer = await this.#pending.ask(operation, timeoutMs, (id) => {
      const message: CoreMessage = { v: PROTOCOL_VERSION, kind: 'request', id, operation, params };
      this.#channel.send(message);
      if (this.#channel.waitingBytes > MAX_WAITING_BYTES) {
        this.#kill(new ChainError('chain.gateway_silent', 'the chain gateway takes no more requests'));
      }
    });
    const parsed = v.safeParse(OPERATIONS[operation].result, answer);
    if (!parsed.success) {
      const reason = protocolError(`an answer to "${operation}"`, parsed.issues[0].message);
      this.#kill(reason);
      throw reason;
    }
    return parsed.output;
  }

  /** Ends the gateway at once; it holds nothing that would need saving. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#kill(
      new ChainError('chain.gateway_exited', 'the chain gateway was stopped', { details: { stopped: true } }),
    );
    await this.#body.gone();
  }

  #receive(raw: unknown): void {
    this.#lastSeenMonoMs = this.#options.clock.nowMonoMs();
    const parsed = v.safeParse(gatewayMessageSchema, raw);
    if (!parsed.success) return this.#kill(protocolError('a message', parsed.issues[0].message));
    this.#handle(parsed.output);
  }

  #handle(message: GatewayMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        return this.#onReady();
      case 'heartbeat':
        this.#saidPid = message.pid;
        this.#rssBytes = message.rssBytes;
        this.#traffic = message.traffic;
        return this.#checkSize(message.rssBytes);
      case 'event':
        return this.#options.onEvent(message.event);
      case 'result':
        return this.#pending.resolve(message.id, message.result);
      case 'failure': {
        const { code, message: text, remedy, effect, hint } = message.failure;
        const error = new ChainError(code, text, { remedy, effect, ...(hint === null ? {} : { hint }) });
        return this.#pending.reject(message.id, error);
      }
      default:
        unreachable(message);
    }
  }

  #checkAlive(): void {
    const now = this.#options.clock.nowMonoMs();
    const { silenceMs = SILENCE_MS, startMs = START_MS } = this.#options;
    const late = now - this.#watchedMonoMs > LATE_WATCH_MS;
    this.#watchedMonoMs = now;
    this.#body.readOn();
    this.#checkSize(this.#body.residentBytes() ?? 0);
    if (late || this.#end !== undefined) return;
    if (!this.#ready) {
      if (now - this.#startedMonoMs <= startMs) return;
      return this.#kill(
        new ChainError('chain.gateway_silent', `no sign of life ${startMs} ms after its start`),
      );
    }
    if (now - this.#lastSeenMonoMs <= silenceMs) return;
    this.#kill(
      new ChainError('chain.gateway_silent', `the chain gateway was silent for ${silenceMs} ms`, {
        effect: 'unknown',
        details: { silenceMs },
      }),
    );
  }

  #checkSize(rssBytes: number): void {
    const limit = this.#options.maxRssBytes ?? MAX_RSS_BYTES;
    if (rssBytes <= limit) return;
    this.#kill(
      new ChainError(
        'chain.gateway_too_big',
        `the chain gateway used ${rssBytes} bytes, more than ${limit}`,
        {
          effect: 'unknown',
          details: { rssBytes, limit },
        },
      ),
    );
  }

  #kill(reason: ChainError): void {
    this.#finish(reason);
    this.#channel.close();
    this.#body.end();
  }

  #finish(reason: ChainError): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    clearInterval(this.#watch);
    this.#pending.rejectAll(reason);
    this.#reportEnd(reason);
  }
}

function openBody({ entry, log, maxOldSpaceMiB = MAX_OLD_SPACE_MIB }: GatewayOptions): GatewayBody {
  if (typeof entry === 'string' || entry instanceof URL) return new GatewayChild(entry, maxOldSpaceMiB, log);
  return new GatewayConnection(entry.socket);
}

function asStartFailed(reason: ChainError): ChainError {
  return reason.code === 'chain.gateway_start_failed'
    ? reason
    : startFailed(reason.message, reason, reason.hint);
}

/** What a validator quotes of a message may be as long as the message. */
const MAX_WHY = 300;

function protocolError(what: string, why: string): ChainError {
  return new ChainError(
    'chain.protocol',
    `the chain gateway sent ${what} that is not of protocol ${PROTOCOL_VERSION}: ${why.slice(0, MAX_WHY)}`,
    {
      remedy: 'operator',
      effect: 'unknown',
      hint: 'Core and gateway must come from the same build; reinstall the package.',
    },
  );
}
