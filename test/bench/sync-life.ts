// The service as it ships, watched while it syncs: when each stage began, what passed, what both processes took.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { ON_DEVICE } from './on-device.ts';
import { ServiceProcess } from '../support/product.ts';
import type { CountedChain } from './counted-chain.ts';
import type { Bytes } from './counting-proxy.ts';
import { lookAt, type ProcessLook } from './process-memory.ts';

/** What is read here of the status in the service's `sync` events. */
interface Status {
  readonly phase: string;
  readonly anchoredSize: number;
  readonly open: { readonly state: string; readonly size: number } | null;
  readonly gateway: { readonly pid: number | null } | null;
  readonly link: { readonly stage: string } | null;
  readonly failure: { readonly code: string } | null;
  readonly retryInMs: number | null;
}

/**
 * The stages of a sync, in their order; each ends where the next begins. A node has its runtime ready and no peers: there
 * `runtime` is everything from the dialling until it can be asked.
 */
export const STAGES = [
  'gateway',
  'peers',
  'catch up',
  'runtime',
  'sign and send',
  'into a block',
  'to finality',
] as const;
export type Stage = (typeof STAGES)[number];

/** Moments, as performance.now() tells them. */
export interface SyncTimes {
  /** The gateway is started. */
  readonly beganAt: number;
  /** When each stage ended; one that was passed in one step with the next (a light client may skip "in block") is absent. */
  readonly endedAt: Readonly<Partial<Record<Stage, number>>>;
  readonly finalAt: number;
  /** Entries that the anchor covers. */
  readonly size: number;
}

/** How long each stage took, counted from `since`, when there first was somebody to talk to. */
export function stageTimes({ beganAt, endedAt }: SyncTimes, since = beganAt): Partial<Record<Stage, number>> {
  const stageMs: Partial<Record<Stage, number>> = {};
  let last = Math.max(beganAt, since);
  for (const stage of STAGES) {
    const ended = endedAt[stage];
    if (ended === undefined || ended < last) continue;
    stageMs[stage] = ended - last;
    last = ended;
  }
  return stageMs;
}

export interface WatchedSync extends SyncTimes {
  /** Until the anchor was final. */
  readonly bytes: Bytes;
  /** Until the gateway had gone; undefined when it was not waited for. */
  readonly sessionBytes: Bytes | undefined;
  readonly core: readonly ProcessLook[];
  readonly gateway: readonly ProcessLook[];
}

const LOOK_EVERY_MS = 100;
/** A light client whose link just came up tries again after up to ten seconds; a busy machine takes its time. */
const FINAL_WITHIN_MS = 120_000;

interface RunningSync {
  readonly beganAt: number;
  /** When each stage ended. */
  readonly marks: Partial<Record<Stage, number>>;
  /** Entries that were anchored before. */
  readonly from: number;
}

export class SyncLife {
  readonly service: ServiceProcess;
  readonly startedAt = performance.now();
  readonly #chain: CountedChain;
  readonly #waiting = new Set<() => void>();
  #startedMs: number | undefined;
  #status: Status | undefined;
  #current: RunningSync | undefined;
  #finished: SyncTimes[] = [];

  constructor(chain: CountedChain, config: string, stateDirectory: string) {
    this.#chain = chain;
    this.service = ServiceProcess.start(config, stateDirectory, [], ON_DEVICE);
    if (this.service.child.stdout === null) throw new Error('the service has no stdout');
    createInterface({ input: this.service.child.stdout }).on('line', (line) => {
      const { event, status } = JSON.parse(line) as { event: string; status?: Status };
      if (event === 'started') this.#startedMs ??= performance.now() - this.startedAt;
      if (event === 'sync' && status !== undefined) this.#hear(status, performance.now());
    });
  }

  /** From its start as a process until it meters; undefined until then. */
  get startedMs(): number | undefined {
    return this.#startedMs;
  }

