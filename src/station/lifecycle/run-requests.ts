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

  /** Resolves once a stop is asked for, unless the signal was aborted before: whoever waits no longer is not held on to. */
  untilStop(signal: AbortSignal): Promise<string> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#stop === undefined) return;
        this.#waiting.delete(look);
        resolve(this.#stop);
      };
      signal.addEventListener('abort', () => this.#waiting.delete(look), { once: true });
      this.#waiting.add(look);
      look();
    });
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
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
