import { unreachable } from '../contract/index.ts';
import { encodeFrame, type Framing, type Request } from './modbus-frame.ts';
import { DEVICE_BUSY, exceptionPdu } from './modbus-unit.ts';
import type { Random } from './random.ts';

/** What can go wrong with an answer, by name. Times in milliseconds. */
export type Fault =
  /** No answer. */
  | { readonly kind: 'silent' }
  /** The right answer, too late. */
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'exception'; readonly code: number }
  /** Exception 6: come back later. */
  | { readonly kind: 'busy' }
  /** One bit of the check sum is wrong (RTU only). */
  | { readonly kind: 'corruptCrc' }
  /** One bit of the data is wrong, the check sum is that of the right data (RTU only). */
  | { readonly kind: 'corruptData' }
  /** The end is missing. */
  | { readonly kind: 'shortFrame'; readonly missing?: number }
  /** Bytes follow that belong to nothing. */
  | { readonly kind: 'longFrame'; readonly extra?: number }
  /** Well-formed, from another unit. */
  | { readonly kind: 'wrongUnit' }
  /** Well-formed, for another function. */
  | { readonly kind: 'wrongFunction' }
  /** Well-formed, with two registers fewer than were asked for. */
  | { readonly kind: 'wrongByteCount' }
  /** The answer twice, the second `ms` later (5 unless told). */
  | { readonly kind: 'duplicate'; readonly ms?: number }
  /** The answer twice in one piece. */
  | { readonly kind: 'glued' }
  /** Noise, then the answer. */
  | { readonly kind: 'noiseBefore'; readonly bytes?: number }
  /** Nothing but noise. */
  | { readonly kind: 'garbage'; readonly bytes?: number }
  /** MBAP header with a protocol id other than 0 (TCP only). */
  | { readonly kind: 'bogusProtocolId' }
  /** MBAP header that announces far more bytes than follow (TCP only). */
  | { readonly kind: 'bogusLength' }
  /** MBAP header with a transaction id that nobody asked with (TCP only). */
  | { readonly kind: 'wrongTransaction' }
  /** The answer waits until after the next one (TCP only). */
  | { readonly kind: 'swappedOrder' }
  /** The connection ends instead of an answer (sockets only). */
  | { readonly kind: 'closeSocket' }
  /** The connection ends in the middle of the answer (sockets only). */
  | { readonly kind: 'closeInAnswer' }
  /** Each byte alone, `gapMs` apart (1 unless told). */
  | { readonly kind: 'byteByByte'; readonly gapMs?: number };

export type FaultKind = Fault['kind'];

/** How a line can carry an answer; some faults need a check sum, an MBAP header or a connection. */
export interface LineTraits {
  readonly framing: Framing;
  readonly socket: boolean;
}

const ONLY_RTU: readonly FaultKind[] = ['corruptCrc', 'corruptData'];
const ONLY_MBAP: readonly FaultKind[] = [
  'bogusProtocolId',
  'bogusLength',
  'wrongTransaction',
  'swappedOrder',
];
const ONLY_SOCKET: readonly FaultKind[] = ['closeSocket', 'closeInAnswer'];

export function isApplicable(kind: FaultKind, line: LineTraits): boolean {
  if (ONLY_RTU.includes(kind)) return line.framing === 'rtu';
  if (ONLY_MBAP.includes(kind)) return line.framing === 'mbap';
  return line.socket || !ONLY_SOCKET.includes(kind);
}

/** What the line does with an answer, in this order; `afterMs` counts from the moment the answer is ready. */
export type Delivery =
  | { readonly kind: 'send'; readonly afterMs: number; readonly bytes: Buffer }
  /** Sent after the next answer on this connection. */
  | { readonly kind: 'hold'; readonly bytes: Buffer }
  | { readonly kind: 'close'; readonly afterMs: number };

const send = (bytes: Buffer, afterMs = 0): Delivery => ({ kind: 'send', afterMs, bytes });

/** What goes over the wire for `answer`, the right answer to a request, under `fault`. */
export function deliver(
  framing: Framing,
  answer: Request,
  fault: Fault | undefined,
  random: Random,
): readonly Delivery[] {
  const right = encodeFrame(framing, answer);
  if (fault === undefined) return [send(right)];
  const changed = changedAnswer(answer, fault);
  if (changed !== undefined) return [send(encodeFrame(framing, changed))];
  const bytes = damagedBytes(right, fault, random);
  if (bytes !== undefined) return [send(bytes)];
  switch (fault.kind) {
    case 'silent':
      return [];
    case 'late':
      return [send(right, fault.ms)];
    case 'duplicate':
      return [send(right), send(right, fault.ms ?? 5)];
    case 'swappedOrder':
      return [{ kind: 'hold', bytes: right }];
    case 'closeSocket':
      return [{ kind: 'close', afterMs: 0 }];
    case 'closeInAnswer':
      return [send(right.subarray(0, right.length >> 1)), { kind: 'close', afterMs: 2 }];
    case 'byteByByte':
      return Array.from(right, (byte, index) => send(Buffer.from([byte]), index * (fault.gapMs ?? 1)));
    default:
      return unreachable(fault as never);
  }
}

/** Faults that answer something well-formed, but not what was asked for. */
function changedAnswer(answer: Request, fault: Fault): Request | undefined {
  const functionCode = (answer.pdu[0] ?? 0) & 0x7f;
  switch (fault.kind) {
    case 'exception':
      return { ...answer, pdu: exceptionPdu(functionCode, fault.code) };
    case 'busy':
      return { ...answer, pdu: exceptionPdu(functionCode, DEVICE_BUSY) };
    case 'wrongUnit':
      return { ...answer, unitId: (answer.unitId % 247) + 1 };
    case 'wrongFunction':
      return { ...answer, pdu: Buffer.concat([Buffer.from([functionCode ^ 7]), answer.pdu.subarray(1)]) };
    case 'wrongByteCount': {
      const data = answer.pdu.subarray(2, Math.max(2, answer.pdu.length - 4));
      return { ...answer, pdu: Buffer.concat([Buffer.from([answer.pdu[0] ?? 0, data.length]), data]) };
    }
    case 'wrongTransaction':
      return { ...answer, transactionId: (answer.transactionId + 0x4000) & 0xffff };
    default:
      return undefined;
  }
}

/** Faults that hurt the frame itself. */
function damagedBytes(right: Buffer, fault: Fault, random: Random): Buffer | undefined {
  const noise = (count: number) => Buffer.from(Array.from({ length: count }, () => random.between(0, 255)));
  const flipped = (at: number, mask: number) => {
    const bytes = Buffer.from(right);
    bytes[at] = (bytes[at] ?? 0) ^ mask;
    return bytes;
  };
  switch (fault.kind) {
    case 'corruptCrc':
      return flipped(right.length - 1, 1 << random.between(0, 7));
    case 'corruptData':
      return flipped(right.length - 3, 1 << random.between(0, 7));
    case 'shortFrame':
      return right.subarray(0, Math.max(1, right.length - (fault.missing ?? 2)));
    case 'longFrame':
      return Buffer.concat([right, noise(fault.extra ?? 3)]);
    case 'glued':
      return Buffer.concat([right, right]);
    case 'noiseBefore':
      return Buffer.concat([noise(fault.bytes ?? 4), right]);
    case 'garbage':
      return noise(fault.bytes ?? right.length);
    case 'bogusProtocolId':
      return flipped(3, 0x05);
    case 'bogusLength':
      return flipped(4, 0x7f);
    default:
      return undefined;
  }
}
