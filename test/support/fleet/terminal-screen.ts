/**
 * A terminal as far as `delmonicos top` uses one, and no further: any other control is an error, so that a text that steers
 * the terminal is found wherever it gets through.
 */
export class TerminalScreen {
  readonly #rows = new Map<number, string[]>();
  #row = 1;
  #column = 1;
  #left = '';
  isAlternate = false;
  hasCursor = true;
  wraps = true;
  /** Everything that came, as it came. */
  bytes = '';

  write(text: string): void {
    this.bytes += text;
    let left = this.#left + text;
    this.#left = '';
    while (left !== '') {
      if (left.startsWith('\u001b')) {
        const sequence = /^\u001b\[([?0-9;]*)([A-Za-z])/.exec(left);
        if (sequence === null && left.length < 12) {
          this.#left = left;
          return;
        }
        const [whole, numbers = '', letter = ''] = sequence ?? [left.slice(0, 12)];
        this.#control(numbers, letter, whole);
        left = left.slice(whole.length);
        continue;
      }
      const [character = ''] = left;
      this.#print(character);
      left = left.slice(character.length);
    }
  }

  /** What is on the screen, line by line. */
  lines(): string[] {
    const last = Math.max(0, ...this.#rows.keys());
    return Array.from({ length: last }, (_, i) => (this.#rows.get(i + 1) ?? []).join('').trimEnd());
  }

  text(): string {
    return this.lines().join('\n');
  }

  #print(character: string): void {
    // Before and after its screen the program writes lines.
    if (character === '\n' || character === '\r') {
      if (this.isAlternate) throw new Error('a line end on the screen');
      this.#row += character === '\n' ? 1 : 0;
      this.#column = 1;
      return;
    }
    if (/\p{Cc}/u.test(character)) throw new Error(`a control on the screen: ${JSON.stringify(character)}`);
    const cells = this.#rows.get(this.#row) ?? [];
    for (let at = cells.length; at < this.#column - 1; at++) cells.push(' ');
    cells[this.#column - 1] = character;
    this.#rows.set(this.#row, cells);
    this.#column++;
  }

  #control(numbers: string, letter: string, whole: string): void {
    switch (`${numbers.startsWith('?') ? numbers : ''}${letter}`) {
      case '?1049h':
        this.isAlternate = true;
        return this.#rows.clear();
      case '?1049l':
        this.isAlternate = false;
        return this.#rows.clear();
      case '?25h':
      case '?25l':
        this.hasCursor = letter === 'h';
        return;
      case '?7h':
      case '?7l':
        this.wraps = letter === 'h';
        return;
      case 'H':
        [this.#row = 1, this.#column = 1] = numbers.split(';').map(Number);
        return;
      case 'J':
        for (const row of this.#rows.keys()) if (numbers === '2' || row >= this.#row) this.#rows.delete(row);
        return;
      case 'K':
        this.#rows.get(this.#row)?.splice(this.#column - 1);
        return;
      case 'm':
        return;
      default:
        throw new Error(`a control that is not ours: ${JSON.stringify(whole)}`);
    }
  }
}
