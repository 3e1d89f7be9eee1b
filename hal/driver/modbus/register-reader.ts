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

type ReadTarget = Omit<ReadRequest, 'unitId'>;

/** Reads registers of one unit over a line, and makes sure that the answer is the answer to this request. */
export class RegisterReader {
  readonly #line: Line;
  readonly #unitId: number;
  readonly #link: ProfileLink;
  readonly #framing: Framing;
  /** The last answer, for recognising its duplicate. */
  #last: { readonly key: string; readonly request: string; readonly registers: Uint8Array } | undefined;

  constructor(line: Line, unitId: number, link: ProfileLink, framing: FramingName) {
    this.#line = line;
    this.#unitId = unitId;
    this.#link = link;
    this.#framing = FRAMINGS[framing];
  }

  /**
   * An answer that equals, byte for byte, the one before to another request of the same shape may be a second copy of it:
   * such an answer counts only when it comes again.
   * @throws MeterError
   */
  async read(target: ReadTarget, priority: ReadPriority): Promise<Registers> {
    const request = { ...target, unitId: this.#unitId };
    const key = this.#framing.answerKey(request);
    const name = Buffer.from(encodeReadPdu(request)).toString('latin1');
    let result = await this.#exchange(request, priority);
    const last = this.#last;
    if (
      key !== undefined &&
      last?.key === key &&
      last.request !== name &&
      same(last.registers, result.registers)
    ) {
      const { sentMonoMs } = result;
      result = { ...(await this.#exchange(request, priority)), sentMonoMs };
    }
    if (key !== undefined) this.#last = { key, request: name, registers: result.registers };
    return result;
  }

  async #exchange(request: ReadRequest, priority: ReadPriority): Promise<Registers> {
    for (let retries = 0; ; retries++) {
      const { answer, sentMonoMs, receivedMonoMs } = await this.#once(request, priority, retries > 0);
      if (answer.kind === 'registers') return { registers: answer.registers, sentMonoMs, receivedMonoMs };
      if (!saysLater(answer.code) || retries >= BUSY_RETRIES) {
        throw exceptionError(answer.code, { line: this.#line.id, ...request });
      }
    }
  }

  #once(request: ReadRequest, priority: ReadPriority, afterBusy: boolean) {
    const framing = this.#framing;
    const answerBytes = framing.answerBytes(request);
    const answerKey = framing.answerKey(request);
    const turnaroundMs = Math.max(this.#link.turnaroundMs ?? 0, afterBusy ? BUSY_PAUSE_MS : 0);
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

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
