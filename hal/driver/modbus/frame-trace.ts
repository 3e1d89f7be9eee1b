import type { MeterProfile } from '../../contract/index.ts';
import { FRAMINGS, type Framed, type FramingName } from './framing.ts';
import type { ReadRequest } from './pdu.ts';
import { exceptionMeaning } from './exception.ts';
import { fieldsIn } from './vector-decoder.ts';

/** Bytes on the wire. */
export interface WireBytes {
  readonly direction: 'out' | 'in';
  readonly atMonoMs: number;
  readonly bytes: Uint8Array;
}

/** What bytes on the wire mean. */
export interface TracedFrame extends WireBytes {
  /** What was asked; of an answer, what it answers. Undefined for what was sent and is no read. */
  readonly request: ReadRequest | undefined;
  /** From sending the request to the last byte of the answer; for an answer only. */
  readonly afterMs?: number;
  /** Fields of the profile in the answer, in the notation of golden vectors: `1-0:1.8.0*255`: `12.5 Wh`. */
  readonly values?: Readonly<Record<string, string>>;
  /** What is wrong with it: an exception and its meaning, damage, or no answer at all. */
  readonly problem?: string;
}

/** Some sixteen times the longest frame: what is longer is noise, and need not be kept to say so. */
const MAX_UNJUDGED_BYTES = 4_096;

interface Open {
  readonly sent: WireBytes;
  readonly request: ReadRequest;
  readonly sequence: number;
  received: Uint8Array;
  lastAtMonoMs: number;
  answered: boolean;
}

/** Reads along: puts the bytes of a line together to requests and answers. Pure: time is given. */
export class FrameTrace {
  readonly #profile: MeterProfile;
  readonly #framing: FramingName;
  #open: Open | undefined;

  constructor(profile: MeterProfile, framing: FramingName) {
    this.#profile = profile;
    this.#framing = framing;
  }

  /** @returns the frames that are whole, or given up, with these bytes. */
  push(bytes: WireBytes): TracedFrame[] {
    if (bytes.direction === 'out') return [...this.end(bytes.atMonoMs), this.#begin(bytes)];
    const open = this.#open;
    if (open === undefined) return [{ ...bytes, request: undefined, problem: 'bytes that nobody asked for' }];
    open.received = Buffer.concat([open.received, bytes.bytes]).subarray(0, MAX_UNJUDGED_BYTES);
    open.lastAtMonoMs = bytes.atMonoMs;
    return this.#judge(open);
  }

  /** Nothing more will come: what is unfinished is told as it is. */
  end(atMonoMs: number): TracedFrame[] {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return [];
    const { request, received, answered } = open;
    if (received.length === 0) {
      const problem = `no answer for ${(atMonoMs - open.sent.atMonoMs).toFixed(0)} ms`;
      return answered ? [] : [{ direction: 'in', atMonoMs, bytes: received, request, problem }];
    }
    const reception = answered ? undefined : this.#receive(open);
    const seen = reception !== undefined && 'seen' in reception ? reception.seen : undefined;
    const problem = seen ?? 'bytes behind the answer';
    return [{ direction: 'in', atMonoMs: open.lastAtMonoMs, bytes: received, request, problem }];
  }

  #begin(sent: WireBytes): TracedFrame {
    const parsed = parseRequest(sent.bytes, this.#framing);
    if (parsed === undefined) return { ...sent, request: undefined, problem: 'no read of registers' };
    const nothing = { received: new Uint8Array(0), lastAtMonoMs: sent.atMonoMs, answered: false };
    this.#open = { sent, ...parsed, ...nothing };
    return { ...sent, request: parsed.request };
  }

  #receive({ received, request, sequence }: Open): Framed {
    return FRAMINGS[this.#framing].receive(received, request, sequence);
  }

  #judge(open: Open): TracedFrame[] {
    const frames: TracedFrame[] = [];
    while (!open.answered && open.received.length > 0) {
      const reception = this.#receive(open);
      const byteCount = 'byteCount' in reception ? reception.byteCount : undefined;
      if (byteCount === undefined) break;
      frames.push(this.#frame(open, reception, open.received.subarray(0, byteCount)));
      open.received = open.received.subarray(byteCount);
      open.answered = reception.kind === 'answer';
    }
    return frames;
  }

  #frame(open: Open, reception: Framed, bytes: Uint8Array): TracedFrame {
    const { request, sent, lastAtMonoMs: atMonoMs } = open;
    const base = { direction: 'in', atMonoMs, bytes, request, afterMs: atMonoMs - sent.atMonoMs } as const;
    if (reception.kind !== 'answer') return { ...base, problem: reception.seen ?? 'incomplete' };
    const { answer } = reception;
    return answer.kind === 'registers'
      ? { ...base, values: fieldsIn(this.#profile, request, answer.registers) }
      : { ...base, problem: `exception ${answer.code}: ${exceptionMeaning(answer.code)}` };
  }
}

/** A read as this driver writes it; the bytes after unit id and function are the same in both framings. */
function parseRequest(
  bytes: Uint8Array,
  name: FramingName,
): { request: ReadRequest; sequence: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = name === 'mbap' ? 6 : 0;
  if (bytes.length !== at + (name === 'mbap' ? 6 : 8)) return undefined;
  const functionCode = view.getUint8(at + 1);
  if (functionCode !== 3 && functionCode !== 4) return undefined;
  const request: ReadRequest = {
    unitId: view.getUint8(at),
    table: functionCode === 3 ? 'holding' : 'input',
    registerAddress: view.getUint16(at + 2),
    registerCount: view.getUint16(at + 4),
  };
  return { request, sequence: name === 'mbap' ? view.getUint16(0) : 0 };
}
