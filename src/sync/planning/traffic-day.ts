// What the link has carried in 24 hours, for `bytesPerDay`. A day begins with its first byte and lasts 24 hours by a clock
// that never jumps, so that neither a wall clock nor a time zone has a say in what a link costs. Pure.
import type { Traffic } from '../status/status.ts';

export const TRAFFIC_DAY_MS = 24 * 3_600_000;

export interface TrafficDay extends Traffic {
  readonly beganMonoMs: number;
  /** When it began by the wall clock; null: nobody vouched for it. */
  readonly beganAtMs: number | null;
}

/** As it is kept on disk. */
export interface StoredTrafficDay extends Traffic {
  readonly beganAtMs: number | null;
  /** How long it had lasted when it was stored. */
  readonly lastedMs: number;
}

export interface Now {
  readonly monoMs: number;
  /** Null: nobody vouches for the wall clock. */
  readonly wallMs: number | null;
}

export function newTrafficDay({ monoMs, wallMs }: Now): TrafficDay {
  return { bytesIn: 0, bytesOut: 0, beganMonoMs: monoMs, beganAtMs: wallMs };
}

/** The day goes on after a restart. How long the station was off only a wall clock can tell; without one it was no time. */
export function resumeTrafficDay({ lastedMs, ...day }: StoredTrafficDay, now: Now): TrafficDay {
  const { beganAtMs } = day;
  const byWall = beganAtMs === null || now.wallMs === null ? -1 : now.wallMs - beganAtMs;
  return { ...day, beganMonoMs: now.monoMs - Math.max(byWall, lastedMs) };
}

export function isOver({ beganMonoMs }: TrafficDay, { monoMs }: Pick<Now, 'monoMs'>): boolean {
  return monoMs - beganMonoMs >= TRAFFIC_DAY_MS;
}

/** Until the day is over; 0: it is. */
export function dayLeftMs({ beganMonoMs }: TrafficDay, { monoMs }: Pick<Now, 'monoMs'>): number {
  return Math.max(0, beganMonoMs + TRAFFIC_DAY_MS - monoMs);
}

/** What was carried in the day that is now, both ways together. */
export function usedBytes(day: TrafficDay, now: Pick<Now, 'monoMs'>): number {
  return isOver(day, now) ? 0 : day.bytesIn + day.bytesOut;
}

/** The day after some more bytes; the first byte after its end begins another one. */
export function addTraffic(day: TrafficDay, { bytesIn, bytesOut }: Traffic, now: Now): TrafficDay {
  if (bytesIn + bytesOut === 0) return day;
  const today = isOver(day, now) || day.bytesIn + day.bytesOut === 0 ? newTrafficDay(now) : day;
  return { ...today, bytesIn: today.bytesIn + bytesIn, bytesOut: today.bytesOut + bytesOut };
}

export function storedForm({ beganMonoMs, ...day }: TrafficDay, now: Pick<Now, 'monoMs'>): StoredTrafficDay {
  return { ...day, lastedMs: Math.max(0, now.monoMs - beganMonoMs) };
}

/** Reads the stored form back; what makes no sense counts for nothing. */
export function parseStoredDay(text: string | undefined): StoredTrafficDay | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<Record<keyof StoredTrafficDay, unknown>>;
    const { bytesIn, bytesOut, beganAtMs, lastedMs } = value;
    if (!isCount(bytesIn) || !isCount(bytesOut) || !isCount(lastedMs)) return undefined;
    return { bytesIn, bytesOut, lastedMs, beganAtMs: isCount(beganAtMs) ? beganAtMs : null };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
