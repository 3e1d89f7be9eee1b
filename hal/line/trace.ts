import type { MonotonicClock } from '../contract/index.ts';
import type { ChannelEvents, OpenChannel } from './channel.ts';

/** What happened on the wire, for whoever looks for a fault. Bytes are as they were handed over, frames cut or glued. */
export type LineTraceEvent =
  | { readonly kind: 'opened'; readonly atMonoMs: number }
  /** The device is gone, or could not be opened; without a cause it was closed as wanted. */
  | { readonly kind: 'closed'; readonly atMonoMs: number; readonly cause: string | undefined }
  /** `atMonoMs`: when the operating system was given the bytes. */
  | { readonly kind: 'sent'; readonly atMonoMs: number; readonly bytes: Uint8Array }
  | { readonly kind: 'received'; readonly atMonoMs: number; readonly bytes: Uint8Array };

export type TraceListener = (event: LineTraceEvent) => void;

/** Where somebody may listen to a line for a while. Costs nothing while nobody does. A listener must not throw. */
export class LineTap {
  readonly #clock: Pick<MonotonicClock, 'nowMonoMs'>;
  readonly #listeners = new Set<TraceListener>();

  constructor(clock: Pick<MonotonicClock, 'nowMonoMs'>) {
    this.#clock = clock;
  }

  /** @returns what ends it */
  listen(listener: TraceListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  sent(bytes: Uint8Array): void {
    this.#tell((atMonoMs) => ({ kind: 'sent', atMonoMs, bytes: bytes.slice() }));
  }

  received(bytes: Uint8Array): void {
    this.#tell((atMonoMs) => ({ kind: 'received', atMonoMs, bytes: bytes.slice() }));
  }

  opened(): void {
    this.#tell((atMonoMs) => ({ kind: 'opened', atMonoMs }));
  }

  closed(cause: unknown): void {
    const why = cause instanceof Error ? cause.message : undefined;
    this.#tell((atMonoMs) => ({ kind: 'closed', atMonoMs, cause: why }));
  }

  #tell(event: (atMonoMs: number) => LineTraceEvent): void {
    if (this.#listeners.size === 0) return;
    const told = event(this.#clock.nowMonoMs());
    for (const listener of this.#listeners) listener(told);
  }
}

/** The same events, with a tap. */
export function heardBy(tap: LineTap, events: ChannelEvents): ChannelEvents {
  return {
    onBytes(bytes) {
      tap.received(bytes);
      events.onBytes(bytes);
    },
    onClosed(cause) {
      tap.closed(cause);
      events.onClosed(cause);
    },
  };
}

/** The same channel, with a tap. */
export function traced(open: OpenChannel, tap: LineTap): OpenChannel {
  return async (events, signal) => {
    const opening = open(heardBy(tap, events), signal);
    opening.catch((cause: unknown) => tap.closed(cause));
    const channel = await opening;
    tap.opened();
    return {
      write(bytes) {
        tap.sent(bytes);
        return channel.write(bytes);
      },
      discardInput: () => channel.discardInput(),
      close: () => channel.close(),
    };
  };
}
