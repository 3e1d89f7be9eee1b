import { MeterError, type Line } from '../../contract/index.ts';
import { saysUnreachable } from './exception.ts';
import { FRAMINGS, framingOf, type FramingName } from './framing.ts';
import type { ReadAnswer, ReadRequest } from './pdu.ts';

/** What came back when a unit was asked anything at all. */
export type UnitPresence =
  /** Registers, or a refusal of its own: somebody with that unit id understood the question. */
  | { readonly kind: 'answers' }
  | { readonly kind: 'silent' }
  /** Bytes that make no answer: another baud rate or parity, or two devices with one unit id. */
  | { readonly kind: 'noise'; readonly seen: string };

export interface UnitQuestion {
  readonly line: Line;
  readonly unitId: number;
  readonly responseTimeoutMs: number;
  /** Given by the line's kind unless told. */
  readonly framing?: FramingName;
  /** Called with the unit id of a late answer to an earlier question: that unit is there, and slower than the time-out. */
  readonly onLate?: (unitId: number) => void;
}

/** Two registers at 0: most meters have them, and those that do not answer with an exception. */
const QUESTION = { table: 'holding', registerAddress: 0, registerCount: 2 } as const;

/**
 * Asks once whether there is a unit, with one request and no repetition. A gateway that says that it cannot reach the unit
 * (exceptions 10 and 11) is silence.
 * @throws MeterError `line.open_failed`, `line.queue_full`: the line cannot be used, whomever one asks.
 */
export async function askUnit(question: UnitQuestion): Promise<UnitPresence> {
  const { line, unitId, responseTimeoutMs, onLate } = question;
  const framing = FRAMINGS[question.framing ?? framingOf(line.kind)];
  const request: ReadRequest = { ...QUESTION, unitId };
  try {
    const { answer } = await line.exchange<ReadAnswer>({
      peer: String(unitId),
      priority: 'diagnostic',
      request: (sequence) => framing.encode(request, sequence),
      receive: (received, sequence) => {
        const reception = framing.receive(received, request, sequence);
        if (reception.kind === 'discard' && reception.from !== undefined) onLate?.(Number(reception.from));
        return reception;
      },
      answerKey: framing.answerKey(request),
      answerBytes: framing.answerBytes(request),
      responseTimeoutMs,
      attempts: 1,
    });
    const isNobody = answer.kind === 'exception' && saysUnreachable(answer.code);
    return { kind: isNobody ? 'silent' : 'answers' };
  } catch (error) {
    if (!(error instanceof MeterError)) throw error;
    return presenceAfter(error);
  }
}

/** Some gateways end the connection when they are asked for a unit that they do not have. */
function presenceAfter(error: MeterError): UnitPresence {
  switch (error.code) {
    case 'meter.timeout':
    case 'meter.quarantined':
    case 'line.closed':
      return { kind: 'silent' };
    case 'meter.bad_frame':
      return { kind: 'noise', seen: String(error.details['seen']) };
    case 'meter.exception':
    case 'meter.incompatible':
      return { kind: 'answers' };
    case 'line.open_failed':
    case 'line.queue_full':
      throw error;
  }
}
