import type { ResponseError, ResponsePart } from '../../remote/index.ts';

/** Parts that came before their turn; beyond, they are left, and what is missing shows by silence. */
const MAX_HELD = 256;
const MAX_HELD_BYTES = 4 * 1024 * 1024;
/** A station's part is 16 KiB at most, and a receipt of 16 MiB has a thousand; what is beyond is nobody's answer. */
const MAX_PART_BYTES = 20 * 1024;
const MAX_PARTS = 2_048;
/** Of a code, as it is printed and compared. */
const CODE = /^[a-z][a-z0-9_.-]{0,63}$/i;

/**
 * Puts the messages of one answer in order, whatever was doubled, swapped, or put in by somebody else. The first message of
 * each number counts. Pure; nothing that comes makes it throw.
 */
export class PartCollector {
  readonly #request: string;
  readonly #held = new Map<number, { readonly part: ResponsePart; readonly bytes: number }>();
  #heldBytes = 0;
  #next = 0;
  #isOver = false;
  #isReplayed = false;
  #left = 0;

  /** @param request nonce of the command, hexadecimal */
  constructor(request: string) {
    this.#request = request;
  }

  /** Takes what came; the parts whose turn it is now, in order. */
  take(payload: Uint8Array): readonly ResponsePart[] {
    const part = payload.length > MAX_PART_BYTES ? undefined : readPart(payload);
    if (part === undefined || part.request !== this.#request) {
      this.#left++;
      return [];
    }
    if (!part.ok && part.error.code === 'remote.replayed') {
      // Of a command that is signed once, that says only that a copy came as well: the answer is still to come.
      this.#isReplayed = true;
      return [];
    }
    if (this.#isOver || part.part < this.#next || this.#held.has(part.part)) return [];
    const isNext = part.part === this.#next;
    const isTooMuch = this.#held.size >= MAX_HELD || this.#heldBytes + payload.length > MAX_HELD_BYTES;
    if (!isNext && isTooMuch) return [];
    this.#held.set(part.part, { part, bytes: payload.length });
    this.#heldBytes += payload.length;
    return this.#ready();
  }

  /** The last part was given out. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The station had obeyed the same command before this copy of it. */
  get isReplayed(): boolean {
    return this.#isReplayed;
  }

  /** The number of the part that is awaited, and whether later ones have come already. */
  get missing(): { readonly part: number; readonly laterOnes: boolean } {
    return { part: this.#next, laterOnes: this.#held.size > 0 };
  }

  /** Messages that are no part of this answer. */
  get left(): number {
    return this.#left;
  }

  #ready(): ResponsePart[] {
    const ready: ResponsePart[] = [];
    for (let one = this.#held.get(this.#next); one !== undefined; one = this.#held.get(this.#next)) {
      this.#held.delete(this.#next);
      this.#heldBytes -= one.bytes;
      this.#next++;
      ready.push(one.part);
      if (!one.part.last) continue;
      this.#isOver = true;
      this.#held.clear();
    }
    return ready;
  }
}

/** Undefined: it is no part of any answer. */
export function readPart(payload: Uint8Array): ResponsePart | undefined {
  const said = readObject(payload);
  if (said === undefined) return undefined;
  const { request, part, last, ok, result, error, expiry } = said;
  if (typeof request !== 'string' || typeof last !== 'boolean') return undefined;
  if (typeof part !== 'number' || !Number.isSafeInteger(part) || part < 0 || part >= MAX_PARTS)
    return undefined;
  const head = {
    ...{ request, part, last },
    ...(expiry === 'unjudged' && { expiry: 'unjudged' as const }),
  };
  if (ok === true && isObject(result)) return { ...head, ok, result };
  const told = ok === false ? readError(error) : undefined;
  // Nothing comes behind a refusal.
  return told && { ...head, last: true, ok: false, error: told };
}

function readError(error: unknown): ResponseError | undefined {
  if (!isObject(error)) return undefined;
  const { code, message, hint, stationTimeMs, challenge } = error;
  if (typeof code !== 'string' || !CODE.test(code) || typeof message !== 'string') return undefined;
  return {
    ...{ code, message: oneLine(message), hint: typeof hint === 'string' ? oneLine(hint) : null },
    ...(Number.isSafeInteger(stationTimeMs) && { stationTimeMs: stationTimeMs as number }),
    ...(typeof challenge === 'string' && /^[0-9a-f]{32}$/.test(challenge) && { challenge }),
  };
}

/** As much as a station says of an error. */
const MAX_CHARACTERS = 1_000;

/** What stands in a line of ours: a line end in it would let a stranger write lines that look like ours. */
export function oneLine(text: string): string {
  return text.slice(0, MAX_CHARACTERS).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd');
}

/** A JSON object in UTF-8, or undefined. */
export function readObject(payload: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
