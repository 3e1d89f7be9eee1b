/** What whoever catches the error should do. */
export type Remedy = 'retry' | 'degrade' | 'operator' | 'halt';
/** Whether the operation took effect before it failed; `unknown` means: look before trying again. */
export type Effect = 'none' | 'done' | 'unknown';

export interface StationErrorOptions {
  readonly remedy: Remedy;
  readonly effect?: Effect;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** One sentence for a person who can act on it. */
  readonly hint?: string;
}

/**
 * An operation could not do its job. `code` is stable (`journal.disk_full`), listed in docs/errors.md, and the only
 * thing that code and tests may decide on; the message is for people.
 */
export class StationError extends Error {
  readonly code: string;
  readonly remedy: Remedy;
  readonly effect: Effect;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: StationErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = options.remedy;
    this.effect = options.effect ?? 'none';
    this.details = options.details ?? {};
    this.hint = options.hint;
  }
}

/** Our own bug, or integrity lost: the process stops and recovers at start-up. */
export class InvariantError extends Error {
  override name = 'InvariantError';
}

/** For the `default` of a switch that must be exhaustive. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`);
}
