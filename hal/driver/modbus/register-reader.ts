import {
  MeterError,
  type Line,
  type ProfileLink,
  type ReadPriority,
  type Reception,
} from '../../contract/index.ts';
import { exceptionError, pauseBeforeRetry, saysAnswerMayFollow, saysUnreachable } from './exception.ts';
import { FRAMINGS, type Framed, type Framing, type FramingName } from './framing.ts';
import { encodeReadPdu, type ReadAnswer, type ReadRequest } from './pdu.ts';

export interface Registers {
  readonly registers: Uint8Array;
  readonly sentMonoMs: number;
  readonly receivedMonoMs: number;
}

/** Longer than a copy, or the slow answer to a request that a copy seemed to answer, stays away. */
const COPY_PAUSE_MS = 600;
const MAY_BE_COPY = 'the same bytes as the answer to another request';

type ReadTarget = Omit<ReadRequest, 'unitId'>;

/** For a request that the unit needs longer for than its profile says. */
export interface Patience {
  /** Silence between the unit's last answer and this request. */
  readonly pauseMs?: number;
  readonly responseTimeoutMs?: number;
}

/** Reads registers of one unit over a line, and makes sure that the answer is the answer to this request. */
export class RegisterReader {
  readonly #line: Line;
  readonly #unitId: number;
  readonly #link: ProfileLink;
  readonly #framing: Framing;
  /** The last answer to each request, for recognising copies of it. */
  readonly #last = new Map<string, { readonly key: string; readonly registers: Uint8Array }>();

  constructor(line: Line, unitId: number, link: ProfileLink, framing: FramingName) {
    this.#line = line;
    this.#unitId = unitId;
    this.#link = link;
    this.#framing = FRAMINGS[framing];
  }

  /**
   * Reads the registers of one request.
   *
   * A meter or a gateway may send an answer twice, and then the second copy looks like the answer to the next request. So
   * an answer that equals, byte for byte, the last one to another request of the same shape is refused at first; only
   * when it comes again after a pause in which copies have passed by are the registers really equal.
   * @throws MeterError
   */
  async read(target: ReadTarget, priority: ReadPriority, patience: Patience = {}): Promise<Registers> {
    const request = { ...target, unitId: this.#unitId };
    let pauseMs = patience.pauseMs ?? 0;
    for (let retries = 0; ; retries++) {
      const { answer, sentMonoMs, receivedMonoMs } = await this.#unlessCopy(request, priority, {
        ...patience,
        pauseMs,
      });
      if (answer.kind === 'registers') {
        const { registers } = answer;
        this.#last.set(nameOf(request), { key: this.#framing.answerKey(request), registers });
        return { registers, sentMonoMs, receivedMonoMs };
      }
      const nextPauseMs = pauseBeforeRetry(answer.code, retries);
      if (nextPauseMs === undefined) throw this.#exception(answer.code, request);
      pauseMs = nextPauseMs;
    }
  }

  async #unlessCopy(request: ReadRequest, priority: ReadPriority, patience: Patience & { pauseMs: number }) {
    const name = nameOf(request);
    const answerKey = this.#framing.answerKey(request);
    // Framings with transaction ids need no such guess.
    const others = this.#framing.namesTransaction ? [] : this.#lastOthers(name, answerKey);
    // Registers that were equal the last time will be again: wait at once, instead of after a refusal.
    const own = this.#last.get(name);
    if (own !== undefined && isAmong(others, own.registers))
      return await this.#exchange(request, priority, {
        ...patience,
        pauseMs: Math.max(patience.pauseMs, COPY_PAUSE_MS),
        others: [],
      });
    try {
      return await this.#exchange(request, priority, { ...patience, others });
    } catch (error) {
      if (!(error instanceof MeterError) || error.details['seen'] !== MAY_BE_COPY) throw error;
      return await this.#exchange(request, priority, { ...patience, pauseMs: COPY_PAUSE_MS, others: [] });
    }
  }

  #exchange(
    request: ReadRequest,
    priority: ReadPriority,
    how: Patience & { pauseMs: number; others: Uint8Array[] },
  ) {
    const framing = this.#framing;
    const answerBytes = framing.answerBytes(request);
    return this.#line.exchange<ReadAnswer>({
      peer: String(this.#unitId),
      priority,
      request: (sequence) => framing.encode(request, sequence),
      receive: (received, sequence) =>
        this.#meaning(refuseCopy(framing.receive(received, request, sequence), how.others), request),
      answerKey: framing.answerKey(request),
      answerBytes,
      responseTimeoutMs:
        (how.responseTimeoutMs ?? this.#link.responseTimeoutMs) + this.#behindGatewayMs(answerBytes),
      turnaroundMs: Math.max(this.#link.turnaroundMs ?? 0, how.pauseMs),
    });
  }

  /** What an exception means to the line. */
  #meaning(reception: Framed, request: ReadRequest): Reception<ReadAnswer> {
    if (reception.kind !== 'answer' || reception.answer.kind === 'registers') return reception;
    const { code } = reception.answer;
    const { byteCount } = reception;
    if (saysUnreachable(code))
      return { kind: 'unreachable', byteCount, error: this.#exception(code, request) };
    const refusal = this.#framing.namesTransaction ? 'names its request' : 'names nothing';
    return { ...reception, refusal, moreMayFollow: saysAnswerMayFollow(code) };
  }

  #exception(code: number, request: ReadRequest): MeterError {
    return exceptionError(code, { line: this.#line.id, ...request });
  }

  /** What a copy would look like. */
  #lastOthers(name: string, answerKey: string): Uint8Array[] {
    return [...this.#last].flatMap(([other, { key, registers }]) =>
      other !== name && key === answerKey ? [registers] : [],
    );
  }

  /** Time on a wire that the line cannot see: a gateway's serial side, at the meter's usual baud rate. */
  #behindGatewayMs(answerBytes: number): number {
    return this.#line.kind === 'serial' ? 0 : (answerBytes * 11_000) / this.#link.baudRate;
  }
}

function refuseCopy(reception: Framed, others: readonly Uint8Array[]): Framed {
  if (reception.kind !== 'answer' || reception.answer.kind !== 'registers') return reception;
  const { registers } = reception.answer;
  if (!isAmong(others, registers)) return reception;
  return { kind: 'damaged', byteCount: reception.byteCount, seen: MAY_BE_COPY };
}

function isAmong(others: readonly Uint8Array[], registers: Uint8Array): boolean {
  return others.some((other) => Buffer.compare(other, registers) === 0);
}

function nameOf(request: ReadRequest): string {
  return Buffer.from(encodeReadPdu(request)).toString('latin1');
}
