import { formatDecimal, type Decimal } from '../../../hal/contract/index.ts';
import type { JournalEntry } from './entry-types.ts';

/** An entry for people and their tools: decimals as text, bytes in hex, times also in ISO 8601. Not what is signed. */
export function entryToJson(entry: JournalEntry): Record<string, unknown> {
  const { station, index, kind, timeMs, clock, bootCount, sinceBootMs, previous, body } = entry;
  return {
    station,
    index,
    kind,
    time: formatTime(timeMs),
    timeMs,
    clock,
    bootCount,
    sinceBootMs,
    ...(previous === undefined ? {} : { previous }),
    body: plain(body),
  };
}

/** The last instant that JavaScript (ECMA-262 §21.4.1.1) can write as a date. */
const MAX_DATE_MS = 8.64e15;

/** ISO 8601 in UTC; total, because a signed entry can hold any time up to 2^53 - 1. */
export function formatTime(timeMs: number): string {
  return timeMs <= MAX_DATE_MS ? new Date(timeMs).toISOString() : `${timeMs} ms since 1970`;
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  if (isDecimal(value)) return formatDecimal(value);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

function isDecimal(value: object): value is Decimal {
  return 'mantissa' in value && 'exponent' in value;
}
