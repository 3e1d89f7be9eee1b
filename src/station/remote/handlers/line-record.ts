import { frameDocument, type FrameDocument, type FrameTrace } from '../../../../hal/driver/modbus/index.ts';
import {
  lineStateDocument,
  type LineStateDocument,
  type LineTraceEvent,
} from '../../../../hal/line/index.ts';

/** Bytes of a line whose protocol is not taken apart. */
export interface BytesDocument {
  readonly atMs: number;
  readonly direction: 'out' | 'in';
  readonly hex: string;
}

type TraceDocument = FrameDocument | LineStateDocument | BytesDocument;

/** Of one trace; what is beyond is counted. A Modbus line at 9,600 baud carries some twenty frames a second. */
const MAX_DOCUMENTS = 2_000;
/** Waiting to be sent; beyond, the link is too slow for the line. */
const MAX_WAITING = 200;
/** In one document: larger runs of bytes are cut into several. */
const MAX_BYTES = 512;

/** What was heard on a line, in bounded memory. No I/O; whoever hears says when it was. */
export class LineRecord {
  readonly #beganAtMonoMs: number;
  readonly #own: { readonly trace: FrameTrace; readonly unitId: number } | undefined;
  #waiting: TraceDocument[] = [];
  #taken = 0;
  #left = 0;
  #others = 0;

  /** @param own of a Modbus meter; undefined: bytes are shown as they come */
  constructor(
    beganAtMonoMs: number,
    own: { readonly trace: FrameTrace; readonly unitId: number } | undefined,
  ) {
    this.#beganAtMonoMs = beganAtMonoMs;
    this.#own = own;
  }

  hear(event: LineTraceEvent): void {
    if (event.kind === 'opened' || event.kind === 'closed')
      return this.#add(lineStateDocument(event, this.#beganAtMonoMs));
    const direction = event.kind === 'sent' ? 'out' : 'in';
    if (this.#own === undefined) return this.#addBytes(direction, event.atMonoMs, event.bytes);
    this.#addFrames(this.#own.trace.push({ ...event, direction }));
  }

  /** Nothing more will come: what is unfinished is told as it is. */
  end(atMonoMs: number): void {
    if (this.#own !== undefined) this.#addFrames(this.#own.trace.end(atMonoMs));
  }

  /** What waits, in its order; it does not wait any more. */
  take(): readonly TraceDocument[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }

  /** `left`: frames that were too many to be told. `others`: frames of other meters on the line. */
  figures(): { readonly left: number; readonly others: number } {
    return { left: this.#left, others: this.#others };
  }

  #addFrames(frames: ReturnType<FrameTrace['push']>): void {
    for (const frame of frames) {
      const { request, bytes } = frame;
      if (request !== undefined && request.unitId !== this.#own?.unitId) this.#others++;
      else {
        // No frame of Modbus is that long: it is noise, and its beginning says so.
        const shown = { ...frame, bytes: bytes.subarray(0, MAX_BYTES) };
        this.#add(frameDocument(shown, this.#beganAtMonoMs));
      }
    }
  }

  #addBytes(direction: 'out' | 'in', atMonoMs: number, bytes: Uint8Array): void {
    const atMs = Math.round((atMonoMs - this.#beganAtMonoMs) * 10) / 10;
    for (let at = 0; at < bytes.length; at += MAX_BYTES) {
      const hex = Buffer.from(bytes.subarray(at, at + MAX_BYTES)).toString('hex');
      this.#add({ atMs, direction, hex });
    }
  }

  #add(document: TraceDocument): void {
    if (this.#taken >= MAX_DOCUMENTS || this.#waiting.length >= MAX_WAITING) {
      this.#left++;
      return;
    }
    this.#taken++;
    this.#waiting.push(document);
  }
}
