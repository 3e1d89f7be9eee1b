import {
  addDecimal,
  compareDecimal,
  type Decimal,
  type MeasuredValue,
  type MeterSample,
} from '../../../hal/contract/index.ts';
import type { SampleStamp } from '../contract/documents.ts';

/** Of an amount that only grows, the newest value says all. */
const ENERGY = new Set<MeasuredValue['unit']>(['Wh', 'varh', 'VAh']);

/** What a window knows of one quantity. */
interface ValueFigures {
  newest: MeasuredValue;
  /** The reading that `newest` is of. */
  reading: MeterSample;
  /** Good values: only those are in the figures below. */
  good: number;
  figures: { readonly min: Decimal; readonly max: Decimal; readonly sum: Decimal } | undefined;
}

/** A quantity of a window, as it is told. */
export interface WindowValue {
  readonly newest: MeasuredValue;
  /** When it was read, where the newest reading does not hold it. */
  readonly reading: MeterSample | undefined;
  /** Good values that are in the figures. */
  readonly count: number;
  /** Undefined for energy, and where no value was good. */
  readonly figures: { readonly min: Decimal; readonly max: Decimal; readonly mean: Decimal } | undefined;
}

/**
 * Consecutive readings of one meter put together: the newest one, and of each quantity that is no energy least, greatest and mean. It
 * takes as much memory as a reading has values, however many readings it stands for.
 */
export class SampleWindow {
  readonly #values = new Map<string, ValueFigures>();
  readonly beginMonoMs: number;
  #newest: MeterSample;
  #stamp: SampleStamp;
  #samples = 1;

  constructor(first: MeterSample, stamp: SampleStamp) {
    this.beginMonoMs = first.readBeginMonoMs;
    this.#newest = first;
    this.#stamp = stamp;
    this.#take(first);
  }

  /** Readings that it stands for. */
  get samples(): number {
    return this.#samples;
  }

  get newest(): MeterSample {
    return this.#newest;
  }

  /** Of the newest one. */
  get stamp(): SampleStamp {
    return this.#stamp;
  }

  get endMonoMs(): number {
    return this.#newest.readEndMonoMs;
  }

  /** Quantities: what it takes in memory. */
  get size(): number {
    return this.#values.size;
  }

  /** Whether a reading is of the same meter, read in the same way: of another one nothing can be put together. */
  isOf({ meterSerial, profileId }: MeterSample): boolean {
    return meterSerial === this.#newest.meterSerial && profileId === this.#newest.profileId;
  }

  /** A later reading of the same meter. */
  add(sample: MeterSample, stamp: SampleStamp): void {
    this.#newest = sample;
    this.#stamp = stamp;
    this.#samples++;
    this.#take(sample);
  }

  /** A later window of the same meter. */
  append(later: SampleWindow): void {
    for (const [key, value] of later.#values) {
      const held = this.#values.get(key);
      this.#values.set(key, held === undefined ? value : joined(held, value));
    }
    this.#newest = later.#newest;
    this.#stamp = later.#stamp;
    this.#samples += later.#samples;
  }

  /** In the order in which they were first read. */
  values(): WindowValue[] {
    return [...this.#values.values()].map(({ newest, reading, good, figures }) => ({
      newest,
      reading: reading === this.#newest ? undefined : reading,
      count: good,
      figures: figures && {
        min: figures.min,
        max: figures.max,
        mean: meanOf(figures.sum, good),
      },
    }));
  }

  #take(sample: MeterSample): void {
    for (const value of sample.values) {
      // A quantity whose unit changes is another one.
      const key = `${value.obis} ${value.unit}`;
      const isCounted = value.quality === 'G' && !ENERGY.has(value.unit);
      const { value: amount } = value;
      const one: ValueFigures = {
        newest: value,
        reading: sample,
        good: isCounted ? 1 : 0,
        figures: isCounted ? { min: amount, max: amount, sum: amount } : undefined,
      };
      const held = this.#values.get(key);
      this.#values.set(key, held === undefined ? one : joined(held, one));
    }
  }
}

function joined(earlier: ValueFigures, later: ValueFigures): ValueFigures {
  return {
    newest: later.newest,
    reading: later.reading,
    good: earlier.good + later.good,
    figures: joinedFigures(earlier.figures, later.figures),
  };
}

function joinedFigures(a: ValueFigures['figures'], b: ValueFigures['figures']): ValueFigures['figures'] {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    min: compareDecimal(b.min, a.min) < 0 ? b.min : a.min,
    max: compareDecimal(b.max, a.max) > 0 ? b.max : a.max,
    sum: addDecimal(a.sum, b.sum),
  };
}

/** One digit more than what was added up has, rounded half to even (IEEE 754-2019 §4.3.1 roundTiesToEven). */
export function meanOf(sum: Decimal, count: number): Decimal {
  const divisor = BigInt(count);
  const scaled = sum.mantissa * 10n;
  let quotient = scaled / divisor; // towards zero
  const left = scaled - quotient * divisor;
  const twice = 2n * (left < 0n ? -left : left);
  if (twice > divisor || (twice === divisor && quotient % 2n !== 0n)) quotient += left < 0n ? -1n : 1n;
  return { mantissa: quotient, exponent: sum.exponent - 1 };
}
