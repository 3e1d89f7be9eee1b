import { Panel, type Key } from '../../fleet/index.ts';
import { paintFor, Terminal } from './terminal.ts';
import type { TopView } from './top-view.ts';

/** At most five drawings a second. */
const DRAW_MS = 200;
/** Ages go on also while nothing comes. */
const TICK_MS = 1_000;

/** The screen, until somebody quits or a signal ends it. The terminal is as it was when this resolves or rejects. */
export async function lookLive(view: TopView): Promise<void> {
  const panel = new Panel(view.fleet, view.station);
  const live = new LiveScreen(view, panel);
  try {
    await live.run();
  } finally {
    live.close();
  }
}

class LiveScreen {
  readonly #view: TopView;
  readonly #panel: Panel;
  readonly #terminal: Terminal;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #tick: NodeJS.Timeout | undefined;
  #drawnAtMs = -Infinity;

  constructor(view: TopView, panel: Panel) {
    this.#view = view;
    this.#panel = panel;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#terminal = new Terminal(process.stdin, process.stdout, paintFor(process.env, true), {
      onKey: (key) => this.#press(key),
      onRedraw: () => this.#drawSoon(),
      onEnd: () => this.#end(),
    });
  }

  async run(): Promise<void> {
    this.#terminal.open();
    this.#view.onHeard(() => this.#drawSoon());
    this.#view.onLink(() => this.#drawSoon());
    this.#tick = setInterval(() => this.#drawSoon(), TICK_MS);
    this.#look();
    this.#drawSoon();
    await this.#ended;
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#tick);
    this.#terminal.close();
  }

  #press(key: Key): void {
    const { feed, nowMs } = this.#view;
    const effect = this.#panel.press(key, this.#terminal.size, feed.link, nowMs());
    if (effect === 'quit') return this.#end();
    if (effect === 'suspend') return this.#terminal.suspend();
    if (effect === 'redraw') this.#terminal.forget();
    this.#look();
    this.#drawSoon();
  }

  #look(): void {
    this.#view.feed.look(this.#panel.station).catch(this.#fail);
  }

  #drawSoon(): void {
    if (this.#timer !== undefined) return;
    const waitMs = Math.max(0, this.#drawnAtMs + DRAW_MS - this.#view.nowMs());
    this.#timer = setTimeout(() => this.#draw(), waitMs);
  }

  #draw(): void {
    this.#timer = undefined;
    const { feed, nowMs } = this.#view;
    this.#drawnAtMs = nowMs();
    try {
      this.#terminal.draw(this.#panel.screen(this.#terminal.size, feed.link, this.#drawnAtMs));
    } catch (error) {
      this.#fail(error);
    }
  }
}
