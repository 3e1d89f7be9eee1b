import { InvariantError, StationError } from '../../../hal/contract/index.ts';
import type { ResponseError, ResponsePart } from '../../remote/index.ts';
import type { Reply } from '../../telemetry/index.ts';
import type { Destination } from './destination.ts';
import { MAX_RESULT_BYTES, type Answer } from './handler.ts';
import type { ReplyRoom } from './reply-room.ts';

export interface CommandAnswerParts {
  readonly request: string;
  readonly operator: string;
  readonly destination: Destination;
  readonly replies: ReplyRoom;
  readonly signal: AbortSignal;
  /** False: part 0 says that nothing but the challenge spoke for the command's freshness. */
  readonly isExpiryJudged: boolean;
}

/** The parts of one answer, in order; after the last one nothing is sent any more. */
export class CommandAnswer implements Answer {
  readonly #parts: CommandAnswerParts;
  #next = 0;
  #isOver = false;

  constructor(parts: CommandAnswerParts) {
    this.#parts = parts;
  }

  get request(): string {
    return this.#parts.request;
  }

  get operator(): string {
    return this.#parts.operator;
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  part(result: object): Promise<void> {
    return this.#send(false, { ok: true, result }, this.signal);
  }

  /** The last part. */
  end(result: object): Promise<void> {
    return this.#send(true, { ok: true, result }, this.signal);
  }

  /** The last part: it has come to nothing. @param signal until when room for it is waited for */
  fail(error: unknown, signal: AbortSignal): Promise<void> {
    return this.#send(true, { ok: false, error: responseError(error) }, signal);
  }

  async #send(last: boolean, body: Body, signal: AbortSignal): Promise<void> {
    if (this.#isOver) throw new InvariantError('a part behind the last one');
    const { request, destination, replies, isExpiryJudged } = this.#parts;
    const isFirst = this.#next === 0;
    const head = { request, part: this.#next, last, ...(isFirst && !isExpiryJudged && UNJUDGED) };
    // Numbered before anything is waited for: parts are in the order of the calls.
    const reply = replyOf({ ...head, ...body }, destination);
    this.#next++;
    this.#isOver = last;
    await replies.send(reply, signal);
  }
}

const UNJUDGED = { expiry: 'unjudged' } as const;

type Body =
  { readonly ok: true; readonly result: object } | { readonly ok: false; readonly error: ResponseError };

/** @throws RangeError when its result is larger than a part may hold */
export function replyOf(part: ResponsePart, { topic, correlationData }: Destination): Reply {
  const payload = Buffer.from(JSON.stringify(part));
  if (part.ok && payload.length > MAX_RESULT_BYTES + AROUND_RESULT_BYTES)
    throw new RangeError(`a part of an answer of ${payload.length} bytes`);
  return {
    ...{ topic, payload },
    properties: {
      contentType: 'application/json',
      ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
    },
  };
}

const AROUND_RESULT_BYTES = 256;
const MAX_MESSAGE_CHARACTERS = 1_000;

/** Details of what nobody foresaw are in the log only. */
export function responseError(error: unknown): ResponseError {
  if (!(error instanceof StationError))
    return { code: 'internal', message: 'it came to nothing; the log of the station says why', hint: null };
  const { code, message, hint } = error;
  return {
    code,
    message: message.slice(0, MAX_MESSAGE_CHARACTERS),
    hint: hint?.slice(0, MAX_MESSAGE_CHARACTERS) ?? null,
  };
}
