import * as v from 'valibot';

// Fields that occur in many documents; `text` is what the contract says of the key. A document's reader ignores keys that it does not
// know, so objects are open; what is sent has no other keys than these (a test holds a real station to it).

/** As a document is read: nobody changes it. */
export type Unchanging<T> = T extends readonly (infer Item)[]
  ? readonly Unchanging<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Unchanging<T[Key]> }
    : T;

/** What a message of that schema holds, whichever version sent it. */
export type Sent<Schema extends v.GenericSchema> = Unchanging<v.InferOutput<Schema>>;

/** As this version publishes a document: also what earlier versions of `delmonicos/v1` did not have is there. */
export type Published<Schema extends v.GenericSchema> = Unchanging<Required<v.InferOutput<Schema>>>;

export const text = (what: string) => v.pipe(v.string(), v.description(what));

export const flag = (what: string) => v.pipe(v.boolean(), v.description(what));

/** A whole number from 0 on: a count, bytes, milliseconds. */
export const count = (what: string) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER), v.description(what));

export const milliseconds = (what: string) => count(`${what}, in ms`);

/** Of the machine's monotonic clock: with the boot count it names one moment, whatever the date is believed to be. */
export const sinceBoot = (what: string) => count(`${what}, in ms since boot`);

/** Exact decimal as text: no digit is lost in a float, and trailing zeros mean something. */
export const decimal = (what: string) =>
  v.pipe(v.string(), v.regex(/^-?[0-9]+(\.[0-9]+)?$/), v.description(`${what}; decimal`));

/** An integer that may be larger than a float can hold. */
export const integerText = (what: string) =>
  v.pipe(v.string(), v.regex(/^-?[0-9]+$/), v.description(`${what}; integer`));

/** So many bytes in hexadecimal, lower case. */
export const hexadecimal = (bytes: number, what: string) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`)), v.description(`${what}; hexadecimal`));

export const sha256 = (what: string) => hexadecimal(32, `SHA-256 of ${what}`);

/** A stable code such as `meter.timeout` (docs/errors.md, docs/faults.md). */
export const code = (what: string) =>
  v.pipe(v.string(), v.regex(/^[a-z0-9_]+(\.[a-z0-9_]+)*$/), v.description(`${what}; stable code`));

export const CLOCK = v.pipe(
  v.picklist(['U', 'I', 'S', 'R']),
  v.description('What `time` is worth, as in OCMF: U unknown, I informative, S synchronised, R relative.'),
);

export const WALL_TIME = v.pipe(
  v.number(),
  v.integer(),
  v.maxValue(Number.MAX_SAFE_INTEGER),
  v.description('Milliseconds since 1970 UTC, worth what `clock` says.'),
);

/** When something was said. */
export const MOMENT = { atMs: sinceBoot('When it was so'), time: WALL_TIME, clock: CLOCK };

/** A key that an earlier version of `delmonicos/v1` did not have: whoever reads it must do without. */
export const added = <const Schema extends v.GenericSchema>(schema: Schema) => v.exactOptional(schema);

export const METER = v.object({
  id: text('Name of the meter in the configuration'),
  serial: v.nullable(text('Last serial number heard; null before the first answer')),
  profile: text('Profile or protocol it is read by'),
});
