import { StationError } from '../../hal/contract/index.ts';
import type { Problem } from '../../hal/strict-yaml/index.ts';

/** `config.unreadable`: the file cannot be read. `config.invalid`: it says something that cannot be. Exit code 2. */
export class ConfigError extends StationError {
  readonly problems: readonly Problem[];
  constructor(
    code: 'config.unreadable' | 'config.invalid',
    message: string,
    problems: readonly Problem[] = [],
    cause?: unknown,
  ) {
    super(code, message, { remedy: 'operator', details: { problems }, cause });
    this.problems = problems;
  }
}
