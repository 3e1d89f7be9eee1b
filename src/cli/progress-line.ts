import { harmlessLine, note } from './output.ts';

/**
 * What a person waits for, on stderr: on a terminal one line that is written over, elsewhere one line for each step. Stdout
 * is not touched.
 */
export class ProgressLine {
  readonly #isTerminal: boolean;
  #step = '';
  #isShown = false;

  constructor(isTerminal = process.stderr.isTTY === true) {
    this.#isTerminal = isTerminal;
  }

  /** `step` names what is done; the text of the same step may change, with heights and ages. */
  show(step: string, text: string): void {
    const line = harmlessLine(text);
    if (this.#isTerminal) {
      process.stderr.write(`\r\x1b[K${line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
      this.#isShown = true;
    } else if (step !== this.#step) note(line);
    this.#step = step;
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[K');
    this.#isShown = false;
  }
}
