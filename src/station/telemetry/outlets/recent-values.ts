import type { MeterSample } from '../../../../hal/contract/index.ts';

/** Of each meter the newest value of each quantity: some of them are asked for less often than others. */
export class RecentValues {
  readonly #samples = new Map<string, MeterSample>();

  /** A quantity that the meter was asked for, and had no value for, is gone; so is everything of another meter in its place. */
  put(meterId: string, sample: MeterSample): void {
    const before = this.#samples.get(meterId);
    const asked = new Set([...sample.values, ...(sample.missing ?? [])].map(({ obis }) => obis));
    const kept =
      before?.meterSerial === sample.meterSerial ? before.values.filter(({ obis }) => !asked.has(obis)) : [];
    this.#samples.set(
      meterId,
      kept.length === 0 ? sample : { ...sample, values: [...sample.values, ...kept] },
    );
  }

  get samples(): ReadonlyMap<string, MeterSample> {
    return this.#samples;
  }
}
