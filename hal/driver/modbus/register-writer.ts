import { MeterError, type Line, type ProfileLink, type Reception } from '../../contract/index.ts';
import { crc16 } from './crc16.ts';
import { exceptionError } from './exception.ts';
import type { FramingName } from './framing.ts';

const WRITE_MULTIPLE_REGISTERS = 0x10;
const EXCEPTION = 0x80;
/** Function, address, quantity: what an answer has; an exception has a function and a code. */
const ANSWER_PDU = 5;
const EXCEPTION_PDU = 2;
const MBAP_HEADER = 7;

/** The command may have arrived. */
const UNANSWERED: ReadonlySet<string> = new Set(['meter.timeout', 'meter.bad_frame', 'line.closed']);

type WriteAnswer = { readonly kind: 'written' } | { readonly kind: 'exception'; readonly code: number };

/**
 * Writes one holding register of a unit, for meters that sign when they are told to; nothing else is ever written. Sent once:
 * after a time-out nobody knows whether the meter has signed, and a second command would have it sign twice.
 */
export class RegisterWriter {
  readonly #line: Line;
  readonly #unitId: number;
  readonly #link: ProfileLink;
  readonly #framing: FramingName;

  constructor(line: Line, unitId: number, link: ProfileLink, framing: FramingName) {
    this.#line = line;
    this.#unitId = unitId;
    this.#link = link;
    this.#framing = framing;
  }

  /**
   * Write multiple registers with one of them (Modbus application protocol V1.1b3 §6.12): meters have it where they lack
   * function 6.
   * @throws MeterError with effect `unknown` when no answer came
   */
  async write(registerAddress: number, value: number, responseTimeoutMs: number): Promise<void> {
    const pdu = writePdu(registerAddress, value);
    const { answer } = await this.#send(registerAddress, pdu, responseTimeoutMs);
    if (answer.kind === 'exception') {
      const about = { unitId: this.#unitId, table: 'holding' as const, registerAddress, registerCount: 1 };
      throw exceptionError(answer.code, { line: this.#line.id, ...about });
    }
  }

  async #send(registerAddress: number, pdu: Uint8Array, responseTimeoutMs: number) {
    try {
      return await this.#exchange(registerAddress, pdu, responseTimeoutMs);
    } catch (error) {
      if (!(error instanceof MeterError) || !UNANSWERED.has(error.code)) throw error;
      const { details } = error;
      throw new MeterError(error.code, error.message, { effect: 'unknown', details, cause: error });
    }
  }

  #exchange(registerAddress: number, pdu: Uint8Array, responseTimeoutMs: number) {
    return this.#line.exchange<WriteAnswer>({
      peer: String(this.#unitId),
      priority: 'billing',
      request: (sequence) => frame(this.#framing, this.#unitId, pdu, sequence),
      receive: (received, sequence) => this.#receive(received, pdu, sequence),
      answerKey: `${this.#unitId}/${WRITE_MULTIPLE_REGISTERS}/${registerAddress}`,
      answerBytes: ANSWER_PDU + (this.#framing === 'mbap' ? MBAP_HEADER : 3),
      responseTimeoutMs,
      turnaroundMs: this.#link.turnaroundMs ?? 0,
      attempts: 1,
    });
  }

  #receive(received: Uint8Array, request: Uint8Array, sequence: number): Reception<WriteAnswer> {
    return this.#framing === 'mbap'
      ? receiveMbap(received, this.#unitId, request, sequence)
      : receiveRtu(received, this.#unitId, request);
  }
}

/** Function, address, one register, two bytes, the value. */
function writePdu(registerAddress: number, value: number): Uint8Array {
  const word = (content: number): number[] => [content >>> 8, content & 0xff];
  return Uint8Array.of(WRITE_MULTIPLE_REGISTERS, ...word(registerAddress), 0, 1, 2, ...word(value));
}

function frame(framing: FramingName, unitId: number, pdu: Uint8Array, sequence: number): Uint8Array {
  if (framing === 'mbap') {
    return Uint8Array.of(sequence >>> 8, sequence & 0xff, 0, 0, 0, pdu.length + 1, unitId, ...pdu);
  }
  const bytes = Uint8Array.of(unitId, ...pdu, 0, 0);
  const crc = crc16(bytes, 0, pdu.length + 1);
  bytes.set([crc & 0xff, crc >>> 8], pdu.length + 1);
  return bytes;
}

/** As for reads, the answer is looked for by what is known of it, wherever it stands in the input. */
function receiveRtu(received: Uint8Array, unitId: number, request: Uint8Array): Reception<WriteAnswer> {
  for (let at = 0; at < received.length; at++) {
    if (received[at] !== unitId) continue;
    for (const length of [ANSWER_PDU, EXCEPTION_PDU]) {
      const end = at + 1 + length + 2;
      const answer = meaning(received.subarray(at + 1, at + 1 + length), request);
      if (answer === undefined || end > received.length || !crcHolds(received, at, end)) continue;
      return { kind: 'answer', answer, byteCount: end, ...(answer.kind === 'exception' && NAMES_NOTHING) };
    }
  }
  const seen = `${received.length} bytes that are no answer to a write`;
  return received.length < 1 + ANSWER_PDU + 2 ? { kind: 'incomplete' } : { kind: 'damaged', seen };
}

const NAMES_NOTHING = { refusal: 'names nothing' } as const;

function crcHolds(bytes: Uint8Array, from: number, to: number): boolean {
  return crc16(bytes, from, to - 2) === ((bytes[to - 2] ?? 0) | ((bytes[to - 1] ?? 0) << 8));
}

function receiveMbap(
  received: Uint8Array,
  unitId: number,
  request: Uint8Array,
  sequence: number,
): Reception<WriteAnswer> {
  if (received.length < MBAP_HEADER) return { kind: 'incomplete' };
  const word = (at: number): number => ((received[at] ?? 0) << 8) | (received[at + 1] ?? 0);
  const length = word(4);
  if (word(2) !== 0 || length < 3 || length > 254) {
    return { kind: 'damaged', reopen: true, seen: `a header with protocol ${word(2)} and length ${length}` };
  }
  const byteCount = MBAP_HEADER - 1 + length;
  if (received.length < byteCount) return { kind: 'incomplete' };
  if (word(0) !== (sequence & 0xffff)) {
    return { kind: 'discard', byteCount, seen: `an answer to transaction ${word(0)}` };
  }
  const answer = meaning(received.subarray(MBAP_HEADER, byteCount), request);
  if (received[MBAP_HEADER - 1] !== unitId || answer === undefined) {
    return { kind: 'damaged', byteCount, seen: 'an answer to another request' };
  }
  return {
    kind: 'answer',
    answer,
    byteCount,
    ...(answer.kind === 'exception' && { refusal: 'names its request' as const }),
  };
}

/** An answer repeats function, address and quantity of its request. */
function meaning(pdu: Uint8Array, request: Uint8Array): WriteAnswer | undefined {
  const [functionCode, code = 0] = pdu;
  if (pdu.length === EXCEPTION_PDU && functionCode === (WRITE_MULTIPLE_REGISTERS | EXCEPTION)) {
    return { kind: 'exception', code };
  }
  const repeats = pdu.length === ANSWER_PDU && pdu.every((byte, at) => byte === request[at]);
  return repeats ? { kind: 'written' } : undefined;
}
