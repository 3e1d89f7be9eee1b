import type { ReadPriority } from '../contract/index.ts';

/** What the queue looks at; the actor keeps the rest of a job to itself. */
export interface Queued {
  readonly priority: ReadPriority;
  readonly peer: string;
}

const ORDER: readonly ReadPriority[] = ['billing', 'periodic', 'diagnostic'];

/**
 * Waiting exchanges: by priority; within one, the peer that has had the line for the least time; for one peer, first come
 * first served. Never more than `capacity` in all.
 *
 * Turns by time and not by number are what a line with a bad peer needs: a request that times out costs fifty times what an
 * answer costs, and then the others get fifty turns (start-time fair queuing, Goyal, Vin and Cheng 1996).
 */
export class ExchangeQueue<Job extends Queued> {
  readonly #waiting: Record<ReadPriority, Job[]> = { billing: [], periodic: [], diagnostic: [] };
  readonly #capacity: number;
  /** Line time that each peer has had. One that was away starts level with the others: silence earns no credit. */
  readonly #usedMs = new Map<string, number>();
  #levelMs = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return ORDER.reduce((sum, priority) => sum + this.#waiting[priority].length, 0);
  }

  /**
   * Takes a job in. When the queue is full, the job that came last of the peer with most jobs at the lowest priority has to
   * go, so that a billing read is refused only by a queue full of billing reads, and nobody for another's flood. Returns
   * the refused job, which may be the new one.
   */
  push(job: Job): Job | undefined {
    const isWaiting = ORDER.some((priority) => this.#waiting[priority].some(({ peer }) => peer === job.peer));
    if (!isWaiting) this.#usedMs.set(job.peer, Math.max(this.#used(job.peer), this.#levelMs));
    this.#waiting[job.priority].push(job);
    return this.length > this.#capacity ? this.#dropOne() : undefined;
  }

  /** Puts a job whose attempt failed back before its peer's others: it was first and stays first. */
  putBack(job: Job): void {
    this.#waiting[job.priority].unshift(job);
  }

  /** The peer has had the line for that long. */
  charge(peer: string, durationMs: number): void {
    this.#usedMs.set(peer, this.#used(peer) + durationMs);
  }

  /** The next job that `readyAt` allows by now, or the earliest moment at which one will be. */
  take(now: number, readyAt: (job: Job) => number): { job: Job } | { notBefore: number } {
    let notBefore = Infinity;
    for (const priority of ORDER) {
      let next: Job | undefined;
      for (const job of this.#waiting[priority]) {
        const ready = readyAt(job);
        if (ready > now) notBefore = Math.min(notBefore, ready);
        else if (next === undefined || this.#used(job.peer) < this.#used(next.peer)) next = job;
      }
      if (next === undefined) continue;
      this.#waiting[priority].splice(this.#waiting[priority].indexOf(next), 1);
      this.#levelMs = this.#used(next.peer);
      return { job: next };
    }
    return { notBefore };
  }

  /** Empties the queue. */
  drain(): Job[] {
    return ORDER.flatMap((priority) => this.#waiting[priority].splice(0));
  }

  #used(peer: string): number {
    return this.#usedMs.get(peer) ?? 0;
  }

  #dropOne(): Job | undefined {
    const jobs =
      this.#waiting[ORDER.findLast((priority) => this.#waiting[priority].length > 0) ?? 'diagnostic'];
    const counts = new Map<string, number>();
    for (const { peer } of jobs) counts.set(peer, (counts.get(peer) ?? 0) + 1);
    const most = Math.max(...counts.values());
    const at = jobs.findLastIndex(({ peer }) => counts.get(peer) === most);
    return at < 0 ? undefined : jobs.splice(at, 1)[0];
  }
}
