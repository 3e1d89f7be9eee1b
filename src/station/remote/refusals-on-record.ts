import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { CommandBody } from '../../journal/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';
import { RefusalLedger, type Judgement } from '../../remote/index.ts';

export type Refused = Extract<Judgement, { verdict: 'refused' }>;

/** Puts refused commands into the journal, at the ledger's pace; what is counted is written when its time has come, or with the stop. */
export class RefusalsOnRecord {
  readonly #evidence: EvidenceLog;
  readonly #clock: MonotonicClock;
  readonly #log: Log;
  readonly #ledger = new RefusalLedger();
  readonly #stopping = new AbortController();
  #waiting: Promise<void> | undefined;

  constructor(evidence: EvidenceLog, clock: MonotonicClock, log: Log) {
    this.#evidence = evidence;
    this.#clock = clock;
    this.#log = log;
  }

  add(refused: Refused): void {
    const { code, command, operator, error } = refused;
    this.#log('warning', 'remote.refused', { code, command, operator, why: error.message });
    this.#write(this.#ledger.add(refused, this.#clock.nowMonoMs()));
    this.#waiting ??= this.#waitForDue().finally(() => (this.#waiting = undefined));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#waiting;
    for (const body of this.#ledger.rest(this.#clock.nowMonoMs())) this.#write(body);
  }

  async #waitForDue(): Promise<void> {
    for (let at = this.#ledger.nextDueMonoMs(); at !== undefined; at = this.#ledger.nextDueMonoMs()) {
      await this.#clock.sleep(at - this.#clock.nowMonoMs(), this.#stopping.signal).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      for (const body of this.#ledger.due(this.#clock.nowMonoMs())) this.#write(body);
    }
  }

  #write(body: CommandBody | undefined): void {
    if (body === undefined) return;
    this.#evidence.append('command', body, 'sample').catch((error: unknown) => {
      this.#log('error', 'journal.append_failed', { kind: 'command', code: body.code, error });
    });
  }
}
