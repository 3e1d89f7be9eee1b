import {
  type EnergyMeter,
  type LineListener,
  type ListeningLine,
  type MeterError,
  type MeterIdentity,
  type MeterSample,
  type MonotonicClock,
  type ReadPriority,
  type StreamProtocol,
} from '../../contract/index.ts';
import { streamError } from './errors.ts';
import { judgedSerial } from './serial.ts';
import { TelegramWatch, type HeardTelegram } from './telegram-watch.ts';
import { measuredValues } from './telegram-values.ts';

export interface StreamMeterOptions {
  readonly id: string;
  /** Its own: it listens from now on, and nobody else may. */
  readonly line: ListeningLine;
  readonly protocol: StreamProtocol;
  readonly clock: MonotonicClock;
  /** The only meter that is accepted; where the telegrams do not tell a serial number, this is the meter's. */
  readonly serial?: string;
  /** How long a read waits for a telegram; by protocol unless told. */
  readonly telegramTimeoutMs?: number;
}

export interface StreamMeterStatistics {
  readonly telegrams: number;
  readonly refused: number;
  /** Of the newest good telegram: values without a full code or a unit of the contract, of other media, of past periods. */
  readonly leftOut: number;
}

/** SML: a telegram every one to four seconds. DSMR 4 and mode D: every ten, and a second or two for the telegram itself. */
const TELEGRAM_TIMEOUT_MS: Readonly<Record<StreamProtocol, number>> = {
  sml: 6_000,
  p1: 13_000,
  iec62056: 13_000,
};

/**
 * A telegram that nobody has read yet is given to a read that begins up to this long after it was there: otherwise the read
 * after the one that identified the meter would wait for the next telegram, ten seconds on some meters.
 */
const FRESH_MS = 1_000;

/** A meter that sends by itself. */
export interface StreamMeter extends EnergyMeter {
  statistics(): StreamMeterStatistics;
}

/**
 * A meter that sends telegrams by itself: SML, DSMR P1, IEC 62056-21 mode D. A read gets one telegram whole, never parts of two;
 * its times are those of the telegram's first and last byte. Rejects with `meter.timeout` (nothing came), `meter.bad_frame`
 * (bytes came, no good telegram in time), `meter.incompatible` (no serial number, no value, or another meter than the one
 * identified), `line.open_failed`, `line.closed`.
 */
export function createStreamMeter(options: StreamMeterOptions): StreamMeter {
  return new ListeningMeter(options);
}

/** A good telegram from a meter that says who it is. */
interface Usable {
  readonly serial: string;
  readonly sample: MeterSample;
}

interface Waiting {
  readonly resolve: (usable: Usable) => void;
  readonly reject: (error: MeterError) => void;
}

class ListeningMeter implements StreamMeter, LineListener {
  readonly id: string;
  readonly profileId: StreamProtocol;
  readonly protocol: StreamProtocol;
  readonly line: ListeningLine;
  readonly #clock: MonotonicClock;
  readonly #timeoutMs: number;
  readonly #onlySerial: string | undefined;
  readonly #watch: TelegramWatch;
  readonly #waiting = new Set<Waiting>();
  /** The newest good telegram, until it is read. */
  #unread: Usable | undefined;
  /** Of the meter that was identified. */
  #serial: string | undefined;
  #closed = false;
  #bytes = 0;
  #telegrams = 0;
  #refused = 0;
  #unusable = 0;
  #leftOut = 0;
  /** Why the last telegram that was of no use was of none. */
  #why = '';

  constructor({ id, line, protocol, clock, serial, telegramTimeoutMs }: StreamMeterOptions) {
    this.id = id;
    this.profileId = protocol;
    this.protocol = protocol;
    this.line = line;
    this.#clock = clock;
    this.#onlySerial = serial;
    this.#timeoutMs = telegramTimeoutMs ?? TELEGRAM_TIMEOUT_MS[protocol];
    this.#watch = new TelegramWatch(protocol);
    line.listen(this);
  }

  /** Waits for a telegram unless there is a fresh one; it stays unread. */
  async identify(): Promise<MeterIdentity> {
    const { serial } = this.#fresh() ?? (await this.#next());
    this.#serial = serial;
    return { serial };
  }

