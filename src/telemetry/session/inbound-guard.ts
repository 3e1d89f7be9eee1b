import { PUBLISH_COSTS } from './inbound-pace.ts';

/** What an MQTT broker may send to a station that subscribes to nothing (MQTT 5 §2.1.2: type in the upper half of byte 1). */
const CONNACK = 0x20;
const PUBACK = 0x40;
const PINGRESP = 0xd0;
const DISCONNECT = 0xe0;
/** And to one that has subscribed, at QoS 1: PUBLISH with DUP, QoS 0 or 1 and RETAIN (§3.3.1; DUP is 0 at QoS 0). */
const SUBACK = 0x90;
const PUBLISH: readonly number[] = [0x30, 0x31, 0x32, 0x33, 0x3a, 0x3b];

/** To one that unsubscribes as well (§3.11). */
const UNSUBACK = 0xb0;

/**
 * Follows packet borders in a byte stream. A hostile or broken broker is recognised by the fixed header of a packet,
 * before one byte of its body is kept: the MQTT library would collect up to 256 MB for one announced packet.
 */
export interface InboundGuard {
  /** Why the stream is not acceptable, or undefined. After a complaint the guard must not be used again. */
  inspect(chunk: Uint8Array): string | undefined;
  /** Packets that have begun so far, each PUBLISH counted as `PUBLISH_COSTS`. */
  readonly work: number;
}

/**
 * @param maxPublishBytes largest PUBLISH that is accepted; without it none is, because nothing was subscribed to
 * @param unsubscribes whether subscriptions are ended before the session is; a station's are not
 */
export function createInboundGuard(
  maxInboundBytes: number,
  maxPublishBytes?: number,
  unsubscribes = false,
): InboundGuard {
  const isSubscribed = maxPublishBytes !== undefined;
  const fromBroker = [
    ...[PUBACK, PINGRESP, DISCONNECT],
    ...(isSubscribed ? [SUBACK, ...PUBLISH] : []),
    ...(unsubscribes ? [UNSUBACK] : []),
  ];
  let header = -1; // -1: the next byte is a fixed header
  let lengthBytes = 0;
  let length = 0;
  let bodyLeft = 0;
  let connected = false;
  let work = 0;

  function begin(byte: number): string | undefined {
    const expected = connected ? fromBroker : [CONNACK];
    if (!expected.includes(byte)) {
      return `unexpected packet 0x${byte.toString(16).padStart(2, '0')} ${connected ? 'after' : 'before'} CONNACK`;
    }
    header = byte;
    work += PUBLISH.includes(byte) ? PUBLISH_COSTS : 1;
    lengthBytes = 0;
    length = 0;
    return undefined;
  }

  /** Remaining Length: a variable byte integer of one to four bytes, low group first (MQTT 5 §1.5.5). */
  function takeLength(byte: number): string | undefined {
    length += (byte & 0x7f) * 128 ** lengthBytes++;
    if ((byte & 0x80) !== 0)
      return lengthBytes === 4 ? 'remaining length of more than four bytes' : undefined;
    const isPublish = PUBLISH.includes(header);
    const most = isPublish ? (maxPublishBytes ?? 0) : maxInboundBytes;
    if (length > most) return `packet of ${length} bytes, at most ${most} are accepted`;
    // A PUBLISH has the length of its topic at least, a SUBACK a packet id and a reason code (an UNSUBACK of 3.1.1 none).
    const hasNone = header === PINGRESP || header === DISCONNECT;
    const shortest = header === SUBACK ? 3 : hasNone ? 0 : 2;
    if (length < shortest) return `packet 0x${header.toString(16)} of ${length} bytes`;
    if (header === CONNACK) connected = true;
    bodyLeft = length;
    header = -1;
    return undefined;
  }

  return {
    get work() {
      return work;
    },
    inspect(chunk) {
      for (let at = 0; at < chunk.length;) {
        const byte = chunk[at] ?? 0;
        if (bodyLeft > 0) {
          const skipped = Math.min(bodyLeft, chunk.length - at);
          bodyLeft -= skipped;
          at += skipped;
          continue;
        }
        const complaint = header === -1 ? begin(byte) : takeLength(byte);
        if (complaint !== undefined) return complaint;
        at++;
      }
      return undefined;
    },
  };
}
