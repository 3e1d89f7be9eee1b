import { formatDecimal, type Log, type MeterSample, type ObisCode } from '../../hal/contract/index.ts';
import type { Finding } from './plausibility.ts';

/** What is remarkable about the readings of one meter: counted with every sample, said when it changes. */
export class MeterRemarks {
  readonly #meterId: string;
  readonly #log: Log;
  #implausible = 0;
  /** What the last read of each quantity had no value for, as it is logged: `obis quality`. */
  readonly #missing = new Map<ObisCode, string>();
  readonly #findings = new Map<ObisCode, Finding>();

  constructor(meterId: string, log: Log) {
    this.#meterId = meterId;
    this.#log = log;
  }

  /** Values that were marked as implausible, since the start. */
  get implausible(): number {
    return this.#implausible;
  }

  /** Quantities whose last value was marked as implausible. */
  get implausibleNow(): number {
    return [...this.#findings.values()].filter(({ quality }) => quality !== 'G').length;
  }

  /** `1-0:1.8.0*255 decreased: 500 after 11200300`; null: nothing is implausible now. */
  get implausibleWhy(): string | null {
    const found = [...this.#findings.values()].find(({ quality }) => quality !== 'G');
    if (found === undefined) return null;
    const { obis, rule, before, after } = found;
    const once = before === undefined ? '' : ` after ${formatDecimal(before)}`;
    return `${obis} ${rule}: ${formatDecimal(after)}${once}`;
  }

  /** Quantities for which the last read had no value. */
  get missing(): number {
    return this.#missing.size;
  }

  note(sample: MeterSample, findings: readonly Finding[]): void {
    this.#noteFindings(sample, findings);
    this.#noteMissing(sample);
  }

  /** A value that stays implausible is counted with every sample and said once. */
  #noteFindings({ values }: MeterSample, findings: readonly Finding[]): void {
    this.#implausible += findings.filter(({ quality }) => quality !== 'G').length;
    for (const { obis } of values) {
      const found = findings.find((finding) => finding.obis === obis);
      if (found?.rule !== undefined && found.rule !== this.#findings.get(obis)?.rule) {
        const { rule, quality } = found;
        const level = quality === 'G' ? 'info' : 'warning';
        this.#log(level, 'meter.implausible', { meter: this.#meterId, code: rule, obis, quality });
      }
      if (found === undefined) this.#findings.delete(obis);
      else this.#findings.set(obis, found);
    }
  }

  /**
   * Absence is no failure of the read; it is said when it changes, not with every sample. A quantity that was not asked for
   * this time is neither there nor missing: what was found the last time stands.
   */
  #noteMissing({ values, missing = [] }: MeterSample): void {
    const before = [...this.#missing.values()].sort().join(', ');
    for (const { obis } of values) this.#missing.delete(obis);
    for (const { obis, quality } of missing) this.#missing.set(obis, `${obis} ${quality}`);
    const now = [...this.#missing.values()].sort().join(', ');
    if (now === before) return;
    const meter = this.#meterId;
    if (now === '') this.#log('info', 'meter.values_complete', { meter });
    else this.#log('warning', 'meter.values_missing', { meter, obis: now });
  }
}
