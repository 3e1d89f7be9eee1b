/** What a person at the build can act on: said without a stack. */
export class BuildError extends Error {
  /** @param {string} message @param {unknown} [cause] */
  constructor(message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'BuildError';
  }
}

/** A compiler or `make` is not installed. */
export class MissingToolError extends BuildError {}
