import { ByteBuffer } from './byte-buffer.ts';
import { isDataLine } from './data-line.ts';
import {
  isRequest,
  MAX_IDENTIFICATION_CHARACTERS,
  messageStartIn,
  parseIdentification,
  type Identification,
} from './identification.ts';
import { StrayLines } from './stray-lines.ts';
import {
  decodeBlock,
  decodePushed,
  refusedTelegram,
  type Iec62056RefusalCode,
  type Iec62056Telegram,
} from './telegram.ts';

/** What a line said, in the order in which it came to an end. */
export type Received =
  | { readonly kind: 'identification'; readonly identification: Identification }
  | { readonly kind: 'telegram'; readonly telegram: Iec62056Telegram };

/** Largest telegram: a full readout with the billing periods of two years has about 20 KiB. */
export const MAX_TELEGRAM_BYTES = 65_536;

const SOH = 0x01;
const STX = 0x02;
const ETX = 0x03;
const ACK = 0x06;
const LF = 0x0a;
const CR = 0x0d;
const SLASH = 0x2f;
/** Commands of the programming mode (SOH … ETX BCC) are the reader's and short; longer ones are noise. */
const MAX_COMMAND_BYTES = 256;
/** `ACK V Z Y CR LF`. */
const ACKNOWLEDGEMENT_BYTES = 6;

type State =
  | 'outside'
  | 'header' // after a slash
  | 'identified' // after an identification: STX, an acknowledgement, or the empty line of mode D
  | 'acknowledgement'
  | 'command'
  | 'commandCheck'
  | 'block' // after STX
  | 'blockCheck' // after ETX
  | 'lines' // data without a block check
  | 'ended'; // after the end of such data: an ETX now would mean that its STX was lost

/** Finds the messages in a stream of bytes. Decides on seven bits; the eighth is judged when a telegram is whole. */
export class Framing {
  #state: State = 'outside';
  #received: Received[] = [];
  readonly #stray = new StrayLines();
  #header: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
  readonly #headerBuffer = new ByteBuffer(MAX_IDENTIFICATION_CHARACTERS + 2);
  readonly #data = new ByteBuffer(MAX_TELEGRAM_BYTES);
  #lineStart = 0;
  #dataLines = 0;
  #emptyLine = false;
  #stx = 0;
  #inData = false;
  #previous = 0;
  /** Bytes of an acknowledgement or a command so far. */
  #count = 0;

  take(): Received[] {
    const received = this.#received;
    this.#received = [];
    return received;
  }

  push(byte: number): void {
    const character = byte & 0x7f;
    switch (this.#state) {
      case 'outside':
        this.#pushOutside(byte, character);
        break;
      case 'header':
        this.#pushHeader(byte, character);
        break;
      case 'identified':
        this.#pushIdentified(byte, character);
        break;
      case 'acknowledgement':
        this.#pushAcknowledgement(byte, character);
        break;
      case 'command':
        this.#pushCommand(byte, character);
        break;
      case 'commandCheck':
        this.#state = 'outside';
        break;
      case 'block':
        this.#pushBlock(byte, character);
        break;
      case 'blockCheck':
        this.#finishBlock(byte);
        break;
      case 'lines':
        this.#pushLines(byte, character);
        break;
      case 'ended':
        this.#finishPushed(character === ETX);
        if (character !== ETX) this.push(byte);
        break;
    }
    this.#previous = character;
  }

  end(): void {
    switch (this.#state) {
      case 'header':
        this.#stray.pushText(this.#headerBuffer.text());
        break;
      case 'identified':
        this.#refuse('iec62056.cut', 'it ends after its identification');
        break;
      case 'block':
      case 'blockCheck':
        this.#refuse('iec62056.cut', 'it ends in the middle: its block check did not arrive');
        break;
      case 'lines':
        if (this.#data.text(this.#lineStart).trim() === '!') this.#finishPushed(false);
        else this.#refuse('iec62056.cut', 'it ends in the middle: the ! of its end did not arrive');
        break;
      case 'ended':
        this.#finishPushed(false);
        break;
      default:
    }
    this.#reportStray();
    this.#leave();
  }

  #pushOutside(byte: number, character: number): void {
    if (character === SLASH) return this.#startHeader(byte);
    if (character === STX) return this.#startBlock(byte, new Uint8Array(0), this.#stray.hasDataLines);
    if (character === SOH) return this.#startCommand();
    this.#stray.push(character);
  }

