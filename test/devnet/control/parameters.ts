import { DevnetError } from '../errors.ts';

/**
 * Named parameters of a command, as they came: out of words, where numbers and switches are text, or out of JSON. Each
 * method throws DevnetError `devnet.bad_input` when what is there cannot be used.
 */
export class Parameters {
  readonly #named: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(named: Readonly<Record<string, unknown>>) {
    this.#named = named;
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  text(name: string): string {
    const value = this.#value(name);
    return typeof value === 'string' && value !== '' ? value : this.#refuse(name, 'a text');
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  wholeNumber(name: string): number {
    const value = numberOf(this.#value(name));
    return value !== undefined && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#refuse(name, 'a whole number');
  }

  optionalBoolean(name: string): Readonly<Record<string, boolean>> {
    const value = this.#value(name);
    if (value === undefined) return {};
    return typeof value === 'boolean' ? { [name]: value } : this.#refuse(name, 'true or false');
  }

  oneOf(name: string, values: readonly string[]): string {
    const value = this.#value(name);
    return values.find((allowed) => allowed === value) ?? this.#refuse(name, values.join(' or '));
  }

  /** `on`, `off`, or a number. Off is whatever `off` is. */
  switched(name: string, off: unknown): unknown {
    const value = this.#value(name);
    if (value === 'on' || value === true) return true;
    if (value === 'off' || value === false) return off;
    return numberOf(value) ?? this.#refuse(name, 'on, off or a number');
  }

  /** Those of these names that are there; null is one of their values. Any other name is refused. */
  numbers(names: readonly string[]): Readonly<Record<string, number | null>> {
    for (const name of names) this.#asked.add(name);
    const entries = Object.entries(this.#named).map(([name, value]) => {
      if (!names.includes(name)) return this.#refuse(name, `not known; there are ${names.join(', ')}`);
      const number = value === null ? null : numberOf(value);
      return [name, number === undefined ? this.#refuse(name, 'a number') : number] as const;
    });
    return Object.fromEntries(entries);
  }

  /** Whatever nobody asked for: a slip of the pen would otherwise be taken for what was not meant. */
  refuseOthers(): void {
    const other = Object.keys(this.#named).find((name) => !this.#asked.has(name));
    if (other === undefined) return;
    const takes = this.#asked.size === 0 ? 'nothing' : [...this.#asked].join(', ');
    throw new DevnetError('devnet.bad_input', `"${other}" is not known here: the command takes ${takes}`);
  }

  #value(name: string): unknown {
    this.#asked.add(name);
    return this.#named[name];
  }

  #refuse(name: string, wanted: string): never {
    const value = this.#value(name);
    const given = value === undefined ? 'it is missing' : `not ${JSON.stringify(value)}`;
    throw new DevnetError('devnet.bad_input', `"${name}" is ${wanted}: ${given}`);
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
}
