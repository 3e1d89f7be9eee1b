import type { StreamProtocol } from '../../contract/index.ts';
import { receiverOf, type Telegram, type TelegramReceiver } from './telegram-receiver.ts';

export interface HeardTelegram {
  readonly telegram: Telegram;
  /** When its first byte arrived; where that cannot be told any more, an earlier time, never a later one. */
  readonly beginMonoMs: number;
  readonly endMonoMs: number;
}

/**
 * A pause as long as this between two bytes ends a telegram (IEC 62056-21 §6.4.3.3: at most 1,500 ms within a message; SML
 * and P1 meters send without any): halves of two telegrams are never joined over a silence.
 */
const LONGEST_PAUSE_MS = 1_500;

const NO_PARITY =
  'it has no checksum and came without parity: open the port with 8 data bits and parity none, so that parity is seen';

/** Telegrams with the times of their first and last byte. Any split of the stream gives the same telegrams. Pure: time is given. */
export class TelegramWatch {
  readonly #receiver: TelegramReceiver;
  readonly #beginning: Beginning;
  readonly #one = new Uint8Array(1);
  #lastByteAt = -Infinity;

  constructor(protocol: StreamProtocol) {
    this.#receiver = receiverOf(protocol);
    this.#beginning = protocol === 'sml' ? new SmlBeginning() : new TextBeginning();
  }

  hear(bytes: Uint8Array, arrivedMonoMs: number): HeardTelegram[] {
    const heard: HeardTelegram[] = [];
    if (arrivedMonoMs - this.#lastByteAt > LONGEST_PAUSE_MS) heard.push(...this.interrupt());
    this.#lastByteAt = arrivedMonoMs;
    for (const byte of bytes) {
      this.#beginning.before(byte, arrivedMonoMs);
      this.#one[0] = byte;
      const ended = this.#receiver.push(this.#one);
      for (const telegram of ended) heard.push(this.#judged(telegram, arrivedMonoMs));
      this.#beginning.after(byte, ended);
    }
    return heard;
  }

  /** What comes next does not continue what came before. */
  interrupt(): HeardTelegram[] {
    const heard = this.#receiver.end().map((telegram) => this.#judged(telegram, this.#lastByteAt));
    this.#beginning.forget();
    return heard;
  }

  /**
   * Telegrams of DSMR 2.2 and 3.0 and of mode D have no checksum. Then parity is what protects each character, and it must
   * have been there to see.
   */
  #judged(telegram: Telegram, endMonoMs: number): HeardTelegram {
    const unprotected = telegram.ok && !telegram.checked && !this.#beginning.parityWasSeen;
    return {
      telegram: unprotected ? { ...telegram, ok: false, why: NO_PARITY, values: [] } : telegram,
      beginMonoMs: this.#beginning.atMonoMs ?? endMonoMs,
      endMonoMs,
    };
  }
}

/** Remembers when the telegram in progress began; what it does not know it says too early, never too late. */
abstract class Beginning {
  parityWasSeen = false;
  /** The first mark of a beginning since the last telegram; since any byte after it at the earliest. */
  protected first: number | undefined;
  #sinceGood: number | undefined;

  get atMonoMs(): number | undefined {
    return this.first ?? this.#sinceGood;
  }

  before(byte: number, now: number): void {
    this.#sinceGood ??= now;
    this.look(byte, now);
  }

  after(byte: number, ended: readonly Telegram[]): void {
    if (ended.some(({ ok }) => ok)) this.forget();
    else if (ended.length > 0) this.first = this.begunNow();
    this.endByte(byte);
  }

  forget(): void {
    this.first = undefined;
    this.#sinceGood = undefined;
    this.parityWasSeen = false;
  }

  protected abstract look(byte: number, now: number): void;
  protected abstract endByte(byte: number): void;
  /** After a telegram was refused: when the one began that has shown itself with this byte, if one has. */
  protected abstract begunNow(): number | undefined;
}

const SML_START = [0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x01, 0x01, 0x01];

class SmlBeginning extends Beginning {
  readonly #recent: { readonly byte: number; readonly at: number }[] = [];
  #now: number | undefined;

  protected look(byte: number, at: number): void {
    this.#recent.push({ byte, at });
    if (this.#recent.length > SML_START.length) this.#recent.shift();
    const isStart =
      byte === 0x01 &&
      this.#recent.length === SML_START.length &&
      this.#recent.every((one, i) => one.byte === SML_START[i]);
    this.#now = isStart ? this.#recent[0]?.at : undefined;
    this.first ??= this.#now;
  }

  protected endByte(): void {}

  protected begunNow(): number | undefined {
    return this.#now;
  }
}

const SLASH = 0x2f;
const LF = 0x0a;

/** P1 and IEC 62056-21: a slash begins a telegram; a cut one is noticed at the end of the next one's first line. */
class TextBeginning extends Beginning {
  #inThisLine: number | undefined;

  protected look(byte: number, at: number): void {
    if ((byte & 0x7f) === SLASH && this.#inThisLine === undefined) {
      this.#inThisLine = at;
      if (this.first === undefined) this.parityWasSeen = false;
      this.first ??= at;
    }
    if (byte > 0x7f) this.parityWasSeen = true;
  }

  protected endByte(byte: number): void {
    if ((byte & 0x7f) === LF) this.#inThisLine = undefined;
  }

  protected begunNow(): number | undefined {
    return this.#inThisLine;
  }

  override forget(): void {
    super.forget();
    this.#inThisLine = undefined;
  }
}
