/** So long a text may be: what meters, peers and files say must not take the room of what is to be told. */
const MAX_TEXT = 240;
const MAX_FIELDS = 16;

export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Fields of a line as they are published: bounded, and flat. An error is its code and its message, never its stack; bytes
 * are hexadecimal; anything else is its JSON. Pure.
 */
export function logFields(fields: Readonly<Record<string, unknown>> = {}): LogFields {
  const told: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || name === 'stack') continue;
    if (Object.keys(told).length === MAX_FIELDS) break;
    told[shortened(name)] = fieldOf(value);
  }
  return told;
}

function fieldOf(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string') return shortened(value);
  if (typeof value === 'bigint') return shortened(value.toString());
  if (value instanceof Error) return shortened(errorInWords(value));
  if (value instanceof Uint8Array) return shortened(Buffer.from(value.subarray(0, MAX_TEXT)).toString('hex'));
  return shortened(asJson(value));
}

function errorInWords(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `[${code}] ${error.message}` : error.message;
}

function asJson(value: unknown): string {
  try {
    const plain = (_key: string, part: unknown): unknown => {
      if (typeof part === 'bigint') return part.toString();
      return part instanceof Error ? errorInWords(part) : part;
    };
    return JSON.stringify(value, plain) ?? typeof value;
  } catch {
    return typeof value; // refers to itself
  }
}

/** What stands in front of the host of a URL, and behind it, may be a password or the key to somebody's service. */
const SECRET_IN_URL = /\b([a-z]{2,5}:\/\/)(?:[^\s/@"']*@)?([^\s/?#"']+)([/?#][^\s"']+)?/gi;

/** Well-formed UTF-8, of URLs their host only: what is cut in the middle of a surrogate pair, or came so, is mended. */
function shortened(text: string): string {
  // One character more than is told, and room for what a URL loses.
  const begin = text.slice(0, 4 * MAX_TEXT);
  const told = begin.replace(SECRET_IN_URL, (_all, scheme: string, host: string, rest?: string) =>
    rest === undefined ? `${scheme}${host}` : `${scheme}${host}/…`,
  );
  return Buffer.from(told.length <= MAX_TEXT ? told : `${told.slice(0, MAX_TEXT - 1)}…`).toString();
}
