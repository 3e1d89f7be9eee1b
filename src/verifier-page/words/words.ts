import { DE } from './de.ts';
import { strangersValue } from '../strangers-text.ts';
import { EN, type WordKey } from './en.ts';

export type { WordKey } from './en.ts';
export type Words = Readonly<Record<WordKey, string>>;
export type Language = 'en' | 'de';

export const LANGUAGES: Readonly<Record<Language, Words>> = { en: EN, de: DE };

/** Something to say: a text of the table, and what stands in its places. */
export interface Phrase {
  readonly key: WordKey;
  readonly values?: Readonly<Record<string, string>>;
}

export function phrase(key: WordKey, values: Readonly<Record<string, string>> = {}): Phrase {
  return { key, values };
}

/** The first language of the reader that there is a table for; English otherwise. */
export function languageOf(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const [language] = tag.toLowerCase().split('-');
    if (language === 'de' || language === 'en') return language;
  }
  return 'en';
}

/** Puts values in the places `{name}`; a value is never read for places itself, and cannot change how the rest is read. */
export function say(words: Words, { key, values = {} }: Phrase): string {
  return words[key].replace(/\{(\w+)\}/g, (_place, name: string) => strangersValue(values[name] ?? ''));
}
