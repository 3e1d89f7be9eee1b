import type { Decimal } from './decimal.ts';
import type { ObisCode } from './obis.ts';
import type { Quality } from './quality.ts';
import type { Unit } from './unit.ts';

/** One value of a sample. `value` is in `unit`, exact as the meter showed it. */
export interface MeasuredValue {
  readonly obis: ObisCode;
  readonly value: Decimal;
  readonly unit: Unit;
  readonly quality: Quality;
}

/**
 * All values of one reading of one meter. The monotonic times (milliseconds since boot, CLOCK_MONOTONIC) say when the
 * first request was sent and when the last answer had arrived: each value was true at some moment between them.
 */
export interface MeterSample {
  readonly meterSerial: string;
  readonly profileId: string;
  readonly readBeginMonoMs: number;
  readonly readEndMonoMs: number;
  readonly values: readonly MeasuredValue[];
  /** Quantities of the profile for which this meter gave no value now, and why (`N`, `R`, `O`, `F`). */
  readonly missing?: readonly MissingValue[];
}

/** A quantity without a value: absence is never written as a number. */
export interface MissingValue {
  readonly obis: ObisCode;
  readonly unit: Unit;
  readonly quality: Exclude<Quality, 'G'>;
}

export interface MeterIdentity {
  readonly serial: string;
  readonly firmware?: string;
}

/**
 * A meter that can be read. Calls may overlap: the line below puts them in order.
 * `readSample` resolves with values that belong to one pass over the registers, or rejects with a `MeterError`; it never
 * resolves with a value that is late, from another meter, or from another register.
 */
export interface EnergyMeter {
  readonly id: string;
  readonly profileId: string;
  /** Asks the meter who it is; rejects with a `MeterError`. */
  identify(): Promise<MeterIdentity>;
  readSample(priority?: ReadPriority): Promise<MeterSample>;
}

/** Billing reads overtake periodic ones on a shared line; diagnostics (scan, trace) come last. */
export type ReadPriority = 'billing' | 'periodic' | 'diagnostic';
