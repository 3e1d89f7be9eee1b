import type { Line, ProfileLink, ReadPriority } from '../../contract/index.ts';
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
/** Longer than a second copy of an answer stays behind the first. */
const COPY_PAUSE_MS = 150;
/** How long after an answer an equal one is suspected. */
const COPY_WINDOW_MS = 500;

type ReadTarget = Omit<ReadRequest, 'unitId'>;

/** Reads registers of one unit over a line, and makes sure that the answer is the answer to this request. */
export class RegisterReader {
  readonly #line: Line;
  readonly #unitId: number;
  readonly #link: ProfileLink;
  readonly #framing: Framing;
  /** The last answer to each request, for recognising their copies. */
  readonly #recent = new Map<string, { readonly key: string; readonly answer: Registers }>();

  constructor(line: Line, unitId: number, link: ProfileLink, framing: FramingName) {
    this.#line = line;
    this.#unitId = unitId;
    this.#link = link;
    this.#framing = FRAMINGS[framing];
  }

  /**
   * An answer that equals, byte for byte, a recent one to another request of the same shape may be a second copy of that:
   * it counts only when it comes again after a pause in which copies have passed by.
   * @throws MeterError
   */
  async read(target: ReadTarget, priority: ReadPriority): Promise<Registers> {
    const request = { ...target, unitId: this.#unitId };
    const key = this.#framing.answerKey(request);
    const first = await this.#exchange(request, priority, 0);
    if (key === undefined) return first;
    const name = Buffer.from(encodeReadPdu(request)).toString('latin1');
    const answer = this.#mayBeCopy(name, key, first)
      ? { ...(await this.#exchange(request, priority, COPY_PAUSE_MS)), sentMonoMs: first.sentMonoMs }
      : first;
    this.#recent.set(name, { key, answer });
    return answer;
  }

  #mayBeCopy(name: string, key: string, { registers, receivedMonoMs }: Registers): boolean {
    return [...this.#recent].some(
      ([other, { key: otherKey, answer }]) =>
        other !== name &&
        otherKey === key &&
        receivedMonoMs - answer.receivedMonoMs < COPY_WINDOW_MS &&
        Buffer.compare(answer.registers, registers) === 0,
    );
  }

  async #exchange(request: ReadRequest, priority: ReadPriority, pauseMs: number): Promise<Registers> {
    for (let retries = 0; ; retries++) {
      const { answer, sentMonoMs, receivedMonoMs } = await this.#once(
        request,
        priority,
        retries > 0 ? BUSY_PAUSE_MS : pauseMs,
      );
      if (answer.kind === 'registers') return { registers: answer.registers, sentMonoMs, receivedMonoMs };
      if (!saysLater(answer.code) || retries >= BUSY_RETRIES) {
        throw exceptionError(answer.code, { line: this.#line.id, ...request });
      }
    }
  }

  #once(request: ReadRequest, priority: ReadPriority, pauseMs: number) {
    const framing = this.#framing;
    const answerBytes = framing.answerBytes(request);
    const answerKey = framing.answerKey(request);
    const turnaroundMs = Math.max(this.#link.turnaroundMs ?? 0, pauseMs);
    return this.#line.exchange<ReadAnswer>({
      peer: String(this.#unitId),
      priority,
      request: (sequence) => framing.encode(request, sequence),
      receive: (received, sequence) => framing.receive(received, request, sequence),
      ...(answerKey === undefined ? {} : { answerKey }),
      answerBytes,
      responseTimeoutMs: this.#link.responseTimeoutMs + this.#behindGatewayMs(answerBytes),
      turnaroundMs,
    });
  }

  /** Time on a wire that the line cannot see: a gateway's serial side, at the meter's usual baud rate. */
  #behindGatewayMs(answerBytes: number): number {
    return this.#line.kind === 'serial' ? 0 : (answerBytes * 11_000) / this.#link.baudRate;
  }
}
