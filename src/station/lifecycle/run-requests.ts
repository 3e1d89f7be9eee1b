/** What whoever runs the service asks of it. A stop is for good; reloads that are asked for before one is begun are one. */
export class RunRequests {
  #stop: string | undefined;
  #reload: string | undefined;
  readonly #waiting = new Set<() => void>();

  /** @param why what asks for it, such as the name of a signal */
  stop(why: string): void {
    this.#stop ??= why;
    this.#wake();
  }

  reload(why: string): void {
    this.#reload ??= why;
    this.#wake();
  }

  /** Why to stop, if it was asked for. */
  get stopAsked(): string | undefined {
    return this.#stop;
  }

  /** Resolves once a stop is asked for. */
  async untilStop(): Promise<string> {
    while (this.#stop === undefined) await this.#woken();
    return this.#stop;
  }

  /** The next request, now or later; a stop before any reload. A reload is taken with it. */
  async next(): Promise<{ readonly wants: 'stop' | 'reload'; readonly why: string }> {
    for (;;) {
      if (this.#stop !== undefined) return { wants: 'stop', why: this.#stop };
      if (this.#reload !== undefined) {
        const why = this.#reload;
        this.#reload = undefined;
        return { wants: 'reload', why };
      }
      await this.#woken();
    }
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
