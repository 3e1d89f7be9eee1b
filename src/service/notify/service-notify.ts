import type { Log } from '../../../hal/contract/index.ts';
import { notifyAddress, watchdogPeriodMs } from './notify-address.ts';
import type { Sent } from './notify-socket.ts';
import { notifyText, statusLine, type NotifyAssignments } from './notify-text.ts';

/** Tells the service manager how the service is. Nothing here throws or waits; without a manager it does nothing. */
export interface ServiceNotify {
  /** Whether there is anybody to tell. */
  readonly active: boolean;
  /** Within so many milliseconds `alive` has to be called again and again; undefined when nobody watches. */
  readonly watchdogMs: number | undefined;
  /** Evidence is possible from now on; also the end of a reload. */
  ready(status: string): void;
  /** Until `ready` is called. */
  reloading(status: string): void;
  stopping(status: string): void;
  /** One line for people; told when it changes. */
  status(text: string): void;
  /** What is under way makes progress, and may take so much longer from now on. */
  extend(extendTimeoutMs: number, status?: string): void;
  /** Feeds the watchdog. */
  alive(): void;
}

export interface ServiceNotifyOptions {
  /** The process's own; what of it is meant for this process alone is taken out, so that no child speaks in its name. */
  readonly environment: Record<string, string | undefined>;
  readonly pid: number;
  /** CLOCK_MONOTONIC in microseconds, unrounded: the manager compares it with its own. */
  readonly monotonicUs: () => bigint;
  readonly log: Log;
  /** In place of the real socket. */
  readonly send?: (address: string, text: string) => Sent;
}

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;
/** A manager that does not read for a moment is told again so soon what it must not miss. */
const AGAIN_MS = 250;
/** The manager's queue holds a few datagrams, and a reload says more at once than it has read: only one that stays full is told. */
const FULL_FOR_US = 5_000_000n;
/** Changes of state that wait to be told; there are four in a life of a process and two in a reload. */
const MAX_WAITING = 16;

/** Reads what systemd left in the environment and speaks to it from then on (sd_notify(3)). */
export async function openServiceNotify(options: ServiceNotifyOptions): Promise<ServiceNotify> {
  const { environment, pid, log } = options;
  const [socket, usec, watchdogPid] = VARIABLES.map((name) => environment[name]);
  for (const name of VARIABLES) delete environment[name];
  const address = notifyAddress(socket);
  if (address.kind === 'unreachable') log('warning', 'notify.failed', { code: 'address', why: address.why });
  if (address.kind !== 'socket') return new Telling(undefined, undefined, options);
  const send = options.send ?? (await socketOf(log));
  if (send === undefined) return new Telling(undefined, undefined, options);
  const watchdogMs = watchdogPeriodMs({ usec, pid: watchdogPid }, pid);
  return new Telling((text) => send(address.address, text), watchdogMs, options);
}

/** Loaded only where there is somebody to tell. */
async function socketOf(log: Log): Promise<ServiceNotifyOptions['send']> {
  try {
    return (await import('./notify-socket.ts')).sendDatagram;
  } catch (error) {
    log('error', 'notify.failed', { code: 'addon', error });
    return undefined;
  }
}

class Telling implements ServiceNotify {
  readonly watchdogMs: number | undefined;
  readonly #send: ((text: string) => Sent) | undefined;
  readonly #options: ServiceNotifyOptions;
  /** What was logged of the socket last. */
  #told: 'works' | 'failed' = 'works';
  #fullSinceUs: bigint | undefined;
  #status = '';
  /** What must not be lost, oldest first. */
  readonly #waiting: string[] = [];
  #again: NodeJS.Timeout | undefined;

  constructor(
    send: ((text: string) => Sent) | undefined,
    watchdogMs: number | undefined,
    options: ServiceNotifyOptions,
  ) {
    this.#send = send;
    this.watchdogMs = watchdogMs;
    this.#options = options;
  }

  get active(): boolean {
    return this.#send !== undefined;
  }

  ready(status: string): void {
    this.#must({ ready: true, status });
  }

  reloading(status: string): void {
    this.#must({ reloadingAtUs: this.#options.monotonicUs(), status });
  }

  stopping(status: string): void {
    this.#must({ stopping: true, status });
  }

  status(text: string): void {
    if (statusLine(text) !== this.#status) this.#may({ status: text });
  }

  extend(extendTimeoutMs: number, status?: string): void {
    this.#may({ extendTimeoutMs, ...(status !== undefined && { status }) });
  }

  alive(): void {
    this.#may({ watchdog: true });
  }

  /** Changes of state are told in their order, however long that takes. */
  #must(said: NotifyAssignments): void {
    if (this.#send === undefined) return;
    if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift();
    this.#waiting.push(notifyText(said));
    this.#status = statusLine(said.status ?? this.#status);
    this.#tellWaiting();
  }

  #may(said: NotifyAssignments): void {
    if (this.#tellWaiting() && this.#tell(notifyText(said)) && said.status !== undefined)
      this.#status = statusLine(said.status);
  }

  /** @returns whether nothing waits any more */
  #tellWaiting(): boolean {
    if (this.#send === undefined) return false;
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (!this.#tell(first)) {
        this.#again ??= setTimeout(() => {
          this.#again = undefined;
          this.#tellWaiting();
        }, AGAIN_MS).unref();
        return false;
      }
      this.#waiting.shift();
    }
    return true;
  }

  /** A socket that is gone, or full for seconds, is said once, and once that it is back. */
  #tell(text: string): boolean {
    const sent: Sent = this.#send?.(text) ?? { outcome: 'full' };
    const works = sent.outcome === 'sent';
    const told = works ? 'works' : this.#isWorthTelling(sent) ? 'failed' : this.#told;
    if (works) this.#fullSinceUs = undefined;
    if (told !== this.#told) {
      this.#told = told;
      const { log } = this.#options;
      if (works) log('info', 'notify.works_again', {});
      else {
        const why = sent.outcome === 'failed' ? sent.why : 'the manager does not read';
        log('warning', 'notify.failed', { code: sent.outcome, why });
      }
    }
    return works;
  }

  #isWorthTelling({ outcome }: Sent): boolean {
    if (outcome !== 'full') return true;
    const now = this.#options.monotonicUs();
    this.#fullSinceUs ??= now;
    return now - this.#fullSinceUs >= FULL_FOR_US;
  }
}
