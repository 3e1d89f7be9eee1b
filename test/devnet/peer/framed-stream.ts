import type { Stream } from '@libp2p/interface';
import { type Bytes, concat, EMPTY } from '../encoding/bytes.ts';
import { decodeVarint, encodeVarint } from '../encoding/varint.ts';
import { DevnetError } from '../errors.ts';

/** Far above any message of these chains; a bound on what a confused client can make us buffer. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/**
 * Length-prefixed frames over a libp2p stream. Listens to `message` events from the start: the stream's own iterator
 * starts late, and loses a request that arrives together with the remote's half-close.
 */
export class FramedStream {
  readonly #stream: Stream;
  #received: Bytes = EMPTY;
  #ended = false;
  #wake = (): void => undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    stream.addEventListener('message', ({ data }) => {
      this.#received = concat(this.#received, data.subarray());
      this.#wake();
    });
    stream.addEventListener('remoteCloseWrite', () => this.#endWhenDrained());
    stream.addEventListener('close', () => this.#endWhenDrained());
    if (stream.remoteWriteStatus === 'closed') this.#endWhenDrained();
  }

  /** The next frame, or undefined after the last. One caller at a time. @throws DevnetError `devnet.bad_input` */
  async next(): Promise<Bytes | undefined> {
    for (;;) {
      const frame = this.#takeFrame();
      if (frame !== undefined || this.#ended) return frame;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async send(payload: Bytes): Promise<void> {
    const hasRoom = this.#stream.send(concat(encodeVarint(payload.length), payload));
    if (!hasRoom) await this.#stream.onDrain();
  }

  async close(): Promise<void> {
    await this.#stream.close();
  }

  abort(reason: Error): void {
    this.#stream.abort(reason);
  }

  #takeFrame(): Bytes | undefined {
    const prefix = decodeVarint(this.#received);
    if (prefix === undefined) return undefined;
    const { value: length, end: start } = prefix;
    if (length > MAX_FRAME_BYTES) throw new DevnetError('devnet.bad_input', `a frame of ${length} bytes`);
    if (this.#received.length < start + length) return undefined;
    const frame = this.#received.slice(start, start + length);
    this.#received = this.#received.slice(start + length);
    return frame;
  }

  /** Data that arrived before the end may still be on its way through the stream's buffer. */
  #endWhenDrained(): void {
    setImmediate(() => {
      if (this.#stream.readBufferLength > 0) return;
      this.#ended = true;
      this.#wake();
    });
  }
}
