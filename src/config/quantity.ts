const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const UNIT_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

/** `500ms`, `10s`, `5m`, `1h`: a whole number and a unit. */
export const DURATION_PATTERN = /^(\d{1,9})(ms|s|m|h)$/;
/** `4096B`, `64KiB`, `512MiB`, `2GiB`, `8TiB`: binary units only, so that nobody has to guess. */
export const SIZE_PATTERN = /^(\d{1,9})(B|KiB|MiB|GiB|TiB)$/;

/** Milliseconds. @throws RangeError unless the text matches DURATION_PATTERN. */
export function parseDurationMs(text: string): number {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) throw new RangeError(`not a duration (500ms, 10s, 5m, 1h): "${text}"`);
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** Bytes. @throws RangeError unless the text matches SIZE_PATTERN. */
export function parseSizeBytes(text: string): number {
  const match = SIZE_PATTERN.exec(text);
  if (match === null) throw new RangeError(`not a size (64KiB, 512MiB): "${text}"`);
  return Number(match[1]) * UNIT_BYTES[match[2] as keyof typeof UNIT_BYTES];
}

/** `01:00-05:00`: two times of day, local time. The second may be the earlier one: then the window goes over midnight. */
export const DAY_WINDOW_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;

/** A part of each day, in minutes since midnight: `fromMinute` is in it, `toMinute` is not. */
export interface DayWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
}

/** @throws RangeError unless the text matches DAY_WINDOW_PATTERN. */
export function parseDayWindow(text: string): DayWindow {
  const match = DAY_WINDOW_PATTERN.exec(text);
  if (match === null) throw new RangeError(`not a part of the day (01:00-05:00): "${text}"`);
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = match.slice(1).map(Number);
  return { fromMinute: fromHour * 60 + fromMinute, toMinute: toHour * 60 + toMinute };
}

/** `100 anchors`, or an amount of money in the chain's smallest unit. */
export const LOW_BALANCE_PATTERN = /^(?:([1-9]\d{0,5}) anchors|(0|[1-9]\d{0,38}))$/;

/** So many anchors at the last known cost, or an amount in the chain's smallest unit (a decimal integer). */
export type LowBalance = { readonly anchors: number } | { readonly amount: string };

/** @throws RangeError unless the text matches LOW_BALANCE_PATTERN. */
export function parseLowBalance(text: string): LowBalance {
  const match = LOW_BALANCE_PATTERN.exec(text);
  if (match === null) throw new RangeError(`not a balance ("100 anchors", "5000000000"): "${text}"`);
  const [, anchors, amount = ''] = match;
  return anchors === undefined ? { amount } : { anchors: Number(anchors) };
}
