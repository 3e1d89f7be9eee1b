// Numbers and times as people read them. Digits of energy are moved, never rounded.
import { formatDecimal, parseDecimal } from '../../hal/contract/index.ts';
import type { Language } from './words/words.ts';

/** Wh as kWh with every digit that the meter gave: `1012.5` is `1.0125 kWh`. */
export function kilowattHours(wh: string, language: Language): string {
  const { mantissa, exponent } = parseDecimal(wh);
  // Not shiftDecimal: what a file says may have so many digits that a Decimal has no room for three more.
  return `${localDigits(formatDecimal({ mantissa, exponent: exponent - 3 }), language)} kWh`;
}

/** For a scale or a tooltip; a picture's number, not one to bill. */
export function kilowatts(watts: number, language: Language): string {
  return localDigits((watts / 1000).toFixed(watts < 10_000 ? 2 : 1), language);
}

function localDigits(number: string, language: Language): string {
  return language === 'de' ? number.replace('.', ',') : number;
}

/** `1 h 02 min`, `4 min 05 s`, `12 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (part: number): string => String(part).padStart(2, '0');
  if (h > 0) return `${h} h ${two(min)} min`;
  return min > 0 ? `${min} min ${two(s)} s` : `${s} s`;
}

export interface ReadableTime {
  /** In the reader's time zone, which it names. */
  readonly local: string;
  readonly utc: string;
}

/** @param iso as a receipt's statements have it; what is no date is given back as it is */
export function readableTime(iso: string, language: Language, timeZone?: string): ReadableTime {
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) return { local: iso, utc: iso };
  const local = new Intl.DateTimeFormat(language === 'de' ? 'de-DE' : 'en-GB', {
    dateStyle: 'medium',
    timeStyle: 'long',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).format(ms);
  return { local, utc: `${iso.slice(0, 19).replace('T', ' ')} UTC` };
}
