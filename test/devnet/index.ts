// A relay chain and a parachain that light clients really follow, on loopback, in a process of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Devnet, type DevnetOptions } from './devnet.ts';
import { DevnetError } from './errors.ts';
import { REMOTE_METHODS, type RemoteMethod, type Reply, type Request, type Started } from './messages.ts';

export { DevnetError, type DevnetErrorCode } from './errors.ts';
export type * from './devnet.ts';
export { type ByteCount, type ConnectionBytes, type Link, type LinkBytes, OPEN_LINK } from './link/link.ts';
export type { Endowment } from './parachain/genesis.ts';
export { type Faults, noFaults } from './peer/faults.ts';
export { noRpcFaults, type RpcFaults, type SubmissionErrorCode } from './rpc/rpc-faults.ts';

/** Ending a process that has nothing to save takes milliseconds. */
const STOP_TIMEOUT_MS = 5_000;
/** Of what the process said last, kept for the error when it dies. */
const STDERR_KEPT = 4_000;

/**
 * Starts the network: about 3 seconds. The process ends with `stop()`, or when this process ends in whatever way.
 * @throws DevnetError `devnet.bad_input` or `devnet.not_running`
 */
export async function startDevnet(options: DevnetOptions = {}): Promise<Devnet> {
  const { log, ...rest } = options;
  const temporary = options.directory === undefined;
  const directory = options.directory ?? (await mkdtemp(path.join(os.tmpdir(), 'devnet-')));
  const remote = new DevnetProcess(log);
  const stop = async () => {
    await remote.stop();
    if (temporary) await rm(directory, { recursive: true, force: true });
  };
  try {
    const started = (await remote.ask({
      method: 'start',
      options: { ...rest, directory, temporary },
    })) as Started;
    return { ...started, ...passOn(remote), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function passOn(remote: DevnetProcess): Pick<Devnet, RemoteMethod> {
  const call = (method: RemoteMethod) =>
    [method, (...args: readonly unknown[]) => remote.ask({ method, args })] as const;
  return Object.fromEntries(REMOTE_METHODS.map(call)) as unknown as Pick<Devnet, RemoteMethod>;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: DevnetError) => void;
}

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

class DevnetProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #stderr = '';

  constructor(log: DevnetOptions['log']) {
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    this.#child = fork(fileURLToPath(new URL('devnet-process.ts', import.meta.url)), [], {
      execArgv: ['--import', tsx],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', (reply: Reply) => this.#receive(reply));
    this.#child.on('exit', (code, signal) =>
      this.#failAll(`it ended with ${signal ?? code}: ${this.#stderr}`),
    );
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    if (this.#child.stdout !== null) {
      createInterface({ input: this.#child.stdout }).on('line', (line) => log?.(line));
    }
  }

  ask(request: WithoutId<Request>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(new DevnetError('devnet.not_running', `the network's process has ended: ${this.#stderr}`));
        return;
      }
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...request, id });
    });
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
    clearTimeout(late);
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(new DevnetError(reply.error.code, reply.error.message));
    else waiting?.resolve(reply.result);
  }

  #failAll(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new DevnetError('devnet.not_running', why));
    this.#waiting.clear();
  }
}
