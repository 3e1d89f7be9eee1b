const WIDTH = 48;

/**
 * What a run of tests sees, as a table that is written row by row: a test that passes says little by itself, and these take
 * minutes.
 */
export class Seen {
  readonly #startedAt = performance.now();

  constructor(title: string) {
    process.stdout.write(`\n${title}\n`);
  }

  add(what: string, seen: string | number): void {
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(0);
    process.stdout.write(`${seconds.padStart(5)} s  ${what.padEnd(WIDTH)}  ${seen}\n`);
  }
}
