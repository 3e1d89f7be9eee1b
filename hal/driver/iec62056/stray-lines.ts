import { isDataLine } from './data-line.ts';

/** Longer lines outside of a telegram are noise. */
const MAX_LINE_CHARACTERS = 256;

/**
 * Watches what arrives outside of any telegram. Noise is passed over in silence; data lines there are the rest of a
 * telegram whose beginning was lost, and that is worth a word.
 */
export class StrayLines {
  #line = '';
  #dataLines = 0;
  #silenced = false;

  push(character: number): void {
    if (character === 0x0a) this.endLine();
    else if (this.#line.length <= MAX_LINE_CHARACTERS) this.#line += String.fromCharCode(character);
  }

  pushText(text: string): void {
    for (let i = 0; i < text.length; i++) this.push(text.charCodeAt(i));
  }

  endLine(): void {
    const line = this.#line.replace(/\r+$/, '');
    if (line.length < MAX_LINE_CHARACTERS && isDataLine(line)) this.#dataLines++;
    this.#line = '';
  }

  /** What follows belongs to a telegram that was already refused: it is not to be reported twice. */
  silence(): void {
    this.#silenced = true;
    this.#line = '';
  }

  get hasDataLines(): boolean {
    return this.#dataLines > 0;
  }

  /** True when there were data lines since the last call. */
  takeReport(): boolean {
    this.endLine();
    const report = this.#dataLines > 0 && !this.#silenced;
    this.#dataLines = 0;
    this.#silenced = false;
    return report;
  }
}
