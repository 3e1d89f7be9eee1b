import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Log, MonotonicClock } from '../../hal/contract/index.ts';
import { JournalError, openJournal, setAsideDamagedJournal, type Journal } from '../journal/index.ts';
import type { StationIdentity } from '../identity/index.ts';
import type { ClockKeeper } from '../metering/index.ts';

export interface OpenEvidenceOptions {
  readonly directory: string;
  readonly origin: string;
  /** Name and version, for the `boot` entry. */
  readonly software: string;
  /** Its digest is put on record. */
  readonly configPath: string;
  readonly identity: StationIdentity;
  readonly groupCommitMs: number;
  readonly clock: MonotonicClock;
  /** Stamps the entries. */
  readonly clockKeeper: Pick<ClockKeeper, 'stamp' | 'settle'>;
  readonly log: Log;
  /** Called with the error when a damaged journal was kept aside and a new one begun. */
  readonly onDamage: (error: JournalError, keptAs: string) => void;
}

export interface Evidence {
  readonly journal: Journal;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configHash: string;
}

/**
 * Opens the journal and records that the service starts, and with which configuration. A journal that is damaged is kept
 * aside and a new one begun, because a station that cannot store evidence delivers none; the new log says in its first
 * entries what happened. Damage may show only when something is written, so that belongs to opening.
 * @throws JournalError `journal.locked` (another service runs), `journal.wrong_key`, `journal.wrong_origin`,
 * `journal.newer_format`, `journal.io`, `journal.disk_full`
 */
export async function openEvidence(options: OpenEvidenceOptions): Promise<Evidence> {
  try {
    return await begin(options);
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'journal.corrupt') throw error;
    const keptAs = setAsideDamagedJournal(options.directory);
    options.onDamage(error, keptAs);
    return await begin(options);
  }
}

async function begin(options: OpenEvidenceOptions): Promise<Evidence> {
  const { directory, origin, identity, clock, clockKeeper, groupCommitMs, log } = options;
  const { stamp, settle } = clockKeeper;
  const journal = await openJournal({
    ...{ directory, origin, signer: identity, groupCommitMs, log },
    clock: { stamp, settle, sleep: (durationMs, signal) => clock.sleep(durationMs, signal) },
  });
  try {
    return { journal, configHash: await recordStart(journal, options) };
  } catch (error) {
    await journal.close().catch(() => undefined);
    throw error;
  }
}

async function recordStart(journal: Journal, { software, configPath }: OpenEvidenceOptions): Promise<string> {
  await journal.recordBoot(software);
  const digest = createHash('sha256').update(readFileSync(configPath)).digest();
  await journal.append('config', { digest: new Uint8Array(digest), reason: 'start' }, 'billing');
  return digest.toString('hex');
}
