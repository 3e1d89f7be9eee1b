import { StationError } from '../../hal/contract/index.ts';

/** One thing wrong in a configuration file. `line` and `column` start at 1. */
export interface ConfigIssue {
  readonly line: number;
  readonly column: number;
  /** Where, as `meters[0].unitId`. */
  readonly key: string;
  readonly message: string;
}

/** `config.unreadable`: the file cannot be read. `config.invalid`: it says something that cannot be. Exit code 2. */
export class ConfigError extends StationError {
  readonly issues: readonly ConfigIssue[];
  constructor(
    code: 'config.unreadable' | 'config.invalid',
    message: string,
    issues: readonly ConfigIssue[] = [],
    cause?: unknown,
  ) {
    super(code, message, { remedy: 'operator', details: { issues }, cause });
    this.issues = issues;
  }
}
