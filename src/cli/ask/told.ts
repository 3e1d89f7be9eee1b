import { harmlessLine } from '../output.ts';

/** What came through the broker, of whatever form; read without believing in any. */
export type Told = Readonly<Record<string, unknown>>;

export function told(value: unknown): Told {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Told) : {};
}

export function toldList(value: unknown): readonly Told[] {
  return Array.isArray(value) ? value.map(told) : [];
}

/** For one line of a terminal; `?` for what is not there or is no plain value. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return harmlessLine(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '?';
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** ISO 8601, UTC, to seconds. */
export function timeOf(ms: unknown): string {
  const time = numberOf(ms);
  if (time === undefined || Math.abs(time) > 8.64e15) return '?';
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}

/** Two units at most: `3 d 4 h`, `12 min`, `1.5 s`. */
export function durationOf(ms: unknown): string {
  const all = numberOf(ms);
  if (all === undefined || all < 0) return '?';
  if (all < 10_000) return `${Math.round(all / 100) / 10} s`;
  const [s, min, h] = [Math.floor(all / 1_000), Math.floor(all / 60_000), Math.floor(all / 3_600_000)];
  if (h >= 24) return `${Math.floor(h / 24)} d ${h % 24} h`;
  if (h > 0) return `${h} h ${min % 60} min`;
  return min > 0 ? `${min} min ${s % 60} s` : `${s} s`;
}

export function bytesOf(value: unknown): string {
  const bytes = numberOf(value);
  if (bytes === undefined) return '?';
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}

const CLOCKS: Readonly<Record<string, string>> = {
  U: 'unknown',
  I: 'informative',
  S: 'synchronised',
  R: 'relative',
};

export function clockOf(value: unknown): string {
  return typeof value === 'string' && Object.hasOwn(CLOCKS, value) ? (CLOCKS[value] ?? '?') : '?';
}
