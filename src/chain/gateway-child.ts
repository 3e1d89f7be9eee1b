import { type ChildProcess, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Log } from '../../hal/contract/index.ts';
import { ChainError } from './errors.ts';
import { CHANNEL_FD } from './frame-channel.ts';
import type { GatewayBody } from './gateway-body.ts';
import { residentBytesOf } from './memory-of.ts';

/** In MiB. A light client then has 152 MB resident instead of 192, and takes no longer. */
const SMALL_YOUNG_SPACE = '--max-semi-space-size=1';
/** What of the parent's environment a gateway may see: no credentials directory, no notify socket. */
const ENVIRONMENT = ['PATH', 'TZ', 'LANG', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/** A gateway that is a child of this process, over a socket pair. */
export class GatewayChild implements GatewayBody {
  readonly channel: Duplex;
  readonly #process: ChildProcess;
  readonly #output: GatewayOutput;

  /** Throws `chain.gateway_start_failed` when the system has nothing left to start it with. */
  constructor(program: URL | string, maxOldSpaceMiB: number, log: Log) {
    const { process: child, channel } = spawnGateway(program, maxOldSpaceMiB);
    this.#process = child;
    this.channel = channel;
    this.#output = new GatewayOutput(child, log);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  residentBytes(): number | undefined {
    return residentBytesOf(this.#process.pid ?? 0);
  }

  readOn(): void {
    this.#output.readOn();
  }

  onEnd(tell: (reason: ChainError) => void): void {
    this.#process.once('error', (cause) => tell(startFailed(cause.message, cause)));
    this.#process.once('exit', (code, signal) =>
      tell(
        new ChainError('chain.gateway_exited', `the chain gateway ended (${signal ?? `status ${code}`})`, {
          effect: 'unknown',
          details: { code, signal, lastOutput: this.#output.last },
        }),
      ),
    );
  }

  /** SIGKILL, because a gateway that spins handles no signal. */
  end(): void {
    this.#output.close();
    this.#process.kill('SIGKILL');
  }

  async gone(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (exitCode !== null || signalCode !== null || pid === undefined) return;
    await new Promise((resolve) => this.#process.once('exit', resolve));
  }
}

function spawnGateway(
  program: URL | string,
  maxOldSpaceMiB: number,
): { readonly process: ChildProcess; readonly channel: Duplex } {
  const entry = program instanceof URL ? fileURLToPath(program) : program;
  const heap = [`--max-old-space-size=${maxOldSpaceMiB}`, SMALL_YOUNG_SPACE];
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...heap, entry, `--core-pid=${process.pid}`], {
      env: Object.fromEntries(ENVIRONMENT.map((key) => [key, process.env[key]])),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
  } catch (cause) {
    throw startFailed(cause instanceof Error ? cause.message : String(cause), cause);
  }
  // Where no more files may be opened Node gives a child without any, whose `error` would end this process if nobody heard it.
  child.on('error', () => {});
  const [, , , channel] = (child.stdio as typeof child.stdio | undefined) ?? [];
  if (channel === undefined || channel === null) throw startFailed('no more files may be opened', undefined);
  return { process: child, channel: child.stdio[CHANNEL_FD] as Duplex };
}

export function startFailed(why: string, cause: unknown, hint?: string): ChainError {
  return new ChainError('chain.gateway_start_failed', `the chain gateway does not start: ${why}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}

const MAX_LINE = 500;
const BYTES_A_TURN = 256 * 1024;

/**
 * Libraries print; what they said last is in the error when the gateway ends by itself. One that prints without end is read no
 * faster than so many bytes between two calls of `readOn`; it then waits for us, and is killed when that makes it silent.
 */
class GatewayOutput {
  readonly #streams: readonly Readable[];
  #left = BYTES_A_TURN;
  #last = '';

  constructor({ stdout, stderr }: ChildProcess, log: Log) {
    const named = { stdout, stderr };
    this.#streams = [stdout, stderr].filter((stream) => stream !== null);
    for (const [name, stream] of Object.entries(named)) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#left -= chunk.length;
        if (this.#left < 0) stream.pause();
        this.#last = chunk.slice(0, MAX_LINE).trimEnd();
        log('debug', 'chain.gateway_output', { stream: name, text: this.#last });
      });
      stream?.on('error', () => {});
    }
  }

  get last(): string {
    return this.#last;
  }

  readOn(): void {
    this.#left = BYTES_A_TURN;
    for (const stream of this.#streams) stream.resume();
  }

  /** What is not read yet is not read any more: a stream that waits would stay open for good. */
  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }
}
