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
 * All values of one reading of one meter. Nothing in it is older than `readBeginMonoMs`: a quantity that was not read this
 * time (meters are asked for some of them less often) is not in it at all. The monotonic times (milliseconds since boot, CLOCK_MONOTONIC) say when the
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
  /** As the meter itself says them, where a profile is for many models. */
  readonly maker?: string;
  readonly model?: string;
  /** The meter's own clock, `2026-05-01T12:00:00`, in the zone that it was set to; shown, never used for time stamps. */
  readonly clock?: string;
}

/** What is known of a quantity of a meter beforehand, for judging its values. All amounts are in the unit of the value. */
export interface ValueRule {
  /** Whether it never falls; unless told, true for energy. */
  readonly monotonic?: boolean;
  /** Where the counter begins again at 0. */
  readonly rolloverAt?: Decimal;
  /** The most by which the meter can make it rise in an hour. */
  readonly maxRate?: Decimal;
  readonly range?: { readonly min: Decimal; readonly max: Decimal };
  /** What one count of the register is worth. */
  readonly step?: Decimal;
}

/**
 * A meter that can be read. Calls may overlap: the line below puts them in order.
 * `readSample` resolves with values that belong to one pass over the registers, or rejects with a `MeterError`; it never
 * resolves with a value that is late, from another meter, or from another register.
 */
export interface EnergyMeter {
  readonly id: string;
  readonly profileId: string;
  /** What its values can be, by quantity; a quantity without a rule is judged by defaults. */
  readonly rules?: ReadonlyMap<ObisCode, ValueRule>;
  /** Asks the meter who it is; rejects with a `MeterError`. */
  identify(): Promise<MeterIdentity>;
  readSample(priority?: ReadPriority): Promise<MeterSample>;
  /**
   * Of a meter that signs by itself: has it sign the begin or the end of a session, and resolves with what it signed, byte for
   * byte. Rejects with a `MeterError`.
   */
  readSignedRecord?(moment: 'begin' | 'end'): Promise<SignedMeterRecord>;
}

/** What a meter signed, as it came from the meter; nobody has checked it yet. */
export interface SignedMeterRecord {
  /** `OCMF`, or what else the meter signs. */
  readonly format: string;
  /** How `data` holds its bytes. */
  readonly encoding: 'text' | 'hex' | 'base64';
  readonly data: string;
}

/** Billing reads overtake periodic ones on a shared line; diagnostics (scan, trace) come last. */
export type ReadPriority = 'billing' | 'periodic' | 'diagnostic';
