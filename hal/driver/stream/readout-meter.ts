import {
  unreachable,
  type EnergyMeter,
  type LineListener,
  type ListeningLine,
  type MeterError,
  type MeterIdentity,
  type MeterSample,
  type MonotonicClock,
  type ReadPriority,
} from '../../contract/index.ts';
import {
  startReadout,
  stepReadout,
  type Iec62056Telegram,
  type ReadoutEffect,
  type ReadoutEvent,
  type ReadoutOptions,
} from '../iec62056/index.ts';
import { streamError } from './errors.ts';
import { judgedSerial } from './serial.ts';
import { measuredValues } from './telegram-values.ts';

export interface ReadoutMeterOptions extends Pick<ReadoutOptions, 'deviceAddress' | 'initialBaudRate'> {
  readonly id: string;
  /** Its own: it listens from now on, and nobody else may. */
  readonly line: ListeningLine;
  readonly clock: MonotonicClock;
  /** The only meter that is accepted; where the readout does not tell a serial number, this is the meter's. */
  readonly serial?: string;
}

/** The readout that identified the meter is the sample of the read that follows at once: it takes seconds at 300 baud. */
const FRESH_MS = 1_000;
/** What came while nothing was asked is forgotten; a readout's bytes wait no longer than a step takes. */
const MAX_WAITING_BYTES = 65_536;

/**
 * A meter that is woken up and read out: IEC 62056-21 modes A, B and C. One readout at a time, the sign-on at the lowest rate,
 * the data at the rate that the meter offers. A sample's times are those of the sign-on and of the last byte. Rejects with
 * `meter.timeout`, `meter.bad_frame`, `meter.incompatible`, `line.open_failed`, `line.closed`.
 */
export function createReadoutMeter(options: ReadoutMeterOptions): EnergyMeter {
  return new ReadoutMeter(options);
}

class ReadoutMeter implements EnergyMeter, LineListener {
  readonly id: string;
  readonly profileId = 'iec62056';
  readonly protocol = 'iec62056';
  readonly line: ListeningLine;
  readonly #clock: MonotonicClock;
  readonly #options: ReadoutOptions;
  readonly #onlySerial: string | undefined;
  /** A readout that is under way; all who ask meanwhile get its sample. */
  #running: Promise<MeterSample> | undefined;
  #unread: MeterSample | undefined;
  #serial: string | undefined;
  /** Of the readout under way: bytes that its next step has not seen. */
  #inbox: Uint8Array[] = [];
  #inboxBytes = 0;
  #lastByteAt = 0;
  #listening = false;
  #interruption: MeterError | undefined;
  #wake: () => void = () => {};

