import { setMaxListeners } from 'node:events';
import {
  InvariantError,
  StationError,
  type EnergyMeter,
  type Log,
  type MeterSample,
  type MonotonicClock,
} from '../../hal/contract/index.ts';
import type { EntryBodies, EntryKind } from '../journal/index.ts';
import type { EvidenceLog } from './evidence-log.ts';
import {
  stepAvailability,
  UNKNOWN_AVAILABILITY,
  type Availability,
  type AvailabilityEffect,
  type AvailabilityEvent,
} from './meter-availability.ts';
import { MeterRemarks } from './meter-remarks.ts';
import type { MeterFacts, MeterStatus } from './meter-status.ts';
import {
  judgeSample,
  type EnergyHistory,
  type Finding,
  type FindingRule,
  type ValueRules,
} from './plausibility.ts';
import { firstSlot, nextSlot } from './schedule.ts';

export interface ScheduledMeter {
  readonly meter: EnergyMeter;
  readonly everyMs: number;
}

/** What the rest of the station may want to show of metering; readings reach it as a view, the journal is the evidence. */
export type MeteringEvent =
  | { readonly type: 'sample'; readonly meterId: string; readonly sample: MeterSample }
  | { readonly type: 'meter-status'; readonly status: MeterStatus };

/** What the journal knows of a meter from before this start; undefined when it has no reading of it. */
export type RecallHistory = (
  meter: Pick<MeterSample, 'meterSerial' | 'profileId'>,
  rules: ValueRules,
) => EnergyHistory | undefined;

export interface MeteringOptions {
  readonly meters: readonly ScheduledMeter[];
  readonly evidence: EvidenceLog;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly onEvent: (event: MeteringEvent) => void;
  /** Asked once per meter, with its first sample. Without it the first sample of a run is believed as it comes. */
  readonly recall?: RecallHistory;
}

export interface Metering {
  status(): MeterStatus[];
  /** What health is judged by, per meter in the order of the configuration; cheap, and always answered. */
  facts(): MeterFacts[];
  /**
   * Reads a meter between its slots, before whatever else waits for its line, and resolves with the sample as it was judged and
   * journaled. Rejects with a `MeterError` when the meter does not answer.
   */
  readNow(meterId: string): Promise<MeterSample>;
  /** Resolves when no read is under way; what was read has been handed to the journal. */
  stop(): Promise<void>;
}

