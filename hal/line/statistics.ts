/** What a line counts. Everything is a sum, a maximum or a last value, so that it never grows. */
export class LineCounters {
  requests = 0;
  answers = 0;
  bytesSent = 0;
  bytesReceived = 0;
  bytesDiscarded = 0;
  opened = 0;
  busyMs = 0;
  readonly #errors = new Map<string, number>();
  #lastMs = 0;
  #sumMs = 0;
  #maxMs = 0;

  countError(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  countAnswer(latencyMs: number): void {
    this.answers++;
    this.#lastMs = latencyMs;
    this.#sumMs += latencyMs;
    this.#maxMs = Math.max(this.#maxMs, latencyMs);
  }

  errors(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#errors);
  }

  latencyMs(): { last: number; mean: number; max: number } {
    return {
      last: this.#lastMs,
      mean: this.answers === 0 ? 0 : this.#sumMs / this.answers,
      max: this.#maxMs,
    };
  }
}
