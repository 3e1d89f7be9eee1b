import type { ReadStream, WriteStream } from 'node:tty';
import { StringDecoder } from 'node:string_decoder';
import { keysOf, painted, type Key, type Line, type Paint, type Size } from '../../fleet/index.ts';

/** Alternate screen, no cursor, and no wrapping: a line that is wider than we believe cannot reach the next. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l';
/** After a lone ESC the rest of a sequence comes within this time, or it was the key. */
const ESCAPE_MS = 50;
/** If nobody has stopped us by then, nobody will: there is no shell that could bring us back. */
const STOP_MS = 100;

export interface TerminalEvents {
  readonly onKey: (key: Key) => void;
  /** Something must be drawn anew: another size, or back from the shell. */
  readonly onRedraw: () => void;
  /** SIGTERM, SIGHUP, SIGINT, or the terminal is gone. */
  readonly onEnd: () => void;
}

/**
 * A terminal in raw mode with a screen of its own. Whatever ends the process but SIGKILL, an exception too, gives the terminal
 * back as it was; so does being stopped, and going on takes it again.
 */
export class Terminal {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #paint: Paint;
  readonly #events: TerminalEvents;
  readonly #decoder = new StringDecoder('utf8');
  #isOwn = false;
  #shown: string[] = [];
  #unfinished = '';
  #escape: NodeJS.Timeout | undefined;
  #stopping: NodeJS.Timeout | undefined;

  constructor(input: ReadStream, output: WriteStream, paint: Paint, events: TerminalEvents) {
    this.#input = input;
    this.#output = output;
    this.#paint = paint;
    this.#events = events;
  }

  open(): void {
    process.on('exit', this.#leave);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, this.#events.onEnd);
    process.on('SIGTSTP', this.suspend);
    process.on('SIGCONT', this.#resume);
    this.#output.on('resize', this.#resized);
    this.#input.on('data', this.#hear);
    this.#input.on('end', this.#events.onEnd);
    this.#input.on('error', this.#events.onEnd);
    this.#enter();
  }

  close(): void {
    clearTimeout(this.#escape);
    clearTimeout(this.#stopping);
    this.#leave();
    process.off('exit', this.#leave);
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.off(signal, this.#events.onEnd);
    process.off('SIGTSTP', this.suspend);
    process.off('SIGCONT', this.#resume);
    this.#output.off('resize', this.#resized);
    this.#input.off('data', this.#hear);
    this.#input.off('end', this.#events.onEnd);
    this.#input.pause();
  }

  get size(): Size {
    return sizeOf(this.#output);
  }

  /** Writes the lines that differ from what is shown, in one piece. */
  draw(lines: readonly Line[]): void {
    if (!this.#isOwn || this.#output.writableNeedDrain) return;
    const { rows } = this.size;
    const shown = lines.slice(0, rows).map((line) => painted(line, this.#paint));
    let bytes = '';
    for (const [row, line] of shown.entries())
      if (this.#shown[row] !== line) bytes += `\u001b[${row + 1};1H${line}\u001b[K`;
    if (shown.length < this.#shown.length) bytes += `\u001b[${shown.length + 1};1H\u001b[J`;
    this.#shown = shown;
    if (bytes !== '') this.#output.write(bytes);
  }

  /** What is on the terminal may be anything: the next drawing writes all of it. */
  forget(): void {
    this.#shown = [];
    if (this.#isOwn) this.#output.write('\u001b[2J');
  }

  /** Gives the terminal to the shell, with the whole group of processes: that of `npx` around us, too. */
  readonly suspend = (): void => {
    if (this.#stopping !== undefined) return;
    this.#leave();
    process.off('SIGTSTP', this.suspend);
    process.kill(0, 'SIGTSTP');
    this.#stopping = setTimeout(this.#resume, STOP_MS);
  };

  readonly #resume = (): void => {
    clearTimeout(this.#stopping);
    this.#stopping = undefined;
    process.off('SIGTSTP', this.suspend);
    process.on('SIGTSTP', this.suspend);
    this.#enter();
    this.#events.onRedraw();
  };

  readonly #resized = (): void => {
    this.forget();
    this.#events.onRedraw();
  };

  readonly #hear = (bytes: Buffer): void => {
    clearTimeout(this.#escape);
    this.#press(this.#unfinished + this.#decoder.write(bytes), false);
    if (this.#unfinished !== '')
      this.#escape = setTimeout(() => this.#press(this.#unfinished, true), ESCAPE_MS);
  };

  #press(input: string, isAll: boolean): void {
    const { keys, rest } = keysOf(input, isAll);
    this.#unfinished = rest;
    for (const key of keys) this.#events.onKey(key);
  }

  #enter(): void {
    // The shell may have changed the mode in between: it is set anew, also where we believe to have it.
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#isOwn = true;
    this.#shown = [];
    this.#output.write(ENTER);
  }

  readonly #leave = (): void => {
    if (!this.#isOwn) return;
    this.#isOwn = false;
    // On Linux what is written to a terminal is written before the call returns: also while the process ends.
    this.#output.write(LEAVE);
    this.#input.setRawMode(false);
  };
}

/** A terminal that does not say how large it is has the size that terminals had. */
export function sizeOf({ columns, rows }: Pick<WriteStream, 'columns' | 'rows'>): Size {
  return { columns: Math.max(20, columns || 80), rows: Math.max(4, rows || 24) };
}

/** What the environment says of colours and characters (no-color.org, locale(7)). */
export function paintFor(environment: NodeJS.ProcessEnv, isTerminal: boolean): Paint {
  const { NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG } = environment;
  const styles = isTerminal && TERM !== 'dumb';
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '') ?? '';
  return {
    styles,
    colour: styles && (NO_COLOR === undefined || NO_COLOR === ''),
    unicode: locale === '' || /utf-?8/i.test(locale),
  };
}
