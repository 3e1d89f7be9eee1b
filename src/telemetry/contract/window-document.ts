import { formatDecimal } from '../../../hal/contract/index.ts';
import type { SampleWindow, WindowValue } from '../outgoing/sample-window.ts';
import { sampleDocument } from './documents.ts';

/**
 * Readings that were put together: the newest one as `sampleDocument` has it, what the others add to each value, and `window`. A quantity
 * that the newest reading does not hold stands there as it was last read, with its own times. One reading alone is a sample as any other.
 */
export function windowDocument(meterId: string, bootCount: number, window: SampleWindow): object {
  const newest = sampleDocument(meterId, bootCount, window.newest, window.stamp);
  if (window.samples === 1) return newest;
  return {
    ...newest,
    values: window.values().map((value) => windowValue(value, window.samples)),
    window: {
      samples: window.samples,
      beginMs: Math.floor(window.beginMonoMs),
      endMs: Math.ceil(window.endMonoMs),
    },
  };
}

function windowValue({ newest, reading, count, figures }: WindowValue, samples: number): object {
  const { obis, value, unit, quality } = newest;
  return {
    ...{ obis, value: formatDecimal(value), unit, quality },
    ...(reading && {
      readBeginMs: Math.floor(reading.readBeginMonoMs),
      readEndMs: Math.ceil(reading.readEndMonoMs),
    }),
    ...(figures && {
      min: formatDecimal(figures.min),
      max: formatDecimal(figures.max),
      mean: formatDecimal(figures.mean),
      ...(count < samples && { count }),
    }),
  };
}
