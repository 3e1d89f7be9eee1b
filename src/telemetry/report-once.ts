import type { Log } from '../../hal/contract/index.ts';

/** One line per event and code until the state changes: a broker that is gone for a month must not fill the flash. */
export class ReportOnce {
  readonly #log: Log;
  readonly #reported = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  log(level: 'warning' | 'error', event: string, fields: Readonly<Record<string, unknown>>): void {
    const key = `${event} ${typeof fields['code'] === 'string' ? fields['code'] : ''}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#log(level, event, fields);
  }

  /** The state has changed: what lasts is told anew. */
  forget(): void {
    this.#reported.clear();
  }
}