  #startHeader(byte: number): void {
    this.#state = 'header';
    this.#headerBuffer.clear();
    this.#headerBuffer.push(byte);
  }

  #pushHeader(byte: number, character: number): void {
    if (character === LF) {
      this.#headerBuffer.push(byte);
      return this.#endHeader();
    }
    const control = character < 0x20 && character !== CR;
    if (!control && character !== SLASH && this.#headerBuffer.push(byte)) return;
    this.#stray.pushText(this.#headerBuffer.text());
    this.#state = 'outside';
    this.#pushOutside(byte, character);
  }

  #endHeader(): void {
    const text = this.#headerBuffer.text();
    const line = text.replace(/\r*\n$/, '');
    const identification = parseIdentification(line);
    if (identification === null) {
      if (!isRequest(line)) this.#stray.pushText(text);
      this.#state = 'outside';
      return;
    }
    this.#reportStray();
    this.#header = this.#headerBuffer.slice();
    this.#emptyLine = false;
    this.#data.clear();
    this.#received.push({ kind: 'identification', identification });
    this.#state = 'identified';
  }

  #pushIdentified(byte: number, character: number): void {
    if (character === STX) return this.#startBlock(byte, this.#header);
    if (character === SLASH) {
      this.#refuse('iec62056.cut', 'it ends after its identification');
      return this.#startHeader(byte);
    }
    if (character === ACK) {
      this.#count = 1;
      this.#state = 'acknowledgement';
      return;
    }
    if (character === SOH) return this.#startCommand();
    // Kept: in a push every character between its first line and its end has to be in order.
    if (!this.#data.push(byte)) return this.#overflow();
    if (character === LF) {
      // A lone LF after a CR LF is a damaged STX (one bit apart), not the empty line of mode D.
      const withReturns = this.#header.length > 1 && ((this.#header.at(-2) ?? 0) & 0x7f) === CR;
      if (!withReturns || this.#previous === CR) this.#startLines(true);
    } else if (character >= 0x20) {
      this.#startLines(false);
    }
  }

  #pushAcknowledgement(byte: number, character: number): void {
    this.#count++;
    if (character === LF) {
      this.#state = 'identified';
    } else if (this.#count === 4 && character === 0x31) {
      // `ACK 0 Z 1`: the reader goes to the programming mode, no readout follows.
      this.#leave();
    } else if (this.#count >= ACKNOWLEDGEMENT_BYTES || character < 0x0a) {
      this.#state = 'identified';
      this.#pushIdentified(byte, character);
    }
  }

  #startCommand(): void {
    this.#count = 0;
    this.#state = 'command';
  }

  #pushCommand(byte: number, character: number): void {
    if (character === ETX) {
      this.#state = 'commandCheck';
    } else if (character === SLASH) {
      this.#startHeader(byte);
    } else if (++this.#count > MAX_COMMAND_BYTES || character === LF) {
      this.#state = 'outside';
    }
  }

  /**
   * `inData`: the STX stands among data, where a damaged character may look like one. What follows it may fit its block
   * check by chance (one in 128) and is not believed.
   */
  #startBlock(stx: number, header: Uint8Array, inData = false): void {
    this.#stx = stx;
    this.#inData = inData;
    this.#header = header;
    this.#startData('block');
    this.#data.clear();
  }

  #startLines(emptyLine: boolean): void {
    this.#emptyLine = emptyLine;
    this.#startData('lines');
    this.#lineStart = this.#data.length - (emptyLine ? 0 : 1);
  }

  #startData(state: 'block' | 'lines'): void {
    this.#lineStart = 0;
    this.#dataLines = 0;
    this.#state = state;
  }

  #pushBlock(byte: number, character: number): void {
    if (character === STX) {
      this.#refuse('iec62056.cut', 'it ends in the middle: another block begins before its end');
      return this.#startBlock(byte, new Uint8Array(0), true);
    }
    if (!this.#data.push(byte)) return this.#overflow();
    if (character === ETX) this.#state = 'blockCheck';
    else if (character === LF) this.#endLine();
  }

  #finishBlock(blockCheck: number): void {
    if (this.#inData) {
      this.#refuse('iec62056.cut', 'it has no beginning: only a part of it was received');
    } else {
      const block = { header: this.#header, stx: this.#stx, data: this.#data.slice(), blockCheck };
      this.#emit(decodeBlock(block));
    }
    this.#leave();
  }

  #pushLines(byte: number, character: number): void {
    if (character === STX && this.#dataLines === 0) {
      // What came in between was noise of the change of rate.
      return this.#startBlock(byte, this.#header);
    }
    if (character === STX) {
      this.#refuse('iec62056.cut', 'it ends in the middle: another block begins before its end');
      return this.#startBlock(byte, new Uint8Array(0), true);
    }
    if (character === ETX) {
      this.#refuse('iec62056.cut', 'its block check cannot be computed: the STX before its data was lost');
      return this.#leave(true);
    }
    if (!this.#data.push(byte)) return this.#overflow();
    if (character === LF) this.#endLine();
  }

  /** A line of data is whole: is it the telegram's end, or the beginning of the next telegram? */
  #endLine(): void {
    const line = this.#data.text(this.#lineStart).replace(/\r*\n$/, '');
    const messageStart = messageStartIn(line);
    if (messageStart >= 0) return this.#startAgain(line, messageStart);
    if (isDataLine(line)) this.#dataLines++;
    this.#lineStart = this.#data.length;
    if (this.#state === 'lines' && line === '!') {
      if (this.#emptyLine) this.#finishPushed(false);
      else this.#state = 'ended';
    }
  }

  #startAgain(line: string, messageStart: number): void {
    const header = this.#data.slice(this.#lineStart + messageStart);
    if (this.#state === 'lines' && line.slice(0, messageStart).trim() === '!') this.#finishPushed(false);
    else this.#refuse('iec62056.cut', 'it ends in the middle: the next one begins before its end');
    this.#headerBuffer.clear();
    for (const byte of header) this.#headerBuffer.push(byte);
    this.#endHeader();
  }

  #finishPushed(blockCheckFollows: boolean): void {
    if (blockCheckFollows)
      this.#refuse('iec62056.cut', 'its block check cannot be computed: the STX before its data was lost');
    else this.#emit(decodePushed(this.#header, this.#data.slice()));
    this.#leave(blockCheckFollows);
  }

  #overflow(): void {
    this.#refuse('iec62056.too_long', `it has more than ${MAX_TELEGRAM_BYTES} bytes`);
    this.#leave(true);
  }

  /** `rest`: what is left of the message is still to come, and is not to be reported as another one. */
  #leave(rest = false): void {
    this.#state = 'outside';
    this.#header = new Uint8Array(0);
    this.#data.clear();
    if (rest) this.#stray.silence();
  }

  #emit(telegram: Iec62056Telegram): void {
    this.#reportStray();
    this.#received.push({ kind: 'telegram', telegram });
    if (!telegram.ok) this.#stray.silence();
  }

  /** A block without identification and without a single data line was noise: a stray STX. */
  #refuse(code: Iec62056RefusalCode, why: string): void {
    const partial = this.#state === 'block' && isDataLine(this.#data.text(this.#lineStart).trim());
    if (this.#header.length === 0 && this.#dataLines === 0 && !partial) return;
    const line = Buffer.from(this.#header.map((byte) => byte & 0x7f))
      .toString('ascii')
      .trimEnd();
    this.#emit(refusedTelegram(code, why, line === '' ? null : line.slice(1)));
  }

  #reportStray(): void {
    if (!this.#stray.takeReport()) return;
    const telegram = refusedTelegram('iec62056.cut', 'it has no beginning: only a part of it was received');
    this.#received.push({ kind: 'telegram', telegram });
  }
}
