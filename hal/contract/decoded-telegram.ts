import type { Decimal } from './decimal.ts';
import type { ObisCode } from './obis.ts';
import type { Quality } from './quality.ts';

/**
 * What one telegram of a meter that sends by itself (SML, DSMR P1, IEC 62056-21) said, or why it was refused. A refused
 * telegram has no values: nothing of a frame whose check failed is passed on.
 */
export interface DecodedTelegram {
  readonly ok: boolean;
  /** Why it was refused, one sentence for people; null when `ok`. */
  readonly why: string | null;
  readonly meter: { readonly serial: string | null };
  /** In the order of the telegram; objects whose value is text, or no value at all, are left out. */
  readonly values: readonly DecodedValue[];
}

export interface DecodedValue {
  /** Full `A-B:C.D.E*F`; where a protocol has objects without a full code, as the meter names them. */
  readonly obis: ObisCode | string;
  readonly value: Decimal;
  /** A contract unit where the meter's unit has one, otherwise the meter's own name of it. */
  readonly unit: string;
  readonly quality: Quality;
}
