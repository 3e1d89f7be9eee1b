export const TIME_SOURCES = ['kernel', 'chrony', 'timesyncd'] as const;
export type TimeSourceName = (typeof TIME_SOURCES)[number];

/** Whether a leap second is announced for the end of the UTC day, is being repeated now, or has just been. */
export type LeapState = 'none' | 'insert' | 'delete' | 'in-progress' | 'done';

/** What a source said about the wall clock, at one moment. */
export interface TimeReading {
  readonly source: TimeSourceName;
  /** Steered towards UTC by an outside reference: not by the station's own clock, and not by hand. */
  readonly synchronised: boolean;
  /** The most by which the source says the wall clock may be wrong, in ms; null where it does not say. */
  readonly maxErrorMs: number | null;
  readonly leap: LeapState;
  /** Looked at for what it is, by a person: `leap not synchronised`, `reference 192.0.2.1, stratum 2`. */
  readonly detail: string;
}

/**
 * Asks one source. Resolves with what it said, or undefined when it does not run here or said nothing that can be believed;
 * never rejects, and ends within a few seconds.
 */
export type AskTime = () => Promise<TimeReading | undefined>;
