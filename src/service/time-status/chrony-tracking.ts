import type { LeapState, TimeReading } from './time-reading.ts';

// The one request of chrony's command protocol that is used, as a datagram of version 6 (chrony's candm.h): what chronyc
// calls `tracking`. A request is padded to the length of its answer, so that chronyd amplifies nothing.

const PROTOCOL_VERSION = 6;
const PACKET_REQUEST = 1;
const PACKET_REPLY = 2;
const REQUEST_TRACKING = 33;
const REPLY_TRACKING = 5;
const STATUS_SUCCESS = 0;
/** 28 bytes of header, 76 of tracking. */
const REPLY_BYTES = 104;

/** Offsets in a reply. */
const AT = {
  version: 0,
  packetType: 1,
  command: 4,
  reply: 6,
  status: 8,
  sequence: 16,
  referenceId: 28,
  stratum: 52,
  leapStatus: 54,
  offset: 68,
  rootDelay: 92,
  rootDispersion: 96,
} as const;

const LEAP_UNSYNCHRONISED = 3;
const LEAPS: Readonly<Record<number, LeapState>> = { 0: 'none', 1: 'insert', 2: 'delete' };
/** 127.127.1.1: chronyd's `local` directive, which answers as if it were synchronised while it only follows its own clock. */
const LOCAL_REFERENCE = 0x7f7f0101;

/** The request; `sequence` is 32 bits that nobody can guess, and the answer repeats it. */
export function encodeTrackingRequest(sequence: number): Uint8Array {
  const bytes = new Uint8Array(REPLY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, PROTOCOL_VERSION);
  view.setUint8(1, PACKET_REQUEST);
  view.setUint16(4, REQUEST_TRACKING);
  view.setUint32(8, sequence);
  return bytes;
}

/**
 * The answer to the request with that sequence number; undefined when the datagram is anything else, or a refusal.
 *
 * The error is the bound that chronyc(1) gives for the distance to the stratum-1 server: offset not yet corrected, plus root
 * dispersion, plus half the root delay.
 */
export function decodeTrackingReply(datagram: Uint8Array, sequence: number): TimeReading | undefined {
  if (datagram.length < REPLY_BYTES) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const isAnswer =
    view.getUint8(AT.version) === PROTOCOL_VERSION &&
    view.getUint8(AT.packetType) === PACKET_REPLY &&
    view.getUint16(AT.command) === REQUEST_TRACKING &&
    view.getUint16(AT.reply) === REPLY_TRACKING &&
    view.getUint16(AT.status) === STATUS_SUCCESS &&
    view.getUint32(AT.sequence) === sequence;
  if (!isAnswer) return undefined;
  const referenceId = view.getUint32(AT.referenceId);
  const stratum = view.getUint16(AT.stratum);
  const leapStatus = view.getUint16(AT.leapStatus);
  const isLocal = referenceId === LOCAL_REFERENCE;
  const synchronised = leapStatus !== LEAP_UNSYNCHRONISED && referenceId !== 0 && !isLocal;
  const errorSeconds =
    Math.abs(chronyFloat(view.getUint32(AT.offset))) +
    chronyFloat(view.getUint32(AT.rootDispersion)) +
    chronyFloat(view.getUint32(AT.rootDelay)) / 2;
  const reference = referenceId.toString(16).toUpperCase().padStart(8, '0');
  return {
    source: 'chrony',
    synchronised,
    maxErrorMs: synchronised ? errorSeconds * 1e3 : null,
    leap: LEAPS[leapStatus] ?? 'none',
    detail: isLocal
      ? 'chronyd follows its own clock (directive local)'
      : `reference ${reference}, stratum ${stratum}${leapStatus === LEAP_UNSYNCHRONISED ? ', not synchronised' : ''}`,
  };
}

/** chrony's float: 7 bits of signed exponent, 25 bits of signed coefficient; value = coefficient * 2^(exponent - 25). */
export function chronyFloat(bits: number): number {
  const exponent = (bits | 0) >> 25;
  const coefficient = (bits << 7) >> 7;
  return coefficient * 2 ** (exponent - 25);
}
