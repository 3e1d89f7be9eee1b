import { END_BYTE, ESCAPE_BYTE, lastStart, START } from './frame.ts';
import { decodeFrame, refused, type SmlTelegram } from './telegram.ts';
import type { SmlErrorCode } from './errors.ts';

/**
 * Longest telegram, in bytes on the wire. Basic meters send 200 to 700 bytes every one to four seconds; at 9600 baud this
 * many take 8.5 seconds. What is longer is a start sequence whose end was lost.
 */
export const MAX_TELEGRAM_BYTES = 8192;

const ESCAPE_LENGTH = 4;
const ESCAPE_WORD = 0x1b1b1b1b;
const START_WORD = 0x01010101;
/** Escape and the byte that begins an end, but for the first escape byte. */
const END_WORD = 0x1b1b1b00 | END_BYTE;

type State =
  /** Between telegrams; `tail` while the rest of a telegram that was already refused may still come. */
  | { readonly kind: 'hunting'; readonly tail: boolean }
  /** In a telegram; `run` counts escape bytes in a row. */
  | { readonly kind: 'inside'; run: number }
  /** After an escape, in the four bytes that say what it means. */
  | { readonly kind: 'escaped'; count: number };

/**
 * Cuts telegrams out of a stream of bytes and decodes them. Any split of the stream into chunks gives the same telegrams.
 * Every telegram that began is reported once, in order: decoded, or refused with the reason. After damage it finds the
 * next start sequence, even one that the damage hid. Holds at most one telegram.
 */
export class SmlReceiver {
  readonly #raw = new Uint8Array(MAX_TELEGRAM_BYTES);
  #length = 0;
  #state: State = { kind: 'hunting', tail: false };
  /** The last eight bytes of the stream. */
  #older = 0;
  #newer = 0;

  /** @returns the telegrams that ended within these bytes. */
  push(bytes: Uint8Array): SmlTelegram[] {
    const telegrams: SmlTelegram[] = [];
    for (const byte of bytes) this.#take(byte, telegrams);
    return telegrams;
  }

  /** The stream has ended: a telegram that is still open is refused. The receiver is ready for another stream. */
  end(): SmlTelegram[] {
    const open = this.#state.kind !== 'hunting';
    const length = this.#length;
    this.#hunt(false);
    this.#older = 0;
    this.#newer = 0;
    return open ? [refused('sml.cut', `it is cut: the data end after ${length} bytes of it`)] : [];
  }

  #take(byte: number, telegrams: SmlTelegram[]): void {
    if (this.#length === MAX_TELEGRAM_BYTES) {
      this.#refuse('sml.too_long', `it has no end within ${MAX_TELEGRAM_BYTES} bytes`, telegrams);
    }
    this.#older = (this.#older << 8) | (this.#newer >>> 24);
    this.#newer = (this.#newer << 8) | byte;
    if (this.#state.kind === 'hunting') return this.#huntOn(this.#state.tail, telegrams);
    this.#raw[this.#length++] = byte;
    if (this.#state.kind === 'inside') this.#watchForEscape(this.#state, byte);
    else if (++this.#state.count === ESCAPE_LENGTH) this.#obeyEscape(telegrams);
  }

  #huntOn(tail: boolean, telegrams: SmlTelegram[]): void {
    if (this.#older === ESCAPE_WORD && this.#newer === START_WORD) return this.#begin();
    const isEnd = (this.#older & 0xff) === ESCAPE_BYTE && this.#newer === END_WORD;
    if (!isEnd) return;
    if (!tail) telegrams.push(refused('sml.cut', 'it is cut: its beginning is missing'));
    this.#hunt(false);
  }

  #watchForEscape(state: { run: number }, byte: number): void {
    state.run = byte === ESCAPE_BYTE ? state.run + 1 : 0;
    if (state.run === ESCAPE_LENGTH) this.#state = { kind: 'escaped', count: 0 };
  }

  #obeyEscape(telegrams: SmlTelegram[]): void {
    const meaning = this.#newer;
    if (meaning === ESCAPE_WORD) this.#state = { kind: 'inside', run: 0 };
    else if (meaning >>> 24 === END_BYTE) this.#finish(telegrams);
    else if (meaning === START_WORD) {
      telegrams.push(refused('sml.cut', 'it is cut: the next telegram begins before its end'));
      this.#begin();
    } else {
      const shown = (meaning >>> 0).toString(16).padStart(8, '0');
      this.#refuse('sml.escape', `an escape in it is followed by ${shown}, which means nothing`, telegrams);
    }
  }

  #finish(telegrams: SmlTelegram[]): void {
    const raw = this.#raw.slice(0, this.#length);
    const telegram = decodeFrame(raw);
    this.#hunt(false);
    telegrams.push(telegram);
    if (!telegram.ok) this.#resume(raw, telegrams);
  }

  #refuse(code: SmlErrorCode, why: string, telegrams: SmlTelegram[]): void {
    const raw = this.#raw.slice(0, this.#length);
    this.#hunt(true);
    telegrams.push(refused(code, why));
    this.#resume(raw, telegrams);
  }

  /**
   * A telegram cut right after four escape bytes hides the start of the next one: together they look like escaped data.
   * So in what was refused the last start sequence is tried again. It begins later than the one refused and no start
   * comes after it, so each byte is read twice at most.
   */
  #resume(raw: Uint8Array, telegrams: SmlTelegram[]): void {
    const start = lastStart(raw, 1);
    if (start < 0) return;
    this.#begin();
    for (const byte of raw.subarray(start + START.length)) this.#take(byte, telegrams);
  }

  #begin(): void {
    this.#raw.set(START);
    this.#length = START.length;
    this.#state = { kind: 'inside', run: 0 };
  }

  #hunt(tail: boolean): void {
    this.#length = 0;
    this.#state = { kind: 'hunting', tail };
  }
}
