import { formatDecimal, type MeterSample } from '../../hal/contract/index.ts';

/** One reading as JSON: what `meter read --json` prints, and what is answered to whoever asks from afar. */
export interface ReadingDocument {
  readonly meter: { readonly serial: string | null; readonly profile: string };
  /** Since boot. */
  readonly readBeginMs: number;
  readonly readEndMs: number;
  readonly values: readonly {
    readonly obis: string;
    /** Decimal, digit by digit what the meter showed; null: the meter has none now. */
    readonly value: string | null;
    readonly unit: string;
    readonly quality: string;
  }[];
}

/** What the meter does not have is there, with `null` for a value. Pure. */
export function readingDocument(sample: MeterSample): ReadingDocument {
  const { meterSerial, profileId, readBeginMonoMs, readEndMonoMs, values, missing = [] } = sample;
  return {
    meter: { serial: meterSerial === '' ? null : meterSerial, profile: profileId },
    readBeginMs: readBeginMonoMs,
    readEndMs: readEndMonoMs,
    values: [
      ...values.map(({ obis, value, unit, quality }) => ({
        ...{ obis, value: formatDecimal(value), unit, quality },
      })),
      ...missing.map(({ obis, unit, quality }) => ({ obis, value: null, unit, quality })),
    ],
  };
}
