import * as v from 'valibot';
import { DURATION_PATTERN, SIZE_PATTERN } from './quantity.ts';

// Fields that occur in many sections of station.yaml; `text` is what `delmonicos config schema` says of the key.

export const describe = v.description;
export const duration = (text: string) =>
  v.pipe(
    v.string(),
    v.regex(DURATION_PATTERN, 'must be a duration such as 500ms, 10s, 5m or 1h'),
    describe(text),
  );
export const size = (text: string) =>
  v.pipe(v.string(), v.regex(SIZE_PATTERN, 'must be a size such as 64KiB or 512MiB'), describe(text));
export const id = (text: string) =>
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'must be 1 to 64 letters, digits, - _ .'),
    describe(text),
  );
export const endpoint = (text: string) =>
  v.pipe(v.string(), v.regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, 'must be HOST:PORT'), describe(text));
export const integer = (min: number, max: number, text: string) =>
  v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(min), v.maxValue(max), describe(text));
