interface ServiceEvent {
  readonly event: string;
  readonly size?: number;
}

/** What `delmonicos run --json` in the guest has said, heard the moment it was said. */
export class ServiceEvents {
  readonly #events: ServiceEvent[] = [];
  readonly #waiting = new Set<() => void>();

  /** For VirtualMachine's onEvent. */
  readonly hear = (line: string): void => {
    this.#events.push(JSON.parse(line) as ServiceEvent);
    for (const look of [...this.#waiting]) look();
  };

  /** Entries 0 to this - 1 are on disk, it said. */
  get committedSize(): number {
    const told = this.#events.filter(({ event }) => event === 'committed');
    return Math.max(0, ...told.map(({ size = 0 }) => size));
  }

  /** With how many entries it started. */
  async startedWith(timeoutMs: number): Promise<number> {
    const { size = 0 } = await this.#first(({ event }) => event === 'started', timeoutMs);
    return size;
  }

  /** Resolves when it says that so many entries are on disk. */
  async committed(size: number, timeoutMs: number): Promise<void> {
    await this.#first((said) => said.event === 'committed' && (said.size ?? 0) >= size, timeoutMs);
  }

  async #first(accepts: (event: ServiceEvent) => boolean, timeoutMs: number): Promise<ServiceEvent> {
    return await new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        const found = this.#events.find(accepts);
        if (found === undefined) return;
        end();
        resolve(found);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`the service did not say so within ${timeoutMs} ms; it said: ${this.#said()}`));
      }, timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }

  #said(): string {
    return JSON.stringify(this.#events.slice(-10));
  }
}
