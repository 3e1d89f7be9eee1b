import { formatDecimal, type Decimal } from '../../hal/contract/index.ts';
import type { JournalEntry } from './entry-types.ts';

/** An entry for people and their tools: decimals as text, bytes in hex, times also in ISO 8601. Not what is signed. */
export function entryToJson(entry: JournalEntry): Record<string, unknown> {
  const { station, index, kind, timeMs, clock, bootCount, sinceBootMs, body } = entry;
  return {
    station,
    index,
    kind,
    time: new Date(timeMs).toISOString(),
    timeMs,
    clock,
    bootCount,
    sinceBootMs,
    body: plain(body),
  };
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
