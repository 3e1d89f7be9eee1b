import { malformed } from './errors.ts';

/** JSON whose numbers keep the digits they were written with; objects are maps, so that no key means anything to us. */
export type Json = null | boolean | string | JsonNumber | readonly Json[] | JsonObject;
export type JsonObject = ReadonlyMap<string, Json>;

export interface JsonNumber {
  readonly number: string;
}

/** OCMF needs four levels; makers' own fields some more. Bounds the recursion. */
const MAX_DEPTH = 16;

export const isNumber = (json: Json | undefined): json is JsonNumber =>
  typeof json === 'object' && json !== null && 'number' in json;

/**
 * Reads the one JSON object that begins at `from` (RFC 8259, white space before it allowed). Strict: a name twice in an
 * object would mean one thing to us and another to someone else, so it is refused.
 * @returns the object and the index behind its closing brace
 * @throws OcmfError `ocmf.malformed` with the place
 */
export function readJsonObject(text: string, from: number): { object: JsonObject; end: number } {
  const reader = new JsonReader(text, from);
  const object = reader.value(0);
  if (!(object instanceof Map)) throw malformed(`a JSON object is expected at character ${from}`);
  return { object: object as JsonObject, end: reader.at };
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
// JSON strings hold no control characters; what they do hold is judged by whoever uses it.

const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

class JsonReader {
  at: number;
  readonly #text: string;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw malformed(`JSON nested deeper than ${MAX_DEPTH} at character ${this.at}`);
    this.#match(SPACE);
    switch (this.#text[this.at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        return this.#literal();
    }
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, Json>();
    this.#items('}', () => {
      const name = this.#string();
      if (members.has(name)) {
        throw malformed(`the name ${JSON.stringify(name)} stands twice in one JSON object`);
      }
      this.#match(SPACE);
      this.#expect(':');
      members.set(name, this.value(depth + 1));
    });
    return members;
  }

  #array(depth: number): readonly Json[] {
    const elements: Json[] = [];
    this.#items(']', () => elements.push(this.value(depth + 1)));
    return elements;
  }

  #items(close: '}' | ']', readItem: () => void): void {
    this.at++;
    this.#match(SPACE);
    if (this.#text[this.at] !== close) {
      for (;;) {
        this.#match(SPACE);
        readItem();
        this.#match(SPACE);
        if (this.#text[this.at] !== ',') break;
        this.at++;
      }
    }
    this.#expect(close);
  }

  #string(): string {
    const found = this.#match(STRING);
    if (found === undefined) throw this.#unexpected();
    return JSON.parse(found) as string;
  }

  #literal(): Json {
    for (const [word, value] of LITERALS) {
      if (this.#text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    const number = this.#match(NUMBER);
    if (number === undefined) throw this.#unexpected();
    return { number };
  }

  #expect(character: string): void {
    if (this.#text[this.at] !== character) throw this.#unexpected();
    this.at++;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  #unexpected(): Error {
    return this.at >= this.#text.length
      ? malformed('the text ends inside of JSON')
      : malformed(`no JSON at character ${this.at}: ${JSON.stringify(this.#text[this.at])}`);
  }
}

const LITERALS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const;