  /**
   * The telegram that ends next; for others than `billing` also the last one, if it is fresh and was not read yet. After the
   * meter was identified a telegram of another one is no sample: whoever reads must learn of the exchange.
   */
  async readSample(priority: ReadPriority = 'periodic'): Promise<MeterSample> {
    const fresh = priority === 'billing' ? undefined : this.#fresh();
    const { serial, sample } = fresh ?? (await this.#next());
    const identified = this.#serial;
    if (identified !== undefined && identified !== serial) {
      this.#serial = undefined;
      throw streamError('meter.incompatible', this, `another meter sends now: ${serial}, not ${identified}`, {
        identified,
        found: serial,
      });
    }
    // Whoever looks for a fault takes nothing from who meters.
    if (priority !== 'diagnostic' && this.#unread?.sample === sample) this.#unread = undefined;
    return sample;
  }

  statistics(): StreamMeterStatistics {
    return { telegrams: this.#telegrams, refused: this.#refused, leftOut: this.#leftOut };
  }

  onBytes(bytes: Uint8Array, arrivedMonoMs: number): void {
    this.#bytes += bytes.length;
    for (const heard of this.#watch.hear(bytes, arrivedMonoMs)) this.#take(heard);
  }

  onInterrupted(): void {
    for (const heard of this.#watch.interrupt()) this.#take(heard);
  }

  onClosed(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting) reject(this.#closedError());
  }

  #take({ telegram, beginMonoMs, endMonoMs }: HeardTelegram): void {
    if (!telegram.ok) {
      this.#refused++;
      this.#why = telegram.why ?? 'it was refused';
      return;
    }
    this.#telegrams++;
    const { values, leftOut } = measuredValues(telegram.values);
    this.#leftOut = leftOut;
    const judged = judgedSerial(telegram.meter.serial, this.#onlySerial);
    const why = judged.why ?? (values.length === 0 ? 'it has no value that can be stored' : undefined);
    if (judged.serial === undefined || why !== undefined) {
      this.#unusable++;
      this.#why = why ?? '';
      return;
    }
    const { serial } = judged;
    const sample: MeterSample = {
      meterSerial: serial,
      profileId: this.protocol,
      readBeginMonoMs: beginMonoMs,
      readEndMonoMs: endMonoMs,
      values,
    };
    this.#unread = { serial, sample };
    for (const { resolve } of this.#waiting) resolve(this.#unread);
  }

  #fresh(): Usable | undefined {
    const unread = this.#unread;
    const since = unread === undefined ? Infinity : this.#clock.nowMonoMs() - unread.sample.readEndMonoMs;
    return since <= FRESH_MS && !this.#closed ? unread : undefined;
  }

  /** The telegram that ends next. */
  #next(): Promise<Usable> {
    if (this.#closed) return Promise.reject(this.#closedError());
    const before = { bytes: this.#bytes, refused: this.#refused, unusable: this.#unusable };
    const enough = new AbortController();
    return new Promise<Usable>((resolve, reject) => {
      const waiting: Waiting = { resolve, reject };
      this.#waiting.add(waiting);
      this.#clock.sleep(this.#timeoutMs, enough.signal).then(
        () => reject(this.#failure(before)),
        () => {},
      );
      enough.signal.addEventListener('abort', () => this.#waiting.delete(waiting), { once: true });
    }).finally(() => enough.abort());
  }

  /** What was wrong since `before`, by what would help most to know. */
  #failure(before: {
    readonly bytes: number;
    readonly refused: number;
    readonly unusable: number;
  }): MeterError {
    const refused = this.#refused - before.refused;
    const bytes = this.#bytes - before.bytes;
    const timeoutMs = this.#timeoutMs;
    if (this.#unusable > before.unusable) {
      return streamError('meter.incompatible', this, `its telegram is of no use: ${this.#why}`, {
        seen: this.#why,
      });
    }
    if (refused > 0) {
      const why = `${refused} telegrams were refused and none was good; the last: ${this.#why}`;
      return streamError('meter.bad_frame', this, why, { refused, seen: this.#why });
    }
    if (this.line.trouble !== undefined) return this.line.trouble;
    if (bytes > 0) {
      const seen = `${bytes} bytes and no ${this.protocol} telegram`;
      return streamError('meter.bad_frame', this, `${seen} within ${timeoutMs} ms`, { seen });
    }
    return streamError('meter.timeout', this, `no telegram within ${timeoutMs} ms`, { timeoutMs });
  }

  #closedError(): MeterError {
    return this.line.trouble ?? streamError('line.closed', this, 'the line was closed');
  }
}
