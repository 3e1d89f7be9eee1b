import { ownCopy } from './fleet-message.ts';

/** Fields of a document that a stranger may have written: what does not fit is absent, what is too long is cut. */
export type Fields = Readonly<Record<string, unknown>>;

/** Larger than any document of the contract (16 KiB). */
export const MAX_DOCUMENT_BYTES = 32_768;

/** The fields of a JSON object, or why it is none. */
export function fieldsOf(payload: Uint8Array): Fields | 'too large' | 'no JSON' | 'no object' {
  if (payload.length > MAX_DOCUMENT_BYTES) return 'too large';
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return isObject(value) ? value : 'no object';
  } catch {
    return 'no JSON';
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function part(value: unknown): Fields {
  return isObject(value) ? value : {};
}

export function parts(value: unknown, most: number): Fields[] {
  return Array.isArray(value) ? value.slice(0, most).filter(isObject) : [];
}

/** At most `most` characters; null for what is no text. */
export function text(value: unknown, most = 64): string | null {
  if (typeof value !== 'string') return null;
  return value.length <= most ? value : ownCopy(`${value.slice(0, most - 1)}…`);
}

/** A whole number from 0 on. */
export function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** A finite number: for figures that are shown and never added up. */
export function figure(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function flag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

export function oneOf<Word extends string>(value: unknown, words: readonly Word[]): Word | null {
  return words.find((word) => word === value) ?? null;
}

export function texts(value: unknown, most: number, length = 64): string[] {
  return Array.isArray(value)
    ? value.slice(0, most).flatMap((item: unknown) => text(item, length) ?? [])
    : [];
}
