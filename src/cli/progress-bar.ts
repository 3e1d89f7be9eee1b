const WIDTH = 24;
/** Fast enough to look alive, slow enough for a serial console at 9600 baud. */
const EVERY_MS = 250;

/** One line on a terminal that is written over; nothing where stderr is a file or a pipe. */
export class ProgressBar {
  readonly #total: number;
  readonly #isShown: boolean;
  #done = 0;
  #shownAt = -Infinity;

  constructor(total: number, isShown = process.stderr.isTTY === true) {
    this.#total = total;
    this.#isShown = isShown;
  }

  /** One step more; `what` says what is being done. `now` is a monotonic time in milliseconds. */
  step(what: string, now: number): void {
    this.#done++;
    if (!this.#isShown || now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    const part = Math.min(1, this.#done / this.#total);
    const bar = '#'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '.');
    process.stderr.write(`\r\x1b[K[${bar}] ${String(Math.floor(part * 100)).padStart(3)} %  ${what}`);
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.#isShown && this.#shownAt > -Infinity) process.stderr.write('\r\x1b[K');
  }
}
