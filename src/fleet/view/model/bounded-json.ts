import { isObject, text, type Fields } from './fields.ts';

const MAX_DEPTH = 6;
const MAX_KEYS = 64;
const MAX_ITEMS = 64;
const MAX_TEXT = 400;
const MAX_KEY = 80;
const MAX_VALUES = 2_000;

/**
 * A document as it is kept of the station that is looked at, keys of later versions included: of what is deeper, longer or
 * more than any document of the contract, the rest is left out.
 */
export function boundedFields(fields: Fields): Fields {
  let values = 0;
  const bounded = (value: unknown, depth: number): unknown => {
    if (++values > MAX_VALUES) return null;
    if (typeof value === 'string') return text(value, MAX_TEXT);
    if (Array.isArray(value))
      return depth === 0 ? [] : value.slice(0, MAX_ITEMS).map((item) => bounded(item, depth - 1));
    return isObject(value) ? object(value, depth) : value;
  };
  const object = (value: Fields, depth: number): Fields => {
    if (depth === 0) return {};
    const kept = Object.entries(value).slice(0, MAX_KEYS);
    return Object.fromEntries(
      kept
        .filter(([key]) => key.length <= MAX_KEY && key !== '__proto__')
        .map(([key, item]) => [key, bounded(item, depth - 1)]),
    );
  };
  return object(fields, MAX_DEPTH);
}
