import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { ChannelEvents, OpenChannel } from '../../../hal/line/channel.ts';

/** What a scripted device does with one request: each piece is sent `afterMs` after the request arrived. */
export type Script = (request: Uint8Array, requestNumber: number) => readonly ScriptedPiece[];
export interface ScriptedPiece {
  readonly afterMs: number;
  readonly bytes: Uint8Array;
}

/** A device in memory that answers by script; time is the given clock's. */
export class ScriptedDevice {
  readonly requests: Uint8Array[] = [];
  opened = 0;
  /** While set, opening fails with it. */
  absent: Error | undefined;
  readonly #clock: MonotonicClock;
  readonly #script: Script;
  #events: ChannelEvents | undefined;

  constructor(clock: MonotonicClock, script: Script) {
    this.#clock = clock;
    this.#script = script;
  }

  readonly open: OpenChannel = async (events) => {
    this.opened++;
    if (this.absent !== undefined) throw this.absent;
    this.#events = events;
    return {
      write: async (bytes) => {
        this.requests.push(bytes);
        for (const piece of this.#script(bytes, this.requests.length)) void this.#send(piece, events);
      },
      discardInput: async () => {},
      close: async () => this.unplug(),
    };
  };

  unplug(cause?: Error): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClosed(cause);
  }

  async #send({ afterMs, bytes }: ScriptedPiece, events: ChannelEvents): Promise<void> {
    await this.#clock.sleep(afterMs);
    // What is on its way over a real bus arrives at whoever listens then, also after the port was opened anew.
    (this.#events ?? events).onBytes(bytes);
  }
}
