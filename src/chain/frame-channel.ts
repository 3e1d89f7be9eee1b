import type { Duplex } from 'node:stream';
import { encodeFrame, FrameError, FrameReader } from './frame.ts';

/** The child finds its end of the socket pair under this number. */
export const CHANNEL_FD = 3;

/** What one side may say in a time: a burst, and so much a second on the long run. */
export interface TalkLimit {
  readonly frames: { readonly burst: number; readonly perSecond: number };
  readonly bytes: { readonly burst: number; readonly perSecond: number };
}

export interface FrameChannelOptions {
  readonly stream: Duplex;
  readonly onMessage: (message: unknown) => void;
  /** The other side broke the rules of the channel; nothing is read any more. */
  readonly onBroken: (why: string) => void;
  /** Undefined: the other side is trusted with that. */
  readonly limit?: TalkLimit;
  readonly nowMonoMs: () => number;
}

/** Messages over a stream, in frames. Once it is broken or closed nothing more comes out of it. */
export class FrameChannel {
  readonly #options: FrameChannelOptions;
  readonly #reader = new FrameReader();
  #broken = false;
  #frames: number;
  #bytes: number;
  #filledMonoMs: number;

  constructor(options: FrameChannelOptions) {
    this.#options = options;
    const { stream, limit, nowMonoMs } = options;
    this.#frames = limit?.frames.burst ?? Infinity;
    this.#bytes = limit?.bytes.burst ?? Infinity;
    this.#filledMonoMs = nowMonoMs();
    stream.on('data', (piece: Uint8Array) => this.#read(piece));
    // A broken pipe is told by the end of the process at its other end.
    stream.on('error', () => {});
  }

  /** Bytes handed over that the other side has not taken yet. */
  get waitingBytes(): number {
    return this.#options.stream.writableLength;
  }

  /** Throws FrameError when the message is too long for a frame. Dropped when the other side is gone. */
  send(message: unknown): void {
    const frame = encodeFrame(message);
    if (this.#options.stream.writable) this.#options.stream.write(frame);
  }

  #read(piece: Uint8Array): void {
    if (this.#broken) return;
    this.#fill();
    this.#bytes -= piece.length;
    if (this.#bytes < 0) return this.#break('too many bytes in a short time');
    try {
      for (const message of this.#reader.push(piece)) {
        if (this.#frames-- < 1) return this.#break('too many messages in a short time');
        this.#options.onMessage(message);
        if (this.#broken) return;
      }
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#break(error.message);
    }
  }

  /** Counted over the time in which it was sent: while this side stood still, the other may have talked on. */
  #fill(): void {
    const { limit, nowMonoMs } = this.#options;
    if (limit === undefined) return;
    const now = nowMonoMs();
    const seconds = Math.max(0, now - this.#filledMonoMs) / 1000;
    this.#filledMonoMs = now;
    this.#frames = Math.min(limit.frames.burst, this.#frames + seconds * limit.frames.perSecond);
    this.#bytes = Math.min(limit.bytes.burst, this.#bytes + seconds * limit.bytes.perSecond);
  }

  /** Ends reading for good, also of what has arrived already. */
  close(): void {
    this.#broken = true;
    this.#options.stream.destroy();
  }

  #break(why: string): void {
    this.close();
    this.#options.onBroken(why);
  }
}
