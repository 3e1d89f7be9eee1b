import type { Log, MeterSample } from '../../../hal/contract/index.ts';
import { decodeEntry, openJournalReader } from '../../journal/index.ts';
import { historyOfReading, type RecallHistory } from '../../metering/index.ts';

/** How far back a start looks for the last reading of each meter; ten meters read each second stand in the last ten. */
const LOOK_BACK_ENTRIES = 2_000;
const CHUNK = 100;

interface LastReading {
  readonly reading: MeterSample;
  readonly bootCount: number;
}

/**
 * The last wholly good reading of each meter in the journal, so that a total that fell while the service was not running is noticed by
 * the first sample. Walks back until `meters` of them are found, at most 2,000 entries. Entries are decoded, not verified:
 * what they say only ever makes a new value suspect, never good.
 */
export function recallTotals(
  {
    directory,
    bootCount,
    log,
  }: { readonly directory: string; readonly bootCount: number; readonly log: Log },
  meters: number,
): RecallHistory {
  let last: ReadonlyMap<string, LastReading>;
  try {
    last = lastReadings(directory, meters);
  } catch (error) {
    // Readings go on without it: the first sample of each meter is then believed as it comes.
    log('warning', 'journal.recall_failed', { error });
    return () => undefined;
  }
  return ({ meterSerial, profileId }, rules) => {
    const found = last.get(meterKey({ meterSerial, profileId }));
    return found && historyOfReading(found.reading, rules, found.bootCount === bootCount);
  };
}

function lastReadings(directory: string, meters: number): ReadonlyMap<string, LastReading> {
  const last = new Map<string, LastReading>();
  const reader = openJournalReader(directory);
  try {
    const oldest = Math.max(0, reader.size - LOOK_BACK_ENTRIES);
    for (let to = reader.size; to > oldest && last.size < meters; to -= CHUNK) {
      const newestFirst = [...reader.entries(Math.max(oldest, to - CHUNK), to)].reverse();
      for (const { kind, cose } of newestFirst) {
        if (kind !== 'reading') continue;
        const { entry } = decodeEntry(cose);
        if (entry.kind !== 'reading' || last.has(meterKey(entry.body))) continue;
        // One that was doubted says nothing; the totals that made it doubtful stand further back.
        if (entry.body.values.some(({ quality }) => quality !== 'G')) continue;
        last.set(meterKey(entry.body), { reading: entry.body, bootCount: entry.bootCount });
      }
    }
    return last;
  } finally {
    reader.close();
  }
}

function meterKey({ meterSerial, profileId }: Pick<MeterSample, 'meterSerial' | 'profileId'>): string {
  return JSON.stringify([profileId, meterSerial]);
}
