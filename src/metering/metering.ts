import {
  StationError,
  type EnergyMeter,
  type Log,
  type MeterSample,
  type MonotonicClock,
} from '../../hal/contract/index.ts';
import type { EvidenceLog, MeteringRecord } from './evidence-log.ts';
import {
  stepAvailability,
  UNKNOWN_AVAILABILITY,
  type Availability,
  type AvailabilityEvent,
} from './meter-availability.ts';
import { judgeSample, type EnergyHistory } from './plausibility.ts';
import { firstSlot, nextSlot } from './schedule.ts';

export interface ScheduledMeter {
  readonly meter: EnergyMeter;
  readonly everyMs: number;
}

/** What the rest of the station may want to show of metering; readings reach it as a view, the journal is the evidence. */
export type MeteringEvent =
  | { readonly type: 'sample'; readonly meterId: string; readonly sample: MeterSample }
  | { readonly type: 'meter-status'; readonly status: MeterStatus };

export interface MeterStatus {
  readonly meterId: string;
  readonly profileId: string;
  readonly state: Availability['state'];
  /** Last serial number heard, or null before the first answer. */
  readonly serial: string | null;
  /** Stable code of the last failure while it fails, otherwise null. */
  readonly errorCode: string | null;
  readonly samples: number;
  readonly failures: number;
  /** Slots that passed unread because the read before took too long. */
  readonly skippedSlots: number;
  /** Values that were marked as implausible. */
  readonly implausible: number;
  readonly lastSampleMonoMs: number | null;
}

export interface MeteringOptions {
  readonly meters: readonly ScheduledMeter[];
  readonly evidence: EvidenceLog;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly onEvent: (event: MeteringEvent) => void;
}

export interface Metering {
  status(): MeterStatus[];
  /** Resolves when no read is under way; what was read has been handed to the journal. */
  stop(): Promise<void>;
}

/** Reads every meter on its own grid until stopped. A meter that fails delays no other; nothing here rejects. */
export function startMetering(options: MeteringOptions): Metering {
  const abort = new AbortController();
  const start = options.clock.nowMonoMs();
  const loops = options.meters.map(({ meter, everyMs }, index) => {
    const first = firstSlot(start, everyMs, index, options.meters.length);
    return new MeterLoop(meter, everyMs, first, options, abort.signal);
  });
  const running = Promise.all(loops.map((loop) => loop.run()));
  return {
    status: () => loops.map((loop) => loop.status()),
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

class MeterLoop {
  readonly #meter: EnergyMeter;
  readonly #everyMs: number;
  readonly #ports: MeteringOptions;
  readonly #signal: AbortSignal;
  #slotMonoMs: number;
  #availability: Availability = UNKNOWN_AVAILABILITY;
  #history: EnergyHistory | undefined;
  #serial: string | null = null;
  /** Whether the meter on the wire is known to be the one with #serial: not after a failure, it may have been exchanged. */
  #identified = false;
  #samples = 0;
  #failures = 0;
  #skippedSlots = 0;
  #implausible = 0;
  #lastSampleMonoMs: number | null = null;

  constructor(
    meter: EnergyMeter,
    everyMs: number,
    first: number,
    ports: MeteringOptions,
    signal: AbortSignal,
  ) {
    this.#meter = meter;
    this.#everyMs = everyMs;
    this.#slotMonoMs = first;
    this.#ports = ports;
    this.#signal = signal;
  }

  status(): MeterStatus {
    const failing = this.#availability.state === 'failing' || this.#availability.state === 'silent';
    return {
      meterId: this.#meter.id,
      profileId: this.#meter.profileId,
      state: this.#availability.state,
      serial: this.#serial,
      errorCode: failing ? (this.#availability as { code: string }).code : null,
      samples: this.#samples,
      failures: this.#failures,
      skippedSlots: this.#skippedSlots,
      implausible: this.#implausible,
      lastSampleMonoMs: this.#lastSampleMonoMs,
    };
  }

  async run(): Promise<void> {
    const { clock } = this.#ports;
    for (;;) {
      try {
        await clock.sleep(this.#slotMonoMs - clock.nowMonoMs(), this.#signal);
      } catch {
        return;
      }
      if (this.#signal.aborted) return;
      await this.#read();
      const { atMonoMs, skipped } = nextSlot(this.#slotMonoMs, this.#everyMs, clock.nowMonoMs());
      this.#slotMonoMs = atMonoMs;
      this.#skippedSlots += skipped;
    }
  }

  async #read(): Promise<void> {
    try {
      if (!this.#identified) await this.#identify();
      this.#accept(await this.#meter.readSample('periodic'));
      this.#moveTo({ type: 'answered' });
    } catch (error) {
      this.#identified = false;
      this.#failures++;
      const code = error instanceof StationError ? error.code : 'meter.internal';
      this.#ports.log('warning', 'meter.read_failed', { meter: this.#meter.id, code, error });
      this.#moveTo({ type: 'failed', error: { code }, atMonoMs: this.#ports.clock.nowMonoMs() });
    }
  }

  async #identify(): Promise<void> {
    const { serial } = await this.#meter.identify();
    if (this.#serial !== null && this.#serial !== serial) {
      this.#ports.log('warning', 'meter.swapped', {
        meter: this.#meter.id,
        before: this.#serial,
        after: serial,
      });
      this.#record({ kind: 'meter-swap', meterId: this.#meter.id, before: this.#serial, after: serial });
    }
    this.#serial = serial;
    this.#identified = true;
  }

  #accept(read: MeterSample): void {
    const { sample, history, findings } = judgeSample(read, this.#history);
    this.#history = history;
    this.#samples++;
    this.#lastSampleMonoMs = sample.readEndMonoMs;
    this.#implausible += findings.length;
    for (const { obis, rule } of findings) {
      this.#ports.log('warning', 'meter.implausible', { meter: this.#meter.id, code: rule, obis });
    }
    // Not awaited: a sample is acknowledged with its group, seconds later, and the next read must not wait for that.
    this.#ports.evidence.reading(sample).catch((error: unknown) => this.#lost('reading', error));
    this.#ports.onEvent({ type: 'sample', meterId: this.#meter.id, sample });
  }

  #moveTo(event: AvailabilityEvent): void {
    const before = this.#availability.state;
    const { next, effects } = stepAvailability(this.#availability, event);
    this.#availability = next;
    for (const effect of effects) {
      const raised = effect.type === 'raise';
      this.#ports.log(raised ? 'error' : 'info', raised ? 'meter.silent' : 'meter.answers_again', {
        meter: this.#meter.id,
        failures: effect.failures,
      });
      this.#record({
        kind: 'fault',
        code: raised ? effect.code : 'meter.silent',
        state: raised ? 'raised' : 'cleared',
        subject: this.#meter.id,
      });
    }
    if (next.state !== before) this.#ports.onEvent({ type: 'meter-status', status: this.status() });
  }

  #record(record: MeteringRecord): void {
    this.#ports.evidence.event(record).catch((error: unknown) => this.#lost(record.kind, error));
  }

  #lost(kind: string, error: unknown): void {
    const code = error instanceof StationError ? error.code : 'internal';
    this.#ports.log('error', 'journal.append_failed', { meter: this.#meter.id, kind, code, error });
  }
}
