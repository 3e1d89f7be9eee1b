import { crc16Kermit, crc16X25 } from './crc16.ts';
import { SmlError } from './errors.ts';
import { decodeTlv, type Tlv } from './tlv.ts';

/** Which checksum held: X-25 is the standard's, Kermit a known deviation (see `quirks.ts`). */
export type Checksum = 'x25' | 'kermit';

/** One SML_Message (SML 1.04 §5.1): transactionId, groupNo, abortOnError, body of tag and content, checksum, end. */
export interface Message {
  readonly tag: number;
  readonly content: Tlv;
  readonly checksum: Checksum;
}

export const OPEN_RESPONSE = 0x101;
export const GET_LIST_RESPONSE = 0x701;

const LIST_OF_SIX = 0x76;
/** The four elements that the checksum is over. */
const CHECKED_ELEMENTS = 4;

/**
 * All messages of a file; zeros after the last one are fill.
 * @throws SmlError `sml.malformed`, or `sml.message_checksum` when neither checksum holds.
 */
export function decodeMessages(file: Uint8Array): Message[] {
  const messages: Message[] = [];
  let offset = 0;
  while (offset < file.length && !isFill(file, offset)) {
    const { message, end } = decodeMessage(file, offset);
    messages.push(message);
    offset = end;
  }
  if (messages.length === 0) throw new SmlError('sml.malformed', 'the telegram has no message');
  return messages;
}

function isFill(file: Uint8Array, from: number): boolean {
  return file.subarray(from).every((byte) => byte === 0);
}

function decodeMessage(file: Uint8Array, begin: number): { message: Message; end: number } {
  if (file[begin] !== LIST_OF_SIX) {
    throw new SmlError('sml.malformed', `no message at byte ${begin} of its content`);
  }
  const elements: Tlv[] = [];
  let offset = begin + 1;
  while (elements.length < CHECKED_ELEMENTS) {
    const { tlv, end } = decodeTlv(file, offset);
    elements.push(tlv);
    offset = end;
  }
  const sent = decodeTlv(file, offset);
  const checksum = checksumThatHolds(file.subarray(begin, offset), sent.tlv);
  const body = elements[3];
  const [tag, content] = body?.kind === 'list' ? body.items : [];
  if (tag?.kind !== 'unsigned' || content === undefined) {
    throw new SmlError('sml.malformed', 'a message without a body');
  }
  // End of message. A meter that leaves it out is understood all the same: the next message begins with a list.
  const end = file[sent.end] === 0 ? sent.end + 1 : sent.end;
  return { message: { tag: Number(tag.value), content, checksum }, end };
}

function checksumThatHolds(checked: Uint8Array, sent: Tlv): Checksum {
  if (sent.kind !== 'unsigned' || sent.value > 0xffffn) {
    throw new SmlError('sml.malformed', 'a message without a checksum');
  }
  const value = Number(sent.value);
  const x25 = crc16X25(checked);
  if (value === (((x25 & 0xff) << 8) | (x25 >> 8))) return 'x25';
  if (value === crc16Kermit(checked)) return 'kermit';
  throw new SmlError('sml.message_checksum', 'the checksum of a message in it is wrong');
}
