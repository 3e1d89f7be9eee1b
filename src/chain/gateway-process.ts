import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { type Log, type MonotonicClock, unreachable } from '../../hal/contract/index.ts';
import { ChainError } from './errors.ts';
import { CHANNEL_FD, FrameChannel, type TalkLimit } from './frame-channel.ts';
import { residentBytesOf } from './memory-of.ts';
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
  /** The gateway's program: dist/gateway.js. */
  readonly entry: URL | string;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly onEvent: (event: GatewayEvent) => void;
  /** Ends the start, not a gateway that is ready. */
  readonly signal?: AbortSignal;
  /** Longest silence before the gateway is killed. A light client can starve its own timers for good. Default 30 s. */
  readonly silenceMs?: number;
  /** Longest time from fork to `ready`; loading is slow from flash on a small ARM. Default 60 s. */
  readonly startMs?: number;
  /** Cap of V8's old space in MiB. Default 256. */
  readonly maxOldSpaceMiB?: number;
  /** Cap of the whole process, WebAssembly memory included, in bytes; killed above. Default 600 MiB. */
  readonly maxRssBytes?: number;
}

export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

interface Pending {
  readonly operation: OperationName;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: ChainError) => void;
  readonly timer: NodeJS.Timeout;
}

const SILENCE_MS = 30_000;
const START_MS = 60_000;
const WATCH_EVERY_MS = 1_000;
/** A watch that comes so late says that this process stood still; what the gateway said meanwhile is yet to be read. */
const LATE_WATCH_MS = 2 * WATCH_EVERY_MS;
const MAX_OLD_SPACE_MIB = 256;
/** In MiB. A light client then has 152 MB resident instead of 192, and takes no longer. */
const SMALL_YOUNG_SPACE = '--max-semi-space-size=1';
const MAX_RSS_BYTES = 600 * 1024 * 1024;
/** Requests waiting for their answer; the sync service has one or two. */
const MAX_PENDING = 32;
/** What of the parent's environment a gateway may see: no credentials directory, no notify socket. */
const ENVIRONMENT = ['PATH', 'TZ', 'LANG', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
const MAX_LINE = 500;
/** Heartbeats, a few log lines a second, a finalized block every few seconds, answers. Far above it is no gateway of ours. */
const TALK_LIMIT: TalkLimit = {
  frames: { burst: 2_000, perSecond: 200 },
  bytes: { burst: 8 * 1024 * 1024, perSecond: 1024 * 1024 },
};
/** Requests that a gateway has not even read. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024;
const OUTPUT_BYTES_PER_WATCH = 256 * 1024;

/**
 * A running gateway, as the core sees it. It is watched: killed when silent or too big, and whatever ends it rejects every
 * open request with the reason. Never restarted from here; that is a policy of its owner.
 */
export class GatewayProcess {
  readonly #child: ChildProcess;
  readonly #channel: FrameChannel;
  readonly #options: GatewayOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #watch: NodeJS.Timeout;
  readonly #ended: Promise<ChainError>;
  #reportEnd: (reason: ChainError) => void = () => {};
  #nextId = 1;
  #lastSeenMonoMs: number;
  #startedMonoMs: number;
  #watchedMonoMs: number;
  #ready = false;
  #end: ChainError | undefined;
  #rssBytes = 0;
  #traffic: Traffic = { bytesIn: 0, bytesOut: 0 };
  #lastOutput = '';
  #outputLeft = OUTPUT_BYTES_PER_WATCH;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => (this.#reportEnd = resolve));
    this.#startedMonoMs = this.#lastSeenMonoMs = this.#watchedMonoMs = options.clock.nowMonoMs();
    const entry = options.entry instanceof URL ? fileURLToPath(options.entry) : options.entry;
    const heap = [`--max-old-space-size=${options.maxOldSpaceMiB ?? MAX_OLD_SPACE_MIB}`, SMALL_YOUNG_SPACE];
    this.#child = spawn(process.execPath, [...heap, entry, `--core-pid=${process.pid}`], {
      env: Object.fromEntries(ENVIRONMENT.map((key) => [key, process.env[key]])),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#channel = new FrameChannel({
      stream: this.#child.stdio[CHANNEL_FD] as Duplex,
      limit: TALK_LIMIT,
      nowMonoMs: () => options.clock.nowMonoMs(),
      onMessage: (message) => this.#receive(message),
      onBroken: (why) => this.#kill(protocolError('bytes', why)),
    });
    this.#child.on('error', (cause) =>
      this.#finish(
        new ChainError('chain.gateway_start_failed', `the chain gateway does not start: ${cause.message}`, {
          cause,
        }),
      ),
    );
    this.#child.on('exit', (code, signal) =>
      this.#finish(
        new ChainError('chain.gateway_exited', `the chain gateway ended (${signal ?? `status ${code}`})`, {
          effect: 'unknown',
          details: { code, signal, lastOutput: this.#lastOutput },
        }),
      ),
    );
    this.#forwardOutput('stdout');
    this.#forwardOutput('stderr');
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
      void gateway.#ended.then((reason) =>
        reject(
          new ChainError(
            'chain.gateway_start_failed',
            `the chain gateway does not start: ${reason.message}`,
            {
              cause: reason,
            },
          ),
        ),
      );
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

  get pid(): number | undefined {
    return this.#child.pid;
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
    if (this.#pending.size >= MAX_PENDING) {
      throw new ChainError('chain.protocol', 'too many requests to the chain gateway at once');
    }
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new ChainError(
            'chain.timeout',
            `the chain gateway did not answer "${operation}" in ${timeoutMs} ms`,
            {
              effect: 'unknown',
              details: { operation, timeoutMs },
            },
          ),
        );
      }, timeoutMs);
      this.#pending.set(id, { operation, resolve, reject, timer });
    });
    const message: CoreMessage = { v: PROTOCOL_VERSION, kind: 'request', id, operation, params };
    this.#channel.send(message);
    if (this.#channel.waitingBytes > MAX_WAITING_BYTES) {
      this.#kill(new ChainError('chain.gateway_silent', 'the chain gateway takes no more requests'));
    }
    const parsed = v.safeParse(OPERATIONS[operation].result, await answer);
    if (!parsed.success) {
      const reason = protocolError(`an answer to "${operation}"`, parsed.issues[0].message);
      this.#kill(reason);
      throw reason;
    }
    return parsed.output;
  }

  /** Ends the gateway at once; it holds nothing that would need saving. Resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#kill(
      new ChainError('chain.gateway_exited', 'the chain gateway was stopped', { details: { stopped: true } }),
    );
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return;
    await new Promise((resolve) => this.#child.once('exit', resolve));
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
        this.#rssBytes = message.rssBytes;
        this.#traffic = message.traffic;
        return this.#checkSize(message.rssBytes);
      case 'event':
        return this.#options.onEvent(message.event);
      case 'result':
        return this.#settle(message.id, (pending) => pending.resolve(message.result));
      case 'failure': {
        const { code, message: text, remedy, effect, hint } = message.failure;
        const error = new ChainError(code, text, { remedy, effect, ...(hint === null ? {} : { hint }) });
        return this.#settle(message.id, (pending) => pending.reject(error));
      }
      default:
        unreachable(message);
    }
  }

  /** A late answer to a request that has timed out finds nobody and is dropped. */
  #settle(id: number, how: (pending: Pending) => void): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    how(pending);
  }

  #checkAlive(): void {
    const now = this.#options.clock.nowMonoMs();
    const { silenceMs = SILENCE_MS, startMs = START_MS } = this.#options;
    const late = now - this.#watchedMonoMs > LATE_WATCH_MS;
    this.#watchedMonoMs = now;
    this.#outputLeft = OUTPUT_BYTES_PER_WATCH;
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream?.resume();
    this.#checkSize(residentBytesOf(this.#child.pid ?? 0) ?? 0);
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

  /** SIGKILL, because a gateway that spins handles no signal. */
  #kill(reason: ChainError): void {
    this.#finish(reason);
    this.#channel.close();
    this.#child.kill('SIGKILL');
  }

  #finish(reason: ChainError): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    clearInterval(this.#watch);
    for (const id of [...this.#pending.keys()]) this.#settle(id, (pending) => pending.reject(reason));
    this.#reportEnd(reason);
  }

  /**
   * Libraries print; what they said last is in the error when the gateway ends by itself. One that prints without end is read
   * no faster than so; it then waits for us, and is killed when that makes it silent.
   */
  #forwardOutput(stream: 'stdout' | 'stderr'): void {
    this.#child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#outputLeft -= chunk.length;
      if (this.#outputLeft < 0) this.#child[stream]?.pause();
      this.#lastOutput = chunk.slice(0, MAX_LINE).trimEnd();
      this.#options.log('debug', 'chain.gateway_output', { stream, text: this.#lastOutput });
    });
  }
}

function protocolError(what: string, why: string): ChainError {
  return new ChainError(
    'chain.protocol',
    `the chain gateway sent ${what} that is not of protocol ${PROTOCOL_VERSION}: ${why}`,
    {
      remedy: 'operator',
      effect: 'unknown',
      hint: 'Core and gateway must come from the same build; reinstall the package.',
    },
  );
}
