import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { EntryRange } from '../../journal/index.ts';
import type { EntriesLink } from './entries-link.ts';
import { EntriesFile, notResumable } from './entries-file.ts';
import { Fetch } from './fetch.ts';
import { readKnownTree, writeCheckpoint } from './kept-checkpoint.ts';
import { ReceivedRange } from './received-range.ts';

/** Whom to believe. */
export interface TrustedStation {
  /** 32 bytes: any key that the log is or was signed with. The others follow from it through the rotations in the log. */
  readonly publicKey: Uint8Array;
  /** Name of the log; whatever the checkpoint says unless given. */
  readonly origin?: string;
}

export interface FetchOptions {
  readonly link: EntriesLink;
  readonly trusted: TrustedStation;
  readonly clock: MonotonicClock;
  /** Entries from..to-1; up to the end of the log as it is now without `to`. */
  readonly from: number;
  readonly to?: number;
  /** A CBOR sequence, as `journal export --format cbor-seq` writes it; one that an earlier run left unfinished is gone on with. */
  readonly file: string;
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Ends the work: what is in the file by then stays, and the next run goes on behind it. */
  readonly signal?: AbortSignal;
}

export interface FetchProgress {
  /** The first entry that is not in the file yet. */
  readonly next: number;
  /** Undefined until the station has said it. */
  readonly to: number | undefined;
  /** Written by this run. */
  readonly entries: number;
  readonly bytes: number;
}

export interface FetchResult {
  readonly from: number;
  readonly to: number;
  /** In the file, those of earlier runs included. */
  readonly entries: number;
  /** Written by this run. */
  readonly fetched: number;
  /** Of the file. */
  readonly bytes: number;
  /** The station says that these are not there any more. */
  readonly missing: readonly EntryRange[];
  /** Those of them that no signed entry in the file declares gone. */
  readonly undeclared: readonly EntryRange[];
  /** Of the tree that all of it is proved against. */
  readonly size: number;
  /** Signed note over that tree; it stands in `<file>.checkpoint`, too. */
  readonly checkpoint: string;
  /**
   * All that is in the file stands in the tree that the station signed, and what this run wrote has the station's signature entry by
   * entry; or why that is not shown.
   */
  readonly verified: true | string;
  /** Messages that were left because they were not what the station signed. */
  readonly rejected: number;
  /** Commands that it took. */
  readonly requests: number;
}

/**
 * Gets entries from a station into a file, each one verified before it is written, asks again for what got lost, and shows in the
 * end that all of it stands in the tree that the station signed; where an earlier run left a checkpoint beside the file, also that
 * this tree begins with that one's.
 * @throws BackfillError `backfill.not_resumable`, `backfill.refused`, `backfill.budget`, `backfill.no_progress`,
 * `backfill.wrong_key`, `backfill.forked`, `backfill.file`; the link's FleetErrors; the signal's reason
 */
export async function fetchEntries(options: FetchOptions): Promise<FetchResult> {
  const { file: name, from, to } = options;
  const range = new ReceivedRange(from);
  let origin: string | undefined;
  const file = await EntriesFile.open(name, (cose, entry) => {
    if (entry.index < from) throw notResumable(name, `it begins with entry ${entry.index}, not ${from}`);
    if (to !== undefined && entry.index >= to)
      throw notResumable(name, `it already holds entry ${entry.index}`);
    if (entry.station !== (origin ?? entry.station)) throw notResumable(name, 'it holds entries of two logs');
    origin = entry.station;
    range.add(cose, entry);
  });
  try {
    const known = await readKnownTree(name, file.bytes > 0);
    const fetch = new Fetch({ options, file, range, originInFile: origin, known });
    const result = await fetch.run();
    await file.sync();
    if (result.verified === true) await writeCheckpoint(name, result.checkpoint);
    return result;
  } finally {
    await file.close();
  }
}
