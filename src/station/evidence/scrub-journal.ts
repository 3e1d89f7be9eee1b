import { StationError, type Log, type MonotonicClock } from '../../../hal/contract/index.ts';
import { nextScrub, noteDamage, scrubEntries, type FoundDamage, type Journal } from '../../journal/index.ts';

export interface ScrubOptions {
  readonly directory: string;
  readonly journal: Pick<Journal, 'size' | 'root' | 'append'>;
  readonly clock: MonotonicClock;
  /** Uniform in [0, 1): a service that starts often must not always begin with the same entries. */
  readonly random: () => number;
  readonly log: Log;
  /** Called once, with what the next start will put right. */
  readonly onDamage: (error: StationError) => void;
}

/**
 * Fifty entries every ten seconds, in some 25 ms of a core: 432,000 a day, so that a log of a million is read through in less
 * than three days. Damage in old evidence stays unnoticed for so long at most.
 */
const ENTRIES = 50;
const EVERY_MS = 10_000;

export interface Scrub {
  stop(): Promise<void>;
}

/**
 * Reads the journal through in the background, over and over, so that damage in entries that nobody asks for is found. What is
 * found is recorded by a `fault` entry and noted beside the journal: the next start recovers what can be recovered.
 */
export function scrubJournal(options: ScrubOptions): Scrub {
  const stopping = new AbortController();
  const done = run(options, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

async function run(options: ScrubOptions, signal: AbortSignal): Promise<void> {
  const { journal, directory, clock, random, log } = options;
  let position = Math.floor(random() * journal.size);
  for (;;) {
    await clock.sleep(EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    const { size, root } = journal;
    const range = nextScrub(position, size, ENTRIES);
    position = range.to;
    try {
      const damage = await scrubEntries(directory, range, { size, root });
      if (damage !== undefined) return await report(damage, options);
    } catch (error) {
      log('warning', 'journal.scrub_failed', { error });
    }
  }
}

async function report({ index, why }: FoundDamage, options: ScrubOptions): Promise<void> {
  const { journal, directory, log, onDamage } = options;
  const message = `entry ${index} does not verify: ${why}`;
  noteDamage(directory, { code: 'journal.corrupt', message, thorough: true });
  log('error', 'journal.damage_noted', { index, why });
  const facts = [{ name: 'index', value: String(index) }];
  await journal
    .append('fault', { code: 'journal.corrupt', message, facts }, 'billing')
    .catch((error: unknown) => {
      log('error', 'journal.damage_not_recorded', { error });
    });
  onDamage(
    new StationError('journal.corrupt', message, {
      remedy: 'degrade',
      hint: 'restart the service: it recovers what can be recovered and goes on',
    }),
  );
}