/** Reads every meter on its own grid until stopped. A meter that fails delays no other; nothing here rejects. */
export function startMetering(options: MeteringOptions): Metering {
  const abort = new AbortController();
  // One for each meter that waits for its slot.
  setMaxListeners(0, abort.signal);
  const start = options.clock.nowMonoMs();
  const loops = options.meters.map(({ meter, everyMs }, index) => {
    const first = firstSlot(start, everyMs, index, options.meters.length);
    return new MeterLoop(meter, everyMs, first, options, abort.signal);
  });
  const running = Promise.all(loops.map((loop) => loop.run()));
  return {
    status: () => loops.map((loop) => loop.status()),
    facts: () => loops.map((loop) => loop.facts()),
    readNow: async (meterId) => {
      const loop = loops.find((one) => one.status().meterId === meterId);
      if (loop === undefined) throw new InvariantError(`there is no meter ${meterId}`);
      return await loop.readNow();
    },
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

/** What the totals of one meter look like to whoever goes on from those of another. */
const OF_ANOTHER_METER: ReadonlySet<FindingRule> = new Set([
  'decreased',
  'rose_too_fast',
  'zero_after_total',
]);

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
  /** Its totals are not those of the meter that was identified, and it was asked who it is for that reason. */
  #isDoubted = false;
  #samples = 0;
  #failures = 0;
  #skippedSlots = 0;
  readonly #remarks: MeterRemarks;
  #lastAttemptBeganMonoMs: number | null = null;
  #lastAttemptEndedMonoMs: number | null = null;
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
    this.#remarks = new MeterRemarks(meter.id, ports.log);
  }

  status(): MeterStatus {
    return {
      meterId: this.#meter.id,
      profileId: this.#meter.profileId,
      state: this.#availability.state,
      serial: this.#serial,
      errorCode: 'code' in this.#availability ? this.#availability.code : null,
      samples: this.#samples,
      failures: this.#failures,
      skippedSlots: this.#skippedSlots,
      implausible: this.#remarks.implausible,
      missing: this.#remarks.missing,
      lastSampleMonoMs: this.#lastSampleMonoMs,
    };
  }

  facts(): MeterFacts {
    return {
      meterId: this.#meter.id,
      everyMs: this.#everyMs,
      lastAttemptBeganMonoMs: this.#lastAttemptBeganMonoMs,
      lastAttemptEndedMonoMs: this.#lastAttemptEndedMonoMs,
      lastSampleMonoMs: this.#lastSampleMonoMs,
      state: this.#availability.state,
      errorCode: 'code' in this.#availability ? this.#availability.code : null,
      errorMessage: 'message' in this.#availability ? this.#availability.message : null,
      implausibleNow: this.#remarks.implausibleNow,
      implausibleWhy: this.#remarks.implausibleWhy,
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
      this.#lastAttemptBeganMonoMs = clock.nowMonoMs();
      await this.#read();
      this.#lastAttemptEndedMonoMs = clock.nowMonoMs();
      const { atMonoMs, skipped } = nextSlot(this.#slotMonoMs, this.#everyMs, clock.nowMonoMs());
      this.#slotMonoMs = atMonoMs;
      this.#skippedSlots += skipped;
    }
  }

  async readNow(): Promise<MeterSample> {
    // A meter that was just exchanged is noticed here, not by the next slot.
    await this.#identify();
    const sample = await this.#meter.readSample('billing');
    return this.#accept(sample);
  }

  async #read(): Promise<void> {
    try {
      if (!this.#identified) await this.#identify();
      const sample = await this.#meter.readSample('periodic');
      this.#moveTo({ type: 'answered' });
      this.#accept(sample);
    } catch (error) {
      // The lines are closed under a read that is under way: that says nothing about the meter.
      if (this.#signal.aborted) return;
      this.#identified = false;
      this.#failures++;
      const { code, message } =
        error instanceof StationError
          ? error
          : { code: 'meter.internal', message: "reading failed for a reason that is no meter's" };
      this.#ports.log('warning', 'meter.read_failed', { meter: this.#meter.id, code, error });
      this.#moveTo({ type: 'failed', error: { code, message }, dueMonoMs: this.#slotMonoMs });
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
      const swap = {
        meterId: this.#meter.id,
        profileId: this.#meter.profileId,
        oldSerial: this.#serial,
        newSerial: serial,
      };
      // From here on another meter counts: that is billed by.
      this.#append('meter-swap', swap, 'billing');
    }
    this.#serial = serial;
    this.#identified = true;
  }

  #accept(read: MeterSample): MeterSample {
    const { rules } = this.#meter;
    this.#history ??= this.#ports.recall?.(read, rules ?? new Map());
    const { sample, history, findings } = judgeSample(read, this.#history, rules);
    this.#history = history;
    this.#samples++;
    this.#lastSampleMonoMs = sample.readEndMonoMs;
    this.#remarks.note(sample, findings);
    this.#doubt(findings);
    this.#append('reading', sample, 'sample');
    this.#tell({ type: 'sample', meterId: this.#meter.id, sample });
    return sample;
  }

  /** A meter that was exchanged between two reads fails none: its totals give it away, and the next read asks who it is. Once. */
  #doubt(findings: readonly Finding[]): void {
    const isOdd = findings.some(({ rule }) => OF_ANOTHER_METER.has(rule));
    if (isOdd && !this.#isDoubted) this.#identified = false;
    this.#isDoubted = isOdd;
  }

  /** Whoever shows it is no reason not to read. */
  #tell(event: MeteringEvent): void {
    try {
      this.#ports.onEvent(event);
    } catch (error) {
      this.#ports.log('error', 'meter.event_not_told', { meter: this.#meter.id, error });
    }
  }

  #moveTo(event: AvailabilityEvent): void {
    const before = this.#availability.state;
    const { next, effect } = stepAvailability(this.#availability, event);
    this.#availability = next;
    if (effect?.type === 'raise') this.#raiseSilence(effect);
    if (effect?.type === 'clear') this.#clearSilence(effect);
    if (next.state !== before) this.#tell({ type: 'meter-status', status: this.status() });
  }

  #raiseSilence({ code, failures }: AvailabilityEffect): void {
    this.#ports.log('error', 'meter.silent', { meter: this.#meter.id, code, failures });
    this.#note('fault', {
      code: 'meter.silent',
      message: 'raised',
      facts: [
        { name: 'meter', value: this.#meter.id },
        { name: 'cause', value: code },
      ],
    });
  }

  /** The fault's end, and which readings are missing because of it. */
  #clearSilence({ code, failures, firstDueMonoMs, lastDueMonoMs }: AvailabilityEffect): void {
    this.#ports.log('info', 'meter.answers_again', { meter: this.#meter.id, failures });
    const facts = [{ name: 'meter', value: this.#meter.id }];
    this.#note('fault', { code: 'meter.silent', message: 'cleared', facts });
    this.#note('gap', {
      meterId: this.#meter.id,
      fromMonoMs: Math.floor(firstDueMonoMs),
      toMonoMs: Math.ceil(lastDueMonoMs),
      missing: failures,
      reason: code,
    });
  }

  /**
   * With the readings of the same seconds, in their group: a meter that answers every fourth read would otherwise cost the flash
   * three commits each time, and without the readings around it a silence proves nothing.
   */
  #note<Kind extends EntryKind>(kind: Kind, body: EntryBodies[Kind]): void {
    this.#append(kind, body, 'sample');
  }

  #append<Kind extends EntryKind>(
    kind: Kind,
    body: EntryBodies[Kind],
    durability: 'billing' | 'sample',
  ): void {
    // Not awaited: an entry is acknowledged with its group, and the next read must not wait for that.
    this.#ports.evidence.append(kind, body, durability).catch((error: unknown) => {
      const code = error instanceof StationError ? error.code : 'internal';
      this.#ports.log('error', 'journal.append_failed', { meter: this.#meter.id, kind, code, error });
    });
  }
}
