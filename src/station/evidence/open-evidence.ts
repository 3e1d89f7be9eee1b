import type { Log, MonotonicClock } from '../../../hal/contract/index.ts';
import {
  JournalError,
  openJournal,
  recoverJournal,
  type HighWaterOptions,
  type Journal,
  type KnownTree,
  type OnRecoveryProgress,
} from '../../journal/index.ts';
import type { StationIdentity } from '../../identity/index.ts';
import type { ClockKeeper } from '../../metering/index.ts';

export interface OpenEvidenceOptions {
  readonly directory: string;
  readonly origin: string;
  /** Name and version, for the `boot` entry. */
  readonly software: string;
  /** What is put on record of the configuration that holds from here on: SHA-256 of its text, hexadecimal, and why. */
  readonly config: { readonly digest: string; readonly reason: string };
  readonly identity: StationIdentity;
  readonly groupCommitMs: number;
  readonly groupCommitEntries?: number;
  /** What the journal may take on disk, and what is kept besides for entries that are no readings, in bytes. */
  readonly maxSizeBytes?: number;
  readonly reserveBytes?: number;
  readonly clock: MonotonicClock;
  /** Stamps the entries. */
  readonly clockKeeper: Pick<ClockKeeper, 'stamp' | 'settle'>;
  readonly log: Log;
  readonly highWater?: HighWaterOptions;
  /** What is anchored of this station's logs. */
  readonly anchored?: readonly KnownTree[];
  readonly onProgress?: OnRecoveryProgress;
  /** Called with the error when a journal was kept aside, and what was recovered of it or a new one put in its place. */
  readonly onDamage: (error: JournalError, keptAs: string) => void;
}

/** `reload-failed`: with a newer one the station did not start, and this one is that from before. */
export type ConfigReason = 'start' | 'reload' | 'reload-failed';

export interface Evidence {
  readonly journal: Journal;
  /** SHA-256 of the configuration's text, hexadecimal. */
  readonly configHash: string;
}

/** What a journal can be that is not to be gone on with as it is. */
const RECOVERABLE: ReadonlySet<string> = new Set(['journal.corrupt', 'journal.rolled_back', 'journal.lost']);
/** The first recovers what verifies; if what it leaves does not hold either, the second begins another log. */
const MAX_RECOVERIES = 2;

/**
 * Opens the journal and records that the service starts, and with which configuration. A journal that is damaged or an old
 * copy is kept aside, and what can be recovered of it, or another log, takes its place, because a station that cannot store
 * evidence delivers none; signed entries say what happened. Damage may show only when something is written, so that belongs to
 * opening.
 * @throws JournalError `journal.locked` (another service runs), `journal.wrong_key`, `journal.wrong_origin`,
 * `journal.newer_format`, `journal.io`, `journal.disk_full`
 */
export async function openEvidence(options: OpenEvidenceOptions): Promise<Evidence> {
  for (let recoveries = 0; ; recoveries++) {
    try {
      return await begin(options);
    } catch (error) {
      if (!(error instanceof JournalError) || !RECOVERABLE.has(error.code)) throw error;
      if (recoveries === MAX_RECOVERIES) throw error;
      const { directory, origin, identity, highWater, anchored, log, onProgress } = options;
      const { keptAs } = await recoverJournal({
        ...{ directory, origin, signer: identity, cause: error, anchored, log, onProgress },
        ...{ highWaterFile: highWater?.file, minimal: recoveries > 0 },
      });
      options.onDamage(error, keptAs);
    }
  }
}

async function begin(options: OpenEvidenceOptions): Promise<Evidence> {
  const { directory, origin, identity, clock, clockKeeper, groupCommitMs, log } = options;
  const { maxSizeBytes: maxBytes, reserveBytes, groupCommitEntries } = options;
  const { stamp, settle } = clockKeeper;
  const { highWater, anchored } = options;
  const journal = await openJournal({
    ...{ directory, origin, signer: identity, groupCommitMs, log },
    ...{ maxBytes, reserveBytes },
    ...(groupCommitEntries !== undefined && { groupCommitEntries }),
    ...(highWater && { highWater }),
    ...(anchored && { anchored }),
    clock: { stamp, settle, sleep: (durationMs, signal) => clock.sleep(durationMs, signal) },
  });
  try {
    await recordStart(journal, options);
    return { journal, configHash: options.config.digest };
  } catch (error) {
    await journal.close().catch(() => undefined);
    throw error;
  }
}

async function recordStart(journal: Journal, { software, config }: OpenEvidenceOptions): Promise<void> {
  await journal.recordBoot(software);
  const digest = new Uint8Array(Buffer.from(config.digest, 'hex'));
  await journal.append('config', { digest, reason: config.reason }, 'billing');
}
