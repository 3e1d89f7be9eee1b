import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';

const DIST = path.resolve(import.meta.dirname, '../../dist');

/** The built command's program, for where Node is started with it. */
export const PRODUCT = path.join(DIST, 'delmonicos.js');

/** How the command is started; another one than the built one in this checkout where a test says so. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** The built command as it ships: with its wrapper, which knows what flags Node is to have. */
const BUILT: Program = { command: path.join(DIST, 'bin/delmonicos'), args: [] };

/** Of this process as it is now: tests set variables of theirs. */
const ownEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, DELMONICOS_NODE: process.execPath });

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `delmonicos` command to its end. */
export async function runProduct(
  args: readonly string[],
  timeoutMs = 60_000,
  program = BUILT,
): Promise<CommandResult> {
  return await new Promise((resolve, reject) => {
    const env = program.env ?? ownEnvironment();
    const options = { timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024, encoding: 'utf8' as const, env };
    execFile(program.command, [...program.args, ...args], options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        reject(new Error(`delmonicos ${args.join(' ')}: ${error.message}\n${stderr}`));
      } else resolve({ status: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** Runs a command with --json and parses its one document. Throws with its stderr when it printed none. */
export async function productJson<Document>(
  args: readonly string[],
  timeoutMs?: number,
  program?: Program,
): Promise<Document> {
  const { status, stdout, stderr } = await runProduct([...args, '--json'], timeoutMs, program);
  try {
    return JSON.parse(stdout) as Document;
  } catch {
    throw new Error(`delmonicos ${args.join(' ')} ended with ${status} and no JSON:\n${stderr}`);
  }
}

/** Events that are kept; a demo may run for days. */
const KEPT_EVENTS = 20_000;

/** A running `delmonicos run`. */
export class ServiceProcess {
  readonly child: ChildProcess;
  /** Its log, newest last, bounded. */
  readonly log: string[] = [];
  readonly #events: Record<string, unknown>[] = [];
  readonly #newest = new Map<unknown, Record<string, unknown>>();
  readonly #anchors = new Set<string>();
  readonly #waiting = new Set<() => void>();
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  #ended = false;

  private constructor(child: ChildProcess) {
    this.child = child;
    // `close`, not `exit`: by then all that it said has been read.
    this.exited = once(child, 'close').then(([code, signal]) => {
      this.#ended = true;
      this.#wake();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
    if (child.stderr) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        this.log.push(line);
        if (this.log.length > 2_000) this.log.shift();
      });
    }
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.#keep(JSON.parse(line) as Record<string, unknown>);
        this.#wake();
      });
    }
  }

  #keep(event: Record<string, unknown>): void {
    this.#events.push(event);
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
    this.#newest.set(event['event'], event);
    const status = event['status'] as { lastAnchor?: { blockHash: string } | null } | undefined;
    if (status?.lastAnchor) this.#anchors.add(status.lastAnchor.blockHash);
  }

  static start(
    config: string,
    stateDirectory: string,
    extra: readonly string[] = [],
    { command, args: begin, env = ownEnvironment() } = BUILT,
  ): ServiceProcess {
    const args = [...begin, 'run', '--config', config, '--state', stateDirectory, '--json', ...extra];
    // In a session of its own: a Ctrl-C at the terminal is for us, who then stop it in order.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
    endWithUs(child);
    return new ServiceProcess(child);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get events(): readonly Record<string, unknown>[] {
    return this.#events;
  }

  /** The newest event with that name. */
  last(name: string): Record<string, unknown> | undefined {
    return this.#newest.get(name);
  }

  /** Distinct final anchors that the service reported. */
  get finalAnchors(): number {
    return this.#anchors.size;
  }

  /** The first event that the test accepts, now or later. Rejects when the process ends or time is up. */
  async event(
    accepts: (event: Record<string, unknown>) => boolean,
    timeoutMs = 30_000,
  ): Promise<Record<string, unknown>> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.#events.find(accepts);
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        throw new Error(
          `${this.#ended ? 'the service ended' : 'no such event in time'}:\n${this.log.slice(-30).join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, left);
        const waiting = this.#waiting;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  async stop(
    signal: NodeJS.Signals = 'SIGTERM',
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (!this.#ended) this.child.kill(signal);
    return await this.exited;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** A service goes on when its reader is gone, as it must; one of ours ends with this process, in whatever way that ends. */
export function endWithUs(child: ChildProcess): void {
  const lifeline = spawn('sh', ['-c', 'read -r _; kill -KILL "$1"', 'sh', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  lifeline.on('error', () => {});
  lifeline.unref();
  (lifeline.stdin as Socket | null)?.unref();
  child.once('exit', () => lifeline.kill('SIGKILL'));
}
