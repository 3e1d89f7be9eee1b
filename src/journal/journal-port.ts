import type { Log } from '../../hal/contract/index.ts';
import type { JournalSigner } from './entry/ed25519.ts';
import type { ClockStatus, EntryBodies, EntryKind } from './entry/entry-types.ts';
import type { RetentionLimits, RetentionOutcome } from './retention/retain.ts';
import type { KnownTree } from './recovery/high-water.ts';
import type { MonotonicCounter } from './recovery/monotonic-counter.ts';
import type { StartReason } from './recovery/start-reason.ts';
import type { StoreOptions } from './store/sqlite-store.ts';

/** When something happened, as far as the station knows. */
export interface JournalStamp {
  /** Milliseconds since 1970 UTC. */
  readonly wallTimeMs: number;
  readonly clockStatus: ClockStatus;
  /** Milliseconds since boot, by a clock that never jumps. */
  readonly sinceBootMs: number;
}

/** Time as the journal needs it. */
export interface JournalClock {
  stamp(): JournalStamp;
  /**
   * Called before each entry is given its index and its stamp; may itself append what must come first, such as the
   * `clock-step` entry that announces the time that the entry will carry.
   */
  settle?(): void;
  /** As MonotonicClock.sleep: rejects with the signal's reason when it is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * `billing`: committed at once, together with whatever was waiting, order kept. `sample`: committed with the group, at
 * most groupCommitMs later.
 */
export type Durability = 'billing' | 'sample';

export interface SignedCheckpoint {
  /** C2SP tlog-checkpoint, the signed note. */
  readonly text: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface Journal {
  readonly origin: string;
  /** Entries on disk. */
  readonly size: number;
  /** RFC 6962 root hash over them; from memory, O(log size) hashes. */
  readonly root: Uint8Array;
  /** What the log takes on disk, its write-ahead log included, in bytes. */
  diskBytes(): number;
  /** How many boots of the kernel this log has seen, this one included; from 1. */
  readonly bootCount: number;
  /** Why the service starts, as far as can be told from how it ended before. */
  readonly startReason: StartReason;
  /**
   * Records that the service starts; must be the first append after opening. On an empty log it is entry 0 and carries
   * the identity's birth. What was noticed when the journal was opened follows in `fault` entries, in the same commit.
   * @returns the index of the `boot` entry
   */
  recordBoot(software: string): Promise<number>;
  /**
   * Resolves with the leaf index when the entry is on disk, and not before. Concurrent calls keep their order. Rejects
   * with JournalError `journal.entry_invalid`, `journal.closed`, and with one of these for every entry that was waiting:
   * `journal.disk_full`, `journal.commit_failed`, `journal.corrupt` (effect none: nothing was appended), or
   * `journal.commit_unknown` (effect unknown: `size` has been read again from the file). `at` replaces parts of the
   * clock's stamp.
   */
  append<K extends EntryKind>(
    kind: K,
    body: EntryBodies[K],
    durability: Durability,
    at?: Partial<JournalStamp>,
  ): Promise<number>;
  /** Commits what is waiting; rejects as append does. */
  flush(): Promise<void>;
  /** Commits what is waiting and signs the tree as it is on disk; rejects as append does. */
  checkpoint(): Promise<SignedCheckpoint>;
  /**
   * Lets readings give way until the log is within its bound or nothing more may go (retention/). What goes is named by a
   * signed `gap` entry, in the same commit. One call at a time. Rejects as append does.
   */
  keepWithin(limits: RetentionLimits): Promise<RetentionOutcome>;
  /** Commits what is waiting, then closes the file and lets go of the lock; rejects as append does, but is closed. */
  close(): Promise<void>;
}

export interface JournalOptions extends StoreOptions {
  /** State directory; made when it is missing. */
  readonly directory: string;
  /**
   * Name of the station's first log, `delmonicos/<chain account>`. One that could not be continued is followed by
   * `<origin>/2`, then `/3`: which of them is written here, the journal's own `origin` says.
   */
  readonly origin: string;
  readonly signer: JournalSigner;
  readonly clock: JournalClock;
  /** The longest a sample waits for its commit, in ms. */
  readonly groupCommitMs?: number;
  /** Samples that make a group commit early; bounds memory and what a power cut can take. */
  readonly groupCommitEntries?: number;
  readonly log: Log;
  /** 16 bytes that name this boot of the kernel; Linux's boot_id unless given. */
  readonly bootId?: Uint8Array;
  /** Where it is kept how far the log has come, so that an older copy is noticed. */
  readonly highWater?: HighWaterOptions;
  /** Trees of this station's logs that are anchored: the log must begin with those that are its own. */
  readonly anchored?: readonly KnownTree[];
}

export interface HighWaterOptions {
  /** `journal.high-water` in the state directory unless given; another partition is better. */
  readonly file?: string;
  /** What no copy of a file brings back, where there is one. */
  readonly counter?: MonotonicCounter;
}

export const DEFAULT_GROUP_COMMIT_MS = 10_000;
export const DEFAULT_GROUP_COMMIT_ENTRIES = 512;
