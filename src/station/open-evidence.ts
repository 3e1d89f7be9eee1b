import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import { JournalError, openJournal, setAsideDamagedJournal, type Journal } from '../journal/index.ts';
import type { StationIdentity } from '../identity/index.ts';
import type { WallClock } from '../service/index.ts';

export interface OpenEvidenceOptions {
  readonly directory: string;
  readonly origin: string;
  readonly identity: StationIdentity;
  readonly groupCommitMs: number;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly log: Log;
  /** Called with the error when a damaged journal was kept aside and a new one begun. */
  readonly onDamage: (error: JournalError, keptAs: string) => void;
}

/**
 * Opens the journal; one that is damaged is kept aside and a new one begun, because a station that cannot store evidence
 * delivers none. The new log says in its first entries what happened.
 * @throws JournalError `journal.locked` (another service runs), `journal.wrong_key`, `journal.wrong_origin`,
 * `journal.newer_format`, `journal.io`
 */
export async function openEvidence(options: OpenEvidenceOptions): Promise<Journal> {
  const { clock, wallClock } = options;
  const open = (): Promise<Journal> =>
    openJournal({
      directory: options.directory,
      origin: options.origin,
      signer: options.identity,
      clock: {
        stamp: () => ({
          wallTimeMs: wallClock.nowWallMs(),
          clockStatus: wallClock.status(),
          sinceBootMs: Math.floor(clock.nowMonoMs()),
        }),
        sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
      },
      groupCommitMs: options.groupCommitMs,
      log: options.log,
    });
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'journal.corrupt') throw error;
    const keptAs = setAsideDamagedJournal(options.directory);
    options.onDamage(error, keptAs);
    return await open();
  }
}

/**
 * The first entries of a run: that the service starts, and with which configuration.
 * @returns SHA-256 of the configuration file, hexadecimal
 */
export async function recordStart(journal: Journal, software: string, configPath: string): Promise<string> {
  await journal.recordBoot(software);
  const digest = createHash('sha256').update(readFileSync(configPath)).digest();
  await journal.append('config', { digest: new Uint8Array(digest), reason: 'start' }, 'billing');
  return digest.toString('hex');
}
