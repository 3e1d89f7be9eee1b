import { setTimeout as sleep } from 'node:timers/promises';
import { openPty, type Pty } from '../../../hal/simulator/index.ts';

/** One telegram and what it says, as the journal must have it. */
export interface PushedTelegram {
  readonly bytes: Uint8Array;
  /** By code, exact text. */
  readonly values: Readonly<Record<string, string>>;
}

export interface PushMeterOptions {
  /** Telegram number n. Numbers are never used twice, so that each value names its telegram. */
  readonly telegram: (n: number) => PushedTelegram;
  readonly everyMs: number;
}

/** What a real line does to telegrams. */
const TROUBLES = [
  'none',
  'noise before',
  'byte by byte',
  'cut',
  'damaged',
  'none',
  'glued to a cut one',
] as const;

/**
 * A meter at the far end of a serial cable that sends by itself and does not listen. Some of its telegrams are cut or
 * damaged on the way; `good` has those that are not, in order.
 */
export class PushMeter {
  readonly good: PushedTelegram[] = [];
  readonly bad: PushedTelegram[] = [];
  /** While set, nothing is sent: the meter has lost its power. */
  silent = false;
  readonly #pty: Pty;
  readonly #options: PushMeterOptions;
  readonly #running: Promise<void>;
  #n = 0;
  #stopped = false;

  private constructor(pty: Pty, options: PushMeterOptions) {
    this.#pty = pty;
    this.#options = options;
    this.#running = this.#run();
  }

  static async start(options: PushMeterOptions): Promise<PushMeter> {
    return new PushMeter(await openPty(), options);
  }

  get path(): string {
    return this.#pty.path;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.#pty.close();
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#stopped; turn++) {
      if (!this.silent) await this.#send(TROUBLES[turn % TROUBLES.length] ?? 'none', turn);
      await sleep(this.#options.everyMs);
    }
  }

  async #send(trouble: (typeof TROUBLES)[number], turn: number): Promise<void> {
    const next = (): PushedTelegram => this.#options.telegram(this.#n++);
    const spot = (bytes: Uint8Array): number => 12 + ((turn * 37) % (bytes.length - 24));
    if (trouble === 'cut' || trouble === 'glued to a cut one') {
      const cut = next();
      this.bad.push(cut);
      this.#pty.write(cut.bytes.subarray(0, spot(cut.bytes)));
      if (trouble === 'cut') return;
    }
    const telegram = next();
    if (trouble === 'damaged') {
      this.bad.push(telegram);
      const at = spot(telegram.bytes);
      this.#pty.write(telegram.bytes.map((byte, i) => (i === at ? byte ^ 0x04 : byte)));
      return;
    }
    if (trouble === 'noise before') this.#pty.write(Uint8Array.of(0x1b, 0x00, 0xff, 0x21, 0x1b, 0x1b, 0x55));
    this.good.push(telegram);
    if (trouble !== 'byte by byte') return this.#pty.write(telegram.bytes);
    for (const byte of telegram.bytes) {
      this.#pty.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
