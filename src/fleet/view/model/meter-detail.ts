import { boundedFields } from './bounded-json.ts';
import { count, part, parts, text, type Fields } from './fields.ts';
import { activePower, decimalOf, NO_POWER, withReading, type PowerHistory } from './power.ts';

/** The newest value of one quantity, digit by digit as it was sent. */
export interface ShownReading {
  readonly obis: string;
  readonly value: string;
  readonly unit: string;
  /** `G` is good (docs/telemetry.md). */
  readonly quality: string;
  readonly mean: string | null;
  readonly boot: number;
  /** End of the read that it is of, ms since boot. */
  readonly endMs: number;
}

export interface MeterDetail {
  /** `meters/<meter>/status`, as it was sent. */
  readonly status: Fields | null;
  readonly readings: ReadonlyMap<string, ShownReading>;
  readonly newest: { readonly boot: number; readonly endMs: number } | null;
  /** How many readings the newest message stands for; null: for itself. */
  readonly windowSamples: number | null;
  readonly power: PowerHistory;
}

const MAX_READINGS = 64;
const MAX_NUMBER = 40;

export const NEW_METER: MeterDetail = {
  ...{ status: null, readings: new Map(), newest: null, windowSamples: null, power: NO_POWER },
};

export function withMeterStatus(meter: MeterDetail, fields: Fields): MeterDetail {
  return { ...meter, status: boundedFields(fields) };
}

/**
 * Takes a sample in; undefined: it is none. Of each quantity the newest value stays, by the station's own clock, so that
 * samples may come late, twice, or in any order.
 */
export function withSample(meter: MeterDetail, fields: Fields): MeterDetail | undefined {
  const boot = count(fields['boot']);
  const beginMs = count(fields['readBeginMs']);
  const endMs = count(fields['readEndMs']);
  if (boot === null || beginMs === null || endMs === null) return undefined;
  const values = parts(fields['values'], MAX_READINGS).flatMap((value) => shown(value, boot, endMs));
  const readings = new Map(meter.readings);
  for (const value of values) {
    const known = readings.get(value.obis);
    if (known === undefined ? readings.size < MAX_READINGS : isNewer(value, known))
      readings.set(value.obis, value);
  }
  const isNewest = meter.newest === null || isNewer({ boot, endMs }, meter.newest);
  const window = part(fields['window']);
  const watt = activePower(values.filter(({ quality }) => quality === 'G'));
  const span = { beginMs: count(window['beginMs']) ?? endMs, endMs: count(window['endMs']) ?? endMs };
  return {
    ...meter,
    readings,
    newest: isNewest ? { boot, endMs } : meter.newest,
    windowSamples: isNewest ? count(window['samples']) : meter.windowSamples,
    power: watt === null ? meter.power : withReading(meter.power, { boot, ...span, watt }),
  };
}

function shown(value: Fields, boot: number, endMs: number): ShownReading[] {
  const obis = text(value['obis'], 32);
  const digits = value['value'];
  if (obis === null || typeof digits !== 'string' || digits.length > MAX_NUMBER) return [];
  if (decimalOf(digits) === null) return [];
  const mean = decimalOf(value['mean']) === null ? null : text(value['mean'], MAX_NUMBER);
  const unit = text(value['unit'], 8) ?? '';
  return [{ obis, value: digits, unit, quality: text(value['quality'], 4) ?? '?', mean, boot, endMs }];
}

interface Moment {
  readonly boot: number;
  readonly endMs: number;
}

function isNewer(one: Moment, other: Moment): boolean {
  return one.boot > other.boot || (one.boot === other.boot && one.endMs > other.endMs);
}