  /** Resolves when the status fits; rejects when the service ends or it takes too long. */
  async until(fits: (status: Status) => boolean, withinMs = FINAL_WITHIN_MS): Promise<Status> {
    const deadline = performance.now() + withinMs;
    while (this.#status === undefined || !fits(this.#status)) {
      if (this.service.ended || performance.now() > deadline) {
        throw new Error(
          `no such status: ${JSON.stringify(this.#status)}\n${this.service.log.slice(-20).join('\n')}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, LOOK_EVERY_MS);
        this.#waiting.add(wake);
      });
    }
    return this.#status;
  }

  /** One look at the core. */
  lookAtCore(): ProcessLook {
    const look = lookAt(this.service.child.pid ?? 0);
    if (look === undefined) throw new Error(`the service ended:\n${this.service.log.slice(-20).join('\n')}`);
    return look;
  }

  /** Looks at the core for a while. */
  async lookFor(durationMs: number): Promise<ProcessLook[]> {
    const looks = [this.lookAtCore()];
    for (const endsAt = performance.now() + durationMs; performance.now() < endsAt;) {
      await delay(LOOK_EVERY_MS);
      looks.push(this.lookAtCore());
    }
    return looks;
  }

  /** Watches the sync that runs, or else the next one, until its anchor is final, and on until the gateway has gone. */
  async watchSync({ untilGatewayGone }: { readonly untilGatewayGone: boolean }): Promise<WatchedSync> {
    const already = this.#finished.length;
    await this.until(() => this.#current !== undefined);
    const before = this.#chain.passed();
    const passed = (): Bytes => {
      const now = this.#chain.passed();
      return { in: now.in - before.in, out: now.out - before.out };
    };
    const core: ProcessLook[] = [];
    const gateway: ProcessLook[] = [];
    let bytes: Bytes | undefined;
    const endsAt = performance.now() + FINAL_WITHIN_MS;
    for (;;) {
      const times = this.#finished[already];
      if (times !== undefined) bytes ??= passed();
      const pid = this.#status?.gateway?.pid;
      const look = typeof pid === 'number' ? lookAt(pid) : undefined;
      if (look !== undefined) gateway.push(look);
      core.push(this.lookAtCore());
      if (times !== undefined && bytes !== undefined) {
        if (!untilGatewayGone) return { ...times, bytes, sessionBytes: undefined, core, gateway };
        if (look === undefined) return { ...times, bytes, sessionBytes: passed(), core, gateway };
      }
      if (performance.now() > endsAt) {
        throw new Error(
          `no end of the sync: ${JSON.stringify(this.#status)}\n${this.service.log.slice(-20).join('\n')}`,
        );
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  #hear(status: Status, at: number): void {
    this.#status = status;
    if (status.phase === 'connecting' && this.#current === undefined) {
      this.#current = { beganAt: at, marks: {}, from: status.anchoredSize };
    }
    // A session that failed is followed by another one: the stages are those of the one that made the anchor.
    if (status.phase === 'waiting') this.#current = undefined;
    if (this.#current !== undefined) this.#mark(this.#current, status, at);
    for (const wake of [...this.#waiting]) wake();
  }

  #mark(current: RunningSync, status: Status, at: number): void {
    const { marks, beganAt, from } = current;
    const state = status.open?.state;
    if (status.gateway !== null) marks.gateway ??= at;
    const stage = status.link?.stage ?? '';
    if (['syncing', 'loading-runtime', 'ready'].includes(stage)) marks.peers ??= at;
    if (['loading-runtime', 'ready'].includes(stage)) marks['catch up'] ??= at;
    if (status.phase === 'connected') marks.runtime ??= at;
    if (state === 'broadcast' || state === 'inBlock') marks['sign and send'] ??= at;
    if (state === 'inBlock') marks['into a block'] ??= at;
    if (status.anchoredSize <= from) return;
    marks['to finality'] = at;
    const times = { beganAt, endedAt: marks, finalAt: at, size: status.anchoredSize };
    this.#finished = [...this.#finished, times];
    this.#current = undefined;
  }
}
