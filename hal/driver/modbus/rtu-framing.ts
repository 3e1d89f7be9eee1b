import { crc16 } from './crc16.ts';
import type { Framed, Framing } from './framing.ts';
import { answerPduLength, answerShape, encodeReadPdu, functionCodeOf, type ReadRequest } from './pdu.ts';

/** Unit id before the PDU, CRC behind it. */
const OVERHEAD = 3;
const EXCEPTION_FRAME = 5;

/**
 * Modbus over serial line V1.02 §2.3: unit id, PDU, CRC with its low byte first.
 * A frame ends with silence, which neither a kernel buffer nor a gateway preserves. So an answer is looked for by what is
 * known of it: unit, function, byte count and CRC, at any place in the input. Noise and other units' late answers around
 * it do no harm, and nothing else can be taken for it.
 */
export const rtuFraming: Framing = {
  encode(request) {
    const pdu = encodeReadPdu(request);
    const frame = new Uint8Array(pdu.length + OVERHEAD);
    frame[0] = request.unitId;
    frame.set(pdu, 1);
    const crc = crc16(frame, 0, pdu.length + 1);
    frame[pdu.length + 1] = crc & 0xff;
    frame[pdu.length + 2] = crc >>> 8;
    return frame;
  },

  receive(received, request) {
    for (let at = 0; at + EXCEPTION_FRAME <= received.length; at++) {
      const found = frameAt(received, at, request);
      if (found !== undefined) return found;
    }
    if (received.length === 0) return { kind: 'incomplete' };
    const foreignBytes = foreignFrame(received);
    if (foreignBytes > 0) {
      const seen = describe(received.subarray(0, foreignBytes), request);
      return { kind: 'discard', byteCount: foreignBytes, seen, from: String(received[0]) };
    }
    const seen = describe(received, request);
    return received.length < this.answerBytes(request)
      ? { kind: 'incomplete', seen }
      : { kind: 'damaged', seen };
  },

  answerBytes(request) {
    return answerPduLength(request) + OVERHEAD;
  },

  answerKey: answerShape,
  namesTransaction: false,
};

function frameAt(received: Uint8Array, at: number, request: ReadRequest): Framed | undefined {
  if (received[at] !== request.unitId) return undefined;
  const functionCode = functionCodeOf(request.table);
  if (received[at + 1] === (functionCode | 0x80)) {
    const end = at + EXCEPTION_FRAME;
    if (!crcHolds(received, at, end)) return undefined;
    return { kind: 'answer', answer: { kind: 'exception', code: received[at + 2] ?? 0 }, byteCount: end };
  }
  if (received[at + 1] !== functionCode || received[at + 2] !== 2 * request.registerCount) return undefined;
  const end = at + answerPduLength(request) + OVERHEAD;
  if (end > received.length || !crcHolds(received, at, end)) return undefined;
  return {
    kind: 'answer',
    answer: { kind: 'registers', registers: received.slice(at + 3, end - 2) },
    byteCount: end,
  };
}

/** Length of a whole read answer or exception at the start of the input, 0 if there is none. */
function foreignFrame(received: Uint8Array): number {
  const [, functionCode = 0, byteCount = 0] = received;
  const length = functionCode & 0x80 ? EXCEPTION_FRAME : byteCount + 5;
  return received.length >= length && length >= EXCEPTION_FRAME && crcHolds(received, 0, length) ? length : 0;
}

function crcHolds(bytes: Uint8Array, from: number, to: number): boolean {
  return crc16(bytes, from, to - 2) === ((bytes[to - 2] ?? 0) | ((bytes[to - 1] ?? 0) << 8));
}

/** What is wrong with the input, for the person who has to find the cable, the address or the baud rate. */
function describe(received: Uint8Array, request: ReadRequest): string {
  const [unitId = 0, functionCode = 0, byteCount = 0] = received;
  const size = `${received.length} bytes`;
  const expected = functionCodeOf(request.table);
  if (unitId !== request.unitId)
    return `${size} that begin with ${hex(unitId)} instead of unit ${request.unitId}`;
  if ((functionCode & 0x7f) !== expected)
    return `${size} with function ${functionCode} instead of ${expected}`;
  if (functionCode === expected && byteCount !== 2 * request.registerCount) {
    return `${size} that announce ${byteCount} bytes of registers instead of ${2 * request.registerCount}`;
  }
  const whole = functionCode === expected ? answerPduLength(request) + OVERHEAD : EXCEPTION_FRAME;
  return received.length < whole
    ? `${size} of ${whole}`
    : `${size} that are no whole answer, or whose CRC does not match`;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
