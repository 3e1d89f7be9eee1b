import {
  MeterError,
  type Line,
  type ProfileLink,
  type ReadPriority,
  type Reception,
} from '../../contract/index.ts';
import { exceptionError, saysLater } from './exception.ts';
import { FRAMINGS, type Framing, type FramingName } from './framing.ts';
import { encodeReadPdu, type ReadAnswer, type ReadRequest } from './pdu.ts';

export interface Registers {
  readonly registers: Uint8Array;
  readonly sentMonoMs: number;
  readonly receivedMonoMs: number;
}

/** How often a busy device is asked again, and how long it is left in peace before each time. */
const BUSY_RETRIES = 2;
const BUSY_PAUSE_MS = 150;
/** Longer than a copy, or the slow answer to a request that a copy seemed to answer, stays away. */
const COPY_PAUSE_MS = 600;
const MAY_BE_COPY = 'the same bytes as the answer to another request';

type ReadTarget = Omit<ReadRequest, 'unitId'>;

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
  async read(target: ReadTarget, priority: ReadPriority): Promise<Registers> {
    const request = { ...target, unitId: this.#unitId };
    const result = await this.#unlessBusy(request, priority);
    const key = this.#framing.answerKey(request);
    if (key !== undefined) this.#last.set(nameOf(request), { key, registers: result.registers });
    return result;
  }

  async #unlessBusy(request: ReadRequest, priority: ReadPriority): Promise<Registers> {
    for (let retries = 0; ; retries++) {
      const result = await this.#unlessCopy(request, priority, retries > 0 ? BUSY_PAUSE_MS : 0);
      const { answer, sentMonoMs, receivedMonoMs } = result;
      if (answer.kind === 'registers') return { registers: answer.registers, sentMonoMs, receivedMonoMs };
      if (!saysLater(answer.code) || retries >= BUSY_RETRIES) {
        throw exceptionError(answer.code, { line: this.#line.id, ...request });
      }
    }
  }

  async #unlessCopy(request: ReadRequest, priority: ReadPriority, pauseMs: number) {
    try {
      return await this.#exchange(request, priority, { pauseMs, refuseCopies: true });
    } catch (error) {
      if (!(error instanceof MeterError) || error.details['seen'] !== MAY_BE_COPY) throw error;
      return await this.#exchange(request, priority, { pauseMs: COPY_PAUSE_MS, refuseCopies: false });
    }
  }

  #exchange(request: ReadRequest, priority: ReadPriority, how: { pauseMs: number; refuseCopies: boolean }) {
    const framing = this.#framing;
    const answerBytes = framing.answerBytes(request);
    const answerKey = framing.answerKey(request);
    const others = how.refuseCopies ? this.#lastOthers(nameOf(request), answerKey) : [];
    return this.#line.exchange<ReadAnswer>({
      peer: String(this.#unitId),
      priority,
      request: (sequence) => framing.encode(request, sequence),
      receive: (received, sequence) => refuseCopy(framing.receive(received, request, sequence), others),
      ...(answerKey === undefined ? {} : { answerKey }),
      answerBytes,
      responseTimeoutMs: this.#link.responseTimeoutMs + this.#behindGatewayMs(answerBytes),
      turnaroundMs: Math.max(this.#link.turnaroundMs ?? 0, how.pauseMs),
    });
  }

  /** What a copy would look like. Framings with transaction ids need no such guess. */
  #lastOthers(name: string, answerKey: string | undefined): Uint8Array[] {
    if (answerKey === undefined) return [];
    return [...this.#last].flatMap(([other, { key, registers }]) =>
      other !== name && key === answerKey ? [registers] : [],
    );
  }

  /** Time on a wire that the line cannot see: a gateway's serial side, at the meter's usual baud rate. */
  #behindGatewayMs(answerBytes: number): number {
    return this.#line.kind === 'serial' ? 0 : (answerBytes * 11_000) / this.#link.baudRate;
  }
}

function refuseCopy(reception: Reception<ReadAnswer>, others: readonly Uint8Array[]): Reception<ReadAnswer> {
  if (reception.kind !== 'answer' || reception.answer.kind !== 'registers') return reception;
  const { registers } = reception.answer;
  if (!others.some((other) => Buffer.compare(other, registers) === 0)) return reception;
  return { kind: 'damaged', byteCount: reception.byteCount, seen: MAY_BE_COPY };
}

function nameOf(request: ReadRequest): string {
  return Buffer.from(encodeReadPdu(request)).toString('latin1');
}
