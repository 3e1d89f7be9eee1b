import type { Availability } from './meter-availability.ts';

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
  /** Quantities of the profile for which the last read had no value. */
  readonly missing: number;
  readonly lastSampleMonoMs: number | null;
}

/** Liveness of one meter's reading, on the monotonic clock; null: not yet since the start. */
export interface MeterFacts {
  readonly meterId: string;
  readonly everyMs: number;
  /** The latest slot whose read was begun, and the latest whose read has ended, whatever came of it; reads between slots do not count. */
  readonly lastAttemptBeganMonoMs: number | null;
  readonly lastAttemptEndedMonoMs: number | null;
  /** End of the last reading that was handed to the journal. */
  readonly lastSampleMonoMs: number | null;
  readonly state: Availability['state'];
  /** Stable code of the last failure while it fails, otherwise null. */
  readonly errorCode: string | null;
  /** What that failure said, for people. */
  readonly errorMessage: string | null;
  /** Values of the last reading of each quantity that were marked as implausible. */
  readonly implausibleNow: number;
  /** The first of them by name, what is wrong with it, and the values, for people; null: there is none. */
  readonly implausibleWhy: string | null;
}
