import { unreachable, type DecodedTelegram } from '../../contract/index.ts';
import { crc16Kermit, crc16X25 } from './crc16.ts';
import { SmlError, type SmlErrorCode } from './errors.ts';
import { takeApart, type Frame } from './frame.ts';
import { decodeListResponse, NAMING_OBJECTS, type ListResponse, type SmlValue } from './list-response.ts';
import { decodeMessages, GET_LIST_RESPONSE, OPEN_RESPONSE, type Checksum, type Message } from './message.ts';
import { MAX_FILL_BYTES, mayUseKermit } from './quirks.ts';
import { serialOf } from './server-id.ts';
import type { SmlTime } from './time.ts';

/** A decoded telegram with what SML adds to the contract; `code` says why it was refused, null when it was not. */
export interface SmlTelegram extends DecodedTelegram {
  readonly code: SmlErrorCode | null;
  readonly values: readonly SmlValue[];
  /** The meter's clock when it made the list of values, null where it does not say. */
  readonly sensorTime: SmlTime | null;
}

/**
 * Judges one whole frame and reads its values. Every check must hold, of the frame and of each message in it, before one
 * value is passed on.
 * @param raw from the start sequence to the CRC, as it was on the wire.
 */
export function decodeFrame(raw: Uint8Array): SmlTelegram {
  try {
    return acceptedTelegram(takeApart(raw));
  } catch (error) {
    if (error instanceof SmlError) return refused(error.code, error.message);
    throw error;
  }
}

export function refused(code: SmlErrorCode, why: string): SmlTelegram {
  return { ok: false, why, code, meter: { serial: null }, values: [], sensorTime: null };
}

function acceptedTelegram(frame: Frame): SmlTelegram {
  const frameChecksum = checksumThatHolds(frame);
  const messages = decodeMessages(withoutFill(frame));
  const responses = messages
    .filter(({ tag }) => tag === GET_LIST_RESPONSE)
    .map(({ content }) => decodeListResponse(content));
  const serverId = serverIdOf(messages, responses);
  refuseUnlessKnownToUse([frameChecksum, ...messages.map(({ checksum }) => checksum)], serverId);
  return {
    ok: true,
    why: null,
    code: null,
    meter: { serial: serialIn(serverId, responses) },
    values: responses.flatMap(({ values }) => values),
    sensorTime: responses.find(({ sensorTime }) => sensorTime !== null)?.sensorTime ?? null,
  };
}

function checksumThatHolds({ checked, checksum: [first, second] }: Frame): Checksum {
  const x25 = crc16X25(checked);
  if (first === (x25 & 0xff) && second === x25 >> 8) return 'x25';
  if (((first << 8) | second) === crc16Kermit(checked)) return 'kermit';
  throw new SmlError(
    'sml.checksum',
    `its checksum is wrong: ${hex16(first | (second << 8))} was sent, its bytes give ${hex16(x25)}${sevenBits(checked)}`,
  );
}

/** Real telegrams are full of bytes above 7f; none at all has one usual reason, which is worth saying. */
function sevenBits(checked: Uint8Array): string {
  const hint = '; no byte has its top bit set, as when a line is read with seven data bits';
  return checked.every((byte) => byte < 0x80) ? hint : '';
}

function withoutFill({ content, fillCount }: Frame): Uint8Array {
  const length = content.length - fillCount;
  if (fillCount > MAX_FILL_BYTES || length < 0) {
    throw new SmlError('sml.malformed', `${fillCount} fill bytes, where 0 to 3 are possible`);
  }
  if (content.subarray(length).some((byte) => byte !== 0)) {
    throw new SmlError('sml.malformed', 'fill bytes that are not zero');
  }
  return content.subarray(0, length);
}

/** A checksum of the other kind counts only where the meter is known for it; see HOLLEY_KERMIT in `quirks.ts`. */
function refuseUnlessKnownToUse(checksums: readonly Checksum[], serverId: Uint8Array | undefined): void {
  const [frame, ...messages] = checksums;
  switch (frame) {
    case 'x25':
      if (messages.every((checksum) => checksum === 'x25')) return;
      if (mayUseKermit(serverId)) return;
      throw new SmlError('sml.message_checksum', 'the checksum of a message in it is of the wrong kind');
    case 'kermit':
      if (messages.every((checksum) => checksum === 'kermit') && mayUseKermit(serverId)) return;
      throw new SmlError('sml.checksum', 'its checksum is of a kind that this meter does not use');
    case undefined:
      return;
    default:
      return unreachable(frame);
  }
}

function serverIdOf(
  messages: readonly Message[],
  responses: readonly ListResponse[],
): Uint8Array | undefined {
  const ofList = responses.find(({ serverId }) => serverId !== undefined)?.serverId;
  if (ofList !== undefined) return ofList;
  // SML_PublicOpen.Res: codepage, clientId, reqFileId, serverId, refTime, smlVersion
  const open = messages.find(({ tag }) => tag === OPEN_RESPONSE)?.content;
  const serverId = open?.kind === 'list' ? open.items[3] : undefined;
  return serverId?.kind === 'octets' ? serverId.bytes : undefined;
}

function serialIn(serverId: Uint8Array | undefined, responses: readonly ListResponse[]): string | null {
  const candidates = [
    serverId,
    ...responses.flatMap(({ names }) => NAMING_OBJECTS.map((obis) => names.get(obis))),
  ];
  for (const candidate of candidates) {
    const serial = candidate === undefined ? null : serialOf(candidate);
    if (serial !== null) return serial;
  }
  return null;
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
