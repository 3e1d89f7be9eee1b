import { SmlError } from './errors.ts';
import type { Tlv } from './tlv.ts';

/**
 * A meter's own time (SML 1.04 §6.3.1, SML_Time). `secondIndex` counts seconds of operation since some beginning of the
 * meter's own: it says the age of one value against another, never the time of day.
 */
export type SmlTime =
  | { readonly kind: 'secondIndex'; readonly seconds: number }
  /** Seconds since 1970 UTC. */
  | { readonly kind: 'timestamp'; readonly seconds: number }
  /** Seconds since 1970 UTC, with the offsets of local time in minutes. */
  | {
      readonly kind: 'localTimestamp';
      readonly seconds: number;
      readonly localOffsetMinutes: number;
      readonly seasonOffsetMinutes: number;
    };

/** Null where there is no time. @throws SmlError `sml.malformed` */
export function decodeTime(tlv: Tlv | undefined): SmlTime | null {
  if (tlv === undefined || tlv.kind === 'absent') return null;
  // HOLLEY_UNTAGGED_TIME (see `quirks.ts`)
  if (tlv.kind === 'unsigned') return { kind: 'secondIndex', seconds: Number(tlv.value) };
  if (tlv.kind !== 'list') throw notATime();
  const [tag, value] = tlv.items;
  if (tlv.items.length !== 2 || tag?.kind !== 'unsigned') throw notATime();
  // The tag of a local timestamp is 3, but it is the shape of the value that says what there is to read.
  if (value?.kind === 'list') return localTimestamp(value.items);
  if (value?.kind !== 'unsigned') throw notATime();
  return { kind: tag.value === 2n ? 'timestamp' : 'secondIndex', seconds: Number(value.value) };
}

function localTimestamp(items: readonly Tlv[]): SmlTime {
  const [seconds, local, season] = items;
  if (
    items.length !== 3 ||
    seconds?.kind !== 'unsigned' ||
    local?.kind !== 'integer' ||
    season?.kind !== 'integer'
  ) {
    throw notATime();
  }
  return {
    kind: 'localTimestamp',
    seconds: Number(seconds.value),
    localOffsetMinutes: Number(local.value),
    seasonOffsetMinutes: Number(season.value),
  };
}

function notATime(): SmlError {
  return new SmlError('sml.malformed', 'something that is no time stands where a time must be');
}
