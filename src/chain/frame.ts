// Frames of the channel between core and gateway: four bytes of length, big-endian, then so many bytes of JSON in UTF-8.
// Pure. The length is looked at before anything is kept: whoever sends can make us hold one frame and never more.

/** Above any message there is: an extrinsic of 64 KiB as hex, twice, and its proof; a finality justification. */
export const MAX_FRAME_BYTES = 1024 * 1024;
const LENGTH_BYTES = 4;

/** These bytes are no frames. The channel cannot be used any further: where the next frame begins nobody knows. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** Throws FrameError when the message is too long to be sent. */
export function encodeFrame(message: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  if (body.length > MAX_FRAME_BYTES) throw new FrameError(`a message of ${body.length} bytes`);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Puts frames together from whatever pieces a stream gives. */
export class FrameReader {
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthSeen = 0;
  /** Allocated when the length is known, and never larger than it may be. */
  #body: Buffer | undefined;
  #bodySeen = 0;

  /** Bytes held back for a frame that is not complete. */
  get heldBytes(): number {
    return this.#bodySeen + this.#lengthSeen;
  }

  /**
   * The messages that are complete with this piece, one after the other: who stops asking leaves the rest undecoded. Throws
   * FrameError at a frame that is empty, too long, or not JSON in UTF-8.
   */
  *push(piece: Uint8Array): Generator<unknown, void> {
    for (let at = 0; at < piece.length;) {
      if (this.#body === undefined) {
        this.#length[this.#lengthSeen++] = piece[at++] as number;
        if (this.#lengthSeen === LENGTH_BYTES) this.#begin(this.#length.readUInt32BE());
        continue;
      }
      const part = piece.subarray(at, at + this.#body.length - this.#bodySeen);
      this.#body.set(part, this.#bodySeen);
      this.#bodySeen += part.length;
      at += part.length;
      if (this.#bodySeen === this.#body.length) yield parse(this.#take(this.#body));
    }
  }

  #begin(length: number): void {
    if (length === 0) throw new FrameError('an empty frame');
    if (length > MAX_FRAME_BYTES) throw new FrameError(`a frame of ${length} bytes`);
    this.#body = Buffer.alloc(length);
    this.#bodySeen = 0;
  }

  #take(body: Buffer): Buffer {
    this.#body = undefined;
    this.#bodySeen = this.#lengthSeen = 0;
    return body;
  }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body)) as unknown;
  } catch {
    throw new FrameError('a frame that is not JSON');
  }
}
