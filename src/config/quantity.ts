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
