import { TIME_STATES, type TimeState } from './vocabulary.ts';

/** A time as field TM has it (OCMF 1.3.1, table 7). */
export interface OcmfTime {
  /** Milliseconds since 1970, UTC. */
  readonly ms: number;
  /** Minutes that the written local time is ahead of UTC. */
  readonly offsetMinutes: number;
  /** Table 19; undefined where a record leaves it out. */
  readonly state: TimeState | undefined;
}

/** ISO 8601 knows offsets to 14 hours either way (Kiritimati is +14:00). */
export const MAX_OFFSET_MINUTES = 14 * 60;

/** `2018-07-24T13:22:04,000+0200 S`. Years of four digits only. @throws RangeError for a time that this cannot say */
export function formatOcmfTime({ ms, offsetMinutes, state }: Required<OcmfTime>): string {
  if (!Number.isSafeInteger(ms) || !Number.isInteger(offsetMinutes)) {
    throw new RangeError('a time is whole milliseconds and an offset of whole minutes');
  }
  if (Math.abs(offsetMinutes) > MAX_OFFSET_MINUTES) throw new RangeError('an offset is at most 14 hours');
  if (state === undefined) throw new RangeError('a time has a state');
  const local = new Date(ms + offsetMinutes * 60_000);
  const iso = Number.isNaN(local.getTime()) ? '' : local.toISOString();
  if (!/^\d{4}-/.test(iso)) throw new RangeError('a time is between the years 0000 and 9999');
  const minutes = Math.abs(offsetMinutes);
  const two = (value: number): string => value.toString().padStart(2, '0');
  const offset = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`;
  return `${iso.slice(0, 19)},${iso.slice(20, 23)}${offset} ${state}`;
}

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:([,.])(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})(?: ([A-Za-z]))?$/;
const AS_SPECIFIED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}[+-]\d{4} [UISR]$/;

export interface ReadTime {
  readonly time: OcmfTime;
  /** The text is not quite what the specification asks for. */
  readonly departs: boolean;
}

/** Also reads what meters in the field write: a point for the comma, `+02:00`, `Z`, other digits of a second, no state. */
export function parseOcmfTime(text: string): ReadTime | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const part = (index: number): number => Number(match[index] ?? '0');
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const ms = Number((match[8] ?? '').padEnd(3, '0').slice(0, 3));
  const offsetMinutes = offsetOf(match[9] ?? 'Z');
  const utc = new Date(0);
  utc.setUTCFullYear(year, month - 1, day);
  // 24:00 and leap seconds (:60) are not what a meter's clock shows; a day that the month lacks rolls over and is noticed.
  const exists = utc.getUTCMonth() === month - 1 && utc.getUTCDate() === day && hour < 24;
  if (!exists || minute > 59 || second > 59 || offsetMinutes === undefined) return undefined;
  utc.setUTCHours(hour, minute, second, ms);
  const letter = match[10];
  const state = letter !== undefined && letter in TIME_STATES ? (letter as TimeState) : undefined;
  if (letter !== undefined && state === undefined) return undefined;
  return {
    time: { ms: utc.getTime() - offsetMinutes * 60_000, offsetMinutes, state },
    departs: !AS_SPECIFIED.test(text),
  };
}

function offsetOf(text: string): number | undefined {
  if (text === 'Z') return 0;
  const digits = text.replace(':', '');
  const hours = Number(digits.slice(1, 3));
  const minutes = Number(digits.slice(3, 5));
  const total = (digits.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
  return minutes > 59 || Math.abs(total) > MAX_OFFSET_MINUTES ? undefined : total + 0;
}
