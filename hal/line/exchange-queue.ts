import type { ReadPriority } from '../contract/index.ts';

/** What the queue looks at; the actor keeps the rest of a job to itself. */
export interface Queued {
  readonly priority: ReadPriority;
}

const ORDER: readonly ReadPriority[] = ['billing', 'periodic', 'diagnostic'];

/** Waiting exchanges: by priority, first come first served within one, never more than `capacity` in all. */
export class ExchangeQueue<Job extends Queued> {
  readonly #waiting: Record<ReadPriority, Job[]> = { billing: [], periodic: [], diagnostic: [] };
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return ORDER.reduce((sum, priority) => sum + this.#waiting[priority].length, 0);
  }

  /**
   * Takes a job in. When the queue is full, the job that came last among those of the lowest priority has to go, so that
   * a billing read is refused only by a queue full of billing reads. Returns the refused job, which may be the new one.
   */
  push(job: Job): Job | undefined {
    this.#waiting[job.priority].push(job);
    return this.length > this.#capacity ? this.#dropLast() : undefined;
  }

  /** Puts a job whose attempt failed back to the head of its priority: it was first and stays first. */
  putBack(job: Job): void {
    this.#waiting[job.priority].unshift(job);
  }

  /** The first job that `readyAt` allows by now, or the earliest moment at which one will be. */
  take(now: number, readyAt: (job: Job) => number): { job: Job } | { notBefore: number } {
    let notBefore = Infinity;
    for (const priority of ORDER) {
      const jobs = this.#waiting[priority];
      for (const [index, job] of jobs.entries()) {
        const ready = readyAt(job);
        if (ready <= now) {
          jobs.splice(index, 1);
          return { job };
        }
        notBefore = Math.min(notBefore, ready);
      }
    }
    return { notBefore };
  }

  /** Empties the queue. */
  drain(): Job[] {
    return ORDER.flatMap((priority) => this.#waiting[priority].splice(0));
  }

  #dropLast(): Job | undefined {
    return this.#waiting.diagnostic.pop() ?? this.#waiting.periodic.pop() ?? this.#waiting.billing.pop();
  }
}
