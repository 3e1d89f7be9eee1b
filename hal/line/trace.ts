import type { MonotonicClock } from '../contract/index.ts';
import type { OpenChannel } from './channel.ts';

/** What happened on the wire, for whoever looks for a fault. Bytes are as they were handed over, frames cut or glued. */
export type LineTraceEvent =
  | { readonly kind: 'opened'; readonly atMonoMs: number }
  /** The device is gone, or could not be opened; without a cause it was closed as wanted. */
  | { readonly kind: 'closed'; readonly atMonoMs: number; readonly cause: string | undefined }
  /** `atMonoMs`: when the operating system was given the bytes. */
  | { readonly kind: 'sent'; readonly atMonoMs: number; readonly bytes: Uint8Array }
  | { readonly kind: 'received'; readonly atMonoMs: number; readonly bytes: Uint8Array };

export type TraceListener = (event: LineTraceEvent) => void;

/** The same channel, with somebody listening. */
export function traced(open: OpenChannel, onTrace: TraceListener, clock: MonotonicClock): OpenChannel {
  const now = (): number => clock.nowMonoMs();
  const closed = (cause: unknown): void =>
    onTrace({ kind: 'closed', atMonoMs: now(), cause: cause instanceof Error ? cause.message : undefined });
  return async (events, signal) => {
    const opening = open(
      {
        onBytes(bytes) {
          onTrace({ kind: 'received', atMonoMs: now(), bytes: bytes.slice() });
          events.onBytes(bytes);
        },
        onClosed(cause) {
          closed(cause);
          events.onClosed(cause);
        },
      },
      signal,
    );
    opening.catch(closed);
    const channel = await opening;
    onTrace({ kind: 'opened', atMonoMs: now() });
    return {
      write(bytes) {
        onTrace({ kind: 'sent', atMonoMs: now(), bytes: bytes.slice() });
        return channel.write(bytes);
      },
      discardInput: () => channel.discardInput(),
      close: () => channel.close(),
    };
  };
}
