import type { MeterSample } from '../../hal/contract/index.ts';
import type { EntryOf, JournalEntry } from '../journal/index.ts';
import type { ReadEntry } from './entry-checks.ts';

/** The entries, when every one of them is signed by the station; otherwise none: what is not signed is not said. */
export function believed(entries: readonly ReadEntry[]): readonly JournalEntry[] {
  if (entries.some(({ entry, why }) => entry === undefined || why !== undefined)) return [];
  return entries.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
}

/** The begin or the end of a charging session. */
export type SessionEntry = EntryOf<'session-begin'> | EntryOf<'session-end'>;

export function isSessionEntry(entry: JournalEntry): entry is SessionEntry {
  return entry.kind === 'session-begin' || entry.kind === 'session-end';
}

/** What the meter showed, for the kinds of entry that say so. */
export function sampleOf(entry: JournalEntry): MeterSample | undefined {
  switch (entry.kind) {
    case 'reading':
      return entry.body;
    case 'session-begin':
    case 'session-end':
      return entry.body.reading;
    case 'boot':
    case 'meter-swap':
    case 'clock-step':
    case 'config':
    case 'gap':
    case 'tariff':
    case 'fault':
    case 'command':
      return undefined;
  }
}

/** Serial numbers are a maker's own, so a meter is its profile and its serial number. */
export function sameMeter(a: MeterSample, b: MeterSample): boolean {
  return a.meterSerial === b.meterSerial && a.profileId === b.profileId;
}
