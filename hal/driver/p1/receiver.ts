import { ByteBuffer, messageStartIn, parseIdentification, StrayLines } from '../iec62056/index.ts';
import { decodeP1Telegram, refusedP1Telegram, type P1RefusalCode, type P1Telegram } from './telegram.ts';

/** Takes the bytes of a P1 port as they come; holds no more than one telegram. */
export interface P1Receiver {
  /** The telegrams that ended within these bytes, the refused ones among them, in order. */
  receive(bytes: Uint8Array): P1Telegram[];
  /** No more bytes will come (the end of a capture, a silence on the line): what is unfinished is refused. */
  end(): P1Telegram[];
}

/** Largest telegram: DSMR 5 with a text message of 1,024 characters and four sub-meters has about 5 KiB. */
export const MAX_P1_TELEGRAM_BYTES = 16_384;

const CRC_DIGITS = 4;
const LF = 0x0a;
const CR = 0x0d;
const SLASH = 0x2f;
const EXCLAMATION = 0x21;

export function createP1Receiver(): P1Receiver {
  const framing = new Framing();
  return {
    receive(bytes) {
      for (const byte of bytes) framing.push(byte);
      return framing.take();
    },
    end() {
      framing.end();
      return framing.take();
    },
  };
}

/** Every telegram of a raw capture, in order, with the reason of each one that was refused. */
export function decodeP1Capture(bytes: Uint8Array): P1Telegram[] {
  const receiver = createP1Receiver();
  return [...receiver.receive(bytes), ...receiver.end()];
}

/** Finds the telegrams in a stream of bytes: from a first line `/XXX5…` to a line that begins with `!`. */
class Framing {
  /** `header`: after a slash, until its line is known to be an identification; `crc`: after the `!`. */
  #state: 'outside' | 'header' | 'data' | 'crc' = 'outside';
  #telegrams: P1Telegram[] = [];
  readonly #stray = new StrayLines();
  readonly #telegram = new ByteBuffer(MAX_P1_TELEGRAM_BYTES);
  readonly #encrypted = new EncryptedFrames();
  #lineStart = 0;
  #crc = '';

  take(): P1Telegram[] {
    const telegrams = this.#telegrams;
    this.#telegrams = [];
    return telegrams;
  }

  push(byte: number): void {
    const character = byte & 0x7f;
    switch (this.#state) {
      case 'outside':
        this.#pushOutside(byte, character);
        break;
      case 'header':
      case 'data':
        this.#pushTelegram(byte, character);
        break;
      case 'crc':
        this.#pushCrc(byte, character);
        break;
    }
  }

  end(): void {
    if (this.#state === 'header') this.#stray.pushText(this.#telegram.text());
    if (this.#state === 'data')
      this.#refuse('p1.cut', 'it ends in the middle: the ! of its end did not arrive');
    if (this.#state === 'crc') this.#finish();
    this.#state = 'outside';
    this.#telegram.clear();
    this.#reportStray();
  }

  #pushOutside(byte: number, character: number): void {
    switch (this.#encrypted.push(byte)) {
      case 'no':
        break;
      case 'inside':
        return;
      case 'end':
        return this.#emit(
          refusedP1Telegram(
            'p1.encrypted',
            'it is encrypted (DLMS general-glo-ciphering): its key is not known here',
          ),
        );
    }
    if (character === SLASH) {
      this.#state = 'header';
      this.#telegram.clear();
      this.#telegram.push(byte);
      this.#lineStart = 0;
    } else {
      this.#stray.push(character);
    }
  }

  #pushTelegram(byte: number, character: number): void {
    const atLineStart = this.#telegram.length === this.#lineStart;
    if (!this.#telegram.push(byte)) {
      this.#refuse('p1.too_long', `it has more than ${MAX_P1_TELEGRAM_BYTES} bytes`);
      this.#state = 'outside';
      this.#stray.silence();
    } else if (this.#state === 'data' && character === EXCLAMATION && atLineStart) {
      this.#crc = '';
      this.#state = 'crc';
    } else if (character === LF) {
      this.#endLine();
    }
  }

  /** A line is whole: does the next telegram begin in it although this one has not ended? */
  #endLine(): void {
    const line = this.#telegram.text(this.#lineStart).replace(/\r*\n$/, '');
    const start = messageStartIn(line);
    if (start >= 0 && parseIdentification(line.slice(start)) !== null) {
      const header = this.#telegram.slice(this.#lineStart + start);
      if (this.#state === 'data')
        this.#refuse('p1.cut', 'it ends in the middle: the next one begins before its end');
      else this.#stray.pushText(line.slice(0, start));
      this.#reportStray();
      this.#telegram.clear();
      for (const byte of header) this.#telegram.push(byte);
      this.#state = 'data';
    } else if (this.#state === 'header') {
      this.#stray.pushText(this.#telegram.text());
      this.#state = 'outside';
      return;
    }
    this.#lineStart = this.#telegram.length;
  }

  #pushCrc(byte: number, character: number): void {
    if (character !== CR && character !== LF && character !== SLASH) {
      // A CRC comes with eight bits and no parity: a set eighth bit makes it unreadable.
      this.#crc += String.fromCharCode(byte);
      if (this.#crc.length === CRC_DIGITS) this.#finish();
      return;
    }
    this.#finish();
    if (character === SLASH) this.#pushOutside(byte, character);
  }

  #finish(): void {
    this.#state = 'outside';
    this.#emit(decodeP1Telegram(this.#telegram.slice(), this.#crc));
  }

  #refuse(code: P1RefusalCode, why: string): void {
    const identification = this.#telegram.text().split(/\r*\n/, 1)[0]?.slice(1) ?? null;
    this.#emit(refusedP1Telegram(code, why, identification));
  }

  #emit(telegram: P1Telegram): void {
    this.#reportStray();
    this.#telegrams.push(telegram);
  }

  #reportStray(): void {
    if (!this.#stray.takeReport()) return;
    this.#telegrams.push(refusedP1Telegram('p1.cut', 'it has no beginning: only a part of it was received'));
  }
}

/** Encrypted ports (Luxembourg, Austria): `DB 08 <title> 82 <length> 30 <counter> <ciphertext> <tag>`. */
class EncryptedFrames {
  #seen: number[] = [];
  #remaining = 0;

  push(byte: number): 'no' | 'inside' | 'end' {
    if (this.#remaining > 0) return --this.#remaining === 0 ? 'end' : 'inside';
    if (!this.#fits(this.#seen.length, byte)) this.#seen = [];
    if (!this.#fits(this.#seen.length, byte)) return 'no';
    this.#seen.push(byte);
    if (this.#seen.length < 13) return 'no';
    const [high = 0, low = 0] = this.#seen.slice(11);
    this.#seen = [];
    this.#remaining = high * 256 + low;
    if (this.#remaining > MAX_P1_TELEGRAM_BYTES) this.#remaining = 0;
    return this.#remaining === 0 ? 'no' : 'inside';
  }

  #fits(position: number, byte: number): boolean {
    if (position === 0) return byte === 0xdb;
    if (position === 1) return byte === 0x08;
    if (position <= 4) return byte >= 0x41 && byte <= 0x7a; // the manufacturer's letters
    return position === 10 ? byte === 0x82 : true;
  }
}
