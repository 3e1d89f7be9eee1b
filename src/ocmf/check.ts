/** The checks of OCMF records, in the order of the report. Names are stable; docs/ocmf.md says what each one means. */
export const OCMF_CHECK_NAMES = [
  'format',
  'signature-algorithm',
  'public-key',
  'signature',
  'same-key',
  'same-meter',
  'same-session',
  'pagination',
  'begin-and-end',
  'readings',
  'time-status',
  'meter-state',
  'error-flags',
  'user-assignment',
] as const;
export type OcmfCheckName = (typeof OCMF_CHECK_NAMES)[number];

/** What one check found; `detail` is for people. The same shape as the checks of a receipt. */
export interface OcmfFinding {
  readonly result: 'pass' | 'fail' | 'not checked';
  readonly detail: string;
}

export interface OcmfCheck extends OcmfFinding {
  readonly name: OcmfCheckName;
}

export const pass = (detail: string): OcmfFinding => ({ result: 'pass', detail });
export const fail = (detail: string): OcmfFinding => ({ result: 'fail', detail });
export const notChecked = (detail: string): OcmfFinding => ({ result: 'not checked', detail });

/** Says at most this many of the same kind: a file may hold hundreds of records. */
const MAX_NAMED = 5;

/** What one check collects over all records: wrong before unknown before good. */
export class Tally {
  readonly #wrong: string[] = [];
  readonly #unknown: string[] = [];

  wrong(what: string): void {
    this.#wrong.push(what);
  }

  unknown(what: string): void {
    this.#unknown.push(what);
  }

  finding(good: string): OcmfFinding {
    if (this.#wrong.length > 0) return fail(listed(this.#wrong));
    return this.#unknown.length > 0 ? notChecked(listed(this.#unknown)) : pass(good);
  }
}

export function listed(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  const more = different.length - MAX_NAMED;
  return `${different.slice(0, MAX_NAMED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
