import {
  clockSpanOf,
  formatDecimal,
  spanOf,
  type MeterProfile,
  type ProfileVector,
  type RegisterField,
  type RegisterSpan,
} from '../../contract/index.ts';
import { decodeClock } from './clock-codec.ts';
import { functionCodeOf, type ReadRequest } from './pdu.ts';
import { decodePoint, decodeText } from './register-codec.ts';
import { rtuFraming } from './rtu-framing.ts';

/**
 * What the driver makes of a golden vector's frames, in the notation of `ProfileVector.expect`: every field of the profile
 * that lies within the registers asked for.
 * @throws RangeError when the request or the answer is no valid RTU frame.
 */
export function decodeVector(
  profile: MeterProfile,
  vector: Pick<ProfileVector, 'request' | 'response'>,
): Record<string, string> {
  const request = parseRequest(bytesOf(vector.request, 'request'));
  const response = bytesOf(vector.response, 'response');
  const reception = rtuFraming.receive(response, request, 0);
  if (reception.kind !== 'answer' || reception.byteCount !== response.length) {
    const why = reception.kind === 'answer' ? 'bytes before or behind the frame' : reception.seen;
    throw new RangeError(`the response does not answer the request: ${why ?? 'empty'}`);
  }
  if (reception.answer.kind === 'exception') throw new RangeError('the response is an exception');
  return fieldsIn(profile, request, reception.answer.registers);
}

/** Every field of the profile that lies within the registers of a read, in the notation of `ProfileVector.expect`. Never throws. */
export function fieldsIn(
  profile: MeterProfile,
  request: RegisterSpan,
  registers: Uint8Array,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const point of profile.points) {
    const content = contentOf(spanOf(point), request, registers);
    if (content === undefined) continue;
    const reading = decodePoint(point, content);
    found[point.obis] =
      reading.kind === 'number' ? `${formatDecimal(reading.value)} ${point.unit}` : reading.kind;
  }
  for (const [name, field] of textFieldsOf(profile)) {
    const content = contentOf(spanOf(field), request, registers);
    if (content !== undefined) found[name] = decodeText(field, content) ?? 'absent';
  }
  const { clock } = profile.identity;
  const content = clock && contentOf(clockSpanOf(clock), request, registers);
  if (clock !== undefined && content !== undefined) found['clock'] = decodeClock(clock, content) ?? 'absent';
  return found;
}

function textFieldsOf({ identity, quality = [] }: MeterProfile): [string, RegisterField][] {
  return [
    ...(['serial', 'firmware'] as const).flatMap((name): [string, RegisterField][] => {
      const field = identity[name];
      return field === undefined ? [] : [[name, field]];
    }),
    ...quality.map((rule): [string, RegisterField] => [rule.id, rule]),
  ];
}

function contentOf(
  { table, registerAddress, registerCount }: RegisterSpan,
  request: RegisterSpan,
  registers: Uint8Array,
): Uint8Array | undefined {
  const from = registerAddress - request.registerAddress;
  const to = from + registerCount;
  const inside = table === request.table && from >= 0 && to <= request.registerCount;
  return inside ? registers.subarray(2 * from, 2 * to) : undefined;
}

function parseRequest(frame: Uint8Array): ReadRequest {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length !== 8) throw new RangeError('the request is not a read of 8 bytes');
  const request: ReadRequest = {
    unitId: view.getUint8(0),
    table: view.getUint8(1) === functionCodeOf('holding') ? 'holding' : 'input',
    registerAddress: view.getUint16(2),
    registerCount: view.getUint16(4),
  };
  if (Buffer.compare(rtuFraming.encode(request, 0), frame) !== 0) {
    throw new RangeError('the request is not a read with function 3 or 4, or its CRC is wrong');
  }
  return request;
}

function bytesOf(text: string, what: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^([0-9a-fA-F]{2})+$/.test(digits)) throw new RangeError(`the ${what} is not hexadecimal`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}