  constructor({ id, line, clock, serial, deviceAddress, initialBaudRate }: ReadoutMeterOptions) {
    this.id = id;
    this.line = line;
    this.#clock = clock;
    this.#onlySerial = serial;
    this.#options = {
      // Right for a port with 8 data bits, and without effect on one with 7.
      parityInBytes: true,
      ...(deviceAddress === undefined ? {} : { deviceAddress }),
      ...(initialBaudRate === undefined ? {} : { initialBaudRate }),
    };
    line.listen(this);
  }

  async identify(): Promise<MeterIdentity> {
    const sample = this.#fresh() ?? (await this.#readOut());
    this.#unread = sample;
    this.#serial = sample.meterSerial;
    return { serial: sample.meterSerial };
  }

  async readSample(priority: ReadPriority = 'periodic'): Promise<MeterSample> {
    // A readout that began before the call may hold values that the meter had before it.
    if (priority === 'billing') await this.#running?.catch(() => {});
    const sample = (priority === 'billing' ? undefined : this.#fresh()) ?? (await this.#readOut());
    // Whoever looks for a fault takes nothing from who meters.
    if (priority !== 'diagnostic') this.#unread = undefined;
    const identified = this.#serial;
    if (identified !== undefined && identified !== sample.meterSerial) {
      this.#serial = undefined;
      const found = sample.meterSerial;
      throw streamError('meter.incompatible', this, `another meter answers: ${found}, not ${identified}`, {
        identified,
        found,
      });
    }
    return sample;
  }

  onBytes(bytes: Uint8Array, arrivedMonoMs: number): void {
    if (!this.#listening || this.#inboxBytes + bytes.length > MAX_WAITING_BYTES) return;
    this.#inbox.push(Uint8Array.from(bytes));
    this.#inboxBytes += bytes.length;
    this.#lastByteAt = arrivedMonoMs;
    this.#wake();
  }

  onInterrupted(): void {
    this.#interruption = this.line.trouble ?? streamError('line.closed', this, 'the line was lost');
    this.#wake();
  }

  onClosed(): void {
    this.onInterrupted();
  }

  #fresh(): MeterSample | undefined {
    const unread = this.#unread;
    const since = unread === undefined ? Infinity : this.#clock.nowMonoMs() - unread.readEndMonoMs;
    return since <= FRESH_MS ? unread : undefined;
  }

  #readOut(): Promise<MeterSample> {
    this.#running ??= this.#oneReadout().finally(() => {
      this.#running = undefined;
      this.#listening = false;
    });
    return this.#running;
  }

  async #oneReadout(): Promise<MeterSample> {
    this.#interruption = undefined;
    this.#inbox = [];
    this.#inboxBytes = 0;
    this.#listening = true;
    const readBeginMonoMs = this.#clock.nowMonoMs();
    let step = startReadout(this.#options);
    for (;;) {
      let waitMs: number | undefined;
      for (const effect of step.effects) {
        if (effect.kind === 'done') return this.#sampleOf(effect.telegram, readBeginMonoMs);
        if (effect.kind === 'failed') throw streamError(effect.code, this, effect.why, { seen: effect.why });
        if (effect.kind === 'timer') waitMs = effect.durationMs;
        else await this.#perform(effect);
      }
      step = stepReadout(step.state, await this.#nextEvent(waitMs ?? 0));
    }
  }

  async #perform(effect: Exclude<ReadoutEffect, { kind: 'done' | 'failed' | 'timer' }>): Promise<void> {
    switch (effect.kind) {
      case 'baudRate':
        return this.line.setBaudRate(effect.baudRate);
      case 'send':
        return this.line.send(effect.bytes);
      case 'pause':
        return this.#clock.sleep(effect.durationMs);
      default:
        return unreachable(effect);
    }
  }

  /** Bytes, or that none came for so long. */
  async #nextEvent(waitMs: number): Promise<ReadoutEvent> {
    const enough = new AbortController();
    const heard = new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#inboxBytes === 0 && this.#interruption === undefined) {
      const timer = this.#clock.sleep(waitMs, enough.signal).catch(() => {});
      await Promise.race([heard, timer]);
      enough.abort();
    }
    if (this.#interruption !== undefined) throw this.#interruption;
    if (this.#inboxBytes === 0) return { kind: 'timer' };
    const bytes = Buffer.concat(this.#inbox);
    this.#inbox = [];
    this.#inboxBytes = 0;
    return { kind: 'bytes', bytes };
  }

  #sampleOf(telegram: Iec62056Telegram, readBeginMonoMs: number): MeterSample {
    const { values } = measuredValues(telegram.values);
    const { serial, why } = judgedSerial(telegram.meter.serial, this.#onlySerial);
    if (serial === undefined)
      throw streamError('meter.incompatible', this, `its readout is of no use: ${why}`);
    if (values.length === 0) {
      throw streamError('meter.incompatible', this, 'it has no value that can be stored');
    }
    const readEndMonoMs = this.#lastByteAt;
    return { meterSerial: serial, profileId: this.profileId, readBeginMonoMs, readEndMonoMs, values };
  }
}
