import { parseDecimal, subtractDecimal, type Decimal } from '../../../../hal/contract/index.ts';

/** A power at one moment of a station's boot. */
export interface PowerPoint {
  /** End of the reading, ms since boot. */
  readonly atMs: number;
  readonly watt: Decimal;
}

/** Power of the last five minutes, one point per five seconds, by the station's own clock. */
export interface PowerHistory {
  readonly boot: number;
  /** Number of the slot (`atMs / SLOT_MS`) -> the newest point in it. */
  readonly slots: ReadonlyMap<number, PowerPoint>;
}

export const SLOT_MS = 5_000;
export const SLOTS = 60;
export const POWER_TRAIL_MINUTES = (SLOT_MS * SLOTS) / 60_000;
export const NO_POWER: PowerHistory = { boot: -1, slots: new Map() };

export interface PowerReading {
  readonly boot: number;
  readonly beginMs: number;
  readonly endMs: number;
  readonly watt: Decimal;
}

/** Shown only: no digit of it is billed. Longer than any meter's number is none. */
const MAX_DIGITS = 40;

/** Decimal text of a document, or null for what is none. */
export function decimalOf(text: unknown): Decimal | null {
  if (typeof text !== 'string' || text.length > MAX_DIGITS) return null;
  try {
    return parseDecimal(text);
  } catch {
    return null;
  }
}

const SUM = /^1-\d+:16\.7\.0\*255$/;
const IMPORTED = /^1-\d+:1\.7\.0\*255$/;
const EXPORTED = /^1-\d+:2\.7\.0\*255$/;

/**
 * Active power of one meter, import positive: what it says itself (16.7.0), or import less export (1.7.0 - 2.7.0).
 * A window stands for several readings: its mean is taken.
 */
export function activePower(
  values: readonly { obis: string; value: string; mean: string | null }[],
): Decimal | null {
  const of = (code: RegExp): Decimal | null => {
    const found = values.find(({ obis }) => code.test(obis));
    return found === undefined ? null : decimalOf(found.mean ?? found.value);
  };
  const sum = of(SUM);
  if (sum !== null) return sum;
  const imported = of(IMPORTED);
  const exported = of(EXPORTED);
  if (imported === null) return null;
  return exported === null ? imported : subtractDecimal(imported, exported);
}

/**
 * Puts a reading into each slot that it speaks for. The newest of a slot wins, whatever came first, so that duplicates and
 * a backlog that is delivered late change nothing.
 */
export function withReading(history: PowerHistory, reading: PowerReading): PowerHistory {
  if (reading.boot < history.boot || reading.endMs < reading.beginMs) return history;
  const slots = new Map(reading.boot === history.boot ? history.slots : []);
  const last = Math.floor(reading.endMs / SLOT_MS);
  const first = Math.max(Math.floor(reading.beginMs / SLOT_MS), last - SLOTS + 1);
  for (let slot = first; slot <= last; slot++) {
    const atMs = Math.min(reading.endMs, (slot + 1) * SLOT_MS - 1);
    if ((slots.get(slot)?.atMs ?? -1) < atMs) slots.set(slot, { atMs, watt: reading.watt });
  }
  const newest = Math.max(...slots.keys());
  for (const slot of slots.keys()) if (slot <= newest - SLOTS) slots.delete(slot);
  return { boot: reading.boot, slots };
}

/** `most` numbers for bars, oldest first, up to the slot of `nowMs` (ms since boot); null where nothing was said. */
export function trailOf({ slots }: PowerHistory, nowMs: number | null, most = SLOTS): (number | null)[] {
  if (slots.size === 0) return [];
  const newest = Math.max(...slots.keys());
  const last = nowMs === null ? newest : Math.max(newest, Math.floor(nowMs / SLOT_MS));
  return Array.from({ length: most }, (_, i) => {
    const point = slots.get(last - most + 1 + i);
    return point === undefined ? null : Number(point.watt.mantissa) * 10 ** point.watt.exponent;
  });
}
