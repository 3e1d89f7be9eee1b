import type { Framed, Framing } from './framing.ts';
import { answerPduLength, answerShape, decodeReadPdu, encodeReadPdu, type ReadRequest } from './pdu.ts';

/** Transaction id, protocol id, length, unit id. */
const HEADER = 7;
/** The length field counts the unit id and the PDU: at least an exception, at most 253 bytes of PDU. */
const MIN_LENGTH = 3;
const MAX_LENGTH = 254;

/**
 * Modbus messaging on TCP/IP V1.0b §3.1.3. Answers name their request by transaction id, so a late or repeated answer is
 * recognised and dropped. A header that cannot be one means that the frame boundaries are lost: only a new connection
 * finds them again.
 */
export const mbapFraming: Framing = {
  encode(request, sequence) {
    const pdu = encodeReadPdu(request);
    const frame = new Uint8Array(HEADER + pdu.length);
    frame.set([sequence >>> 8, sequence & 0xff, 0, 0, 0, pdu.length + 1, request.unitId]);
    frame.set(pdu, HEADER);
    return frame;
  },

  receive(received, request, sequence) {
    if (received.length === 0) return { kind: 'incomplete' };
    if (received.length < HEADER) return { kind: 'incomplete', seen: `${received.length} bytes of a header` };
    const protocolId = word(received, 2);
    const length = word(received, 4);
    if (protocolId !== 0 || length < MIN_LENGTH || length > MAX_LENGTH) {
      return {
        kind: 'damaged',
        reopen: true,
        seen: `a header with protocol ${protocolId} and length ${length}`,
      };
    }
    const end = HEADER - 1 + length;
    if (received.length < end) return { kind: 'incomplete', seen: `${received.length} bytes of ${end}` };
    const transaction = word(received, 0);
    if (transaction !== (sequence & 0xffff)) {
      return { kind: 'discard', byteCount: end, seen: `an answer to transaction ${transaction}` };
    }
    return judge(received, request, end);
  },

  answerBytes(request) {
    return HEADER + answerPduLength(request);
  },

  /**
   * The id vouches for the connection only. Behind a gateway is a serial line without ids: after a time-out there, a gateway
   * may give a late answer to the request it sends next, with the id of that one.
   */
  answerKey: answerShape,
  namesTransaction: true,
};

function judge(received: Uint8Array, request: ReadRequest, end: number): Framed {
  const unitId = received[HEADER - 1];
  if (unitId !== request.unitId) {
    return { kind: 'damaged', byteCount: end, seen: `unit ${unitId} instead of ${request.unitId}` };
  }
  const answer = decodeReadPdu(received.subarray(HEADER, end), request);
  if (answer.kind === 'wrong') return { kind: 'damaged', byteCount: end, seen: answer.seen };
  return { kind: 'answer', answer, byteCount: end };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
