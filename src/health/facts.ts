import type { FaultCode } from './fault-catalogue.ts';

/**
 * What health is judged by: plain data, gathered elsewhere. Times are milliseconds since boot on the monotonic clock; null is
 * "not known", never a stand-in for zero. A part that is undefined was not looked at, and nothing is said of it.
 */
export interface HealthFacts {
  readonly nowMonoMs: number;
  readonly configuration?: ConfigurationFacts | undefined;
  readonly service?: ServiceFacts | undefined;
  readonly meters?: readonly MeterLiveness[] | undefined;
  readonly lines?: readonly LineFacts[] | undefined;
  readonly journal?: JournalFacts | undefined;
  readonly disk?: DiskFacts | undefined;
  readonly flash?: FlashFacts | undefined;
  readonly clock?: ClockFacts | undefined;
  readonly memory?: MemoryFacts | undefined;
  readonly key?: KeyFacts | undefined;
  readonly chain?: ChainFactsOfSync | undefined;
  readonly broker?: BrokerFacts | undefined;
  readonly control?: ControlFacts | undefined;
}

/** What the station runs with, and what it does not run with although it should. */
export interface ConfigurationFacts {
  readonly source: 'file' | 'signed';
  /** Of a signed one. */
  readonly sequence: number | null;
  readonly signedBy: string | null;
  /** It has still to show that the station is as well with it as it was. */
  readonly onTrial: boolean;
  /** Why a configuration that was on trial was given up; null: none was, since it was last put on record. */
  readonly rolledBack: string | null;
  /** What else is wrong with signed configurations, or with what decides on them. */
  readonly problems: readonly { readonly code: string; readonly message: string }[];
  /** Why the last reload did not take the newest configuration; null: it did, or there was none. */
  readonly notTaken: string | null;
}

export interface ServiceFacts {
  readonly version: string;
  readonly startedMonoMs: number;
  /** How late timers were, at most in the last minute and in 99 of 100 cases; null: not measured yet. */
  readonly loopDelay: { readonly maxMs: number; readonly p99Ms: number } | null;
}

export interface MeterLiveness {
  readonly meterId: string;
  readonly everyMs: number;
  /** How many meters share its line, itself among them. */
  readonly sharedBy: number;
  readonly state: 'unknown' | 'answering' | 'failing' | 'silent';
  readonly errorCode: string | null;
  /** What the last failure said, for people; null or absent: nothing failed, or it is not known. */
  readonly errorMessage?: string | null;
  readonly lastAttemptBeganMonoMs: number | null;
  readonly lastAttemptEndedMonoMs: number | null;
  readonly lastSampleMonoMs: number | null;
  readonly implausibleNow: number;
  /** Which one of them, and what is wrong with it, for people. */
  readonly implausibleWhy?: string | null;
}

export interface LineFacts {
  readonly id: string;
  /** `waiting`: its device or peer cannot be opened, and is tried again. `closed`: nothing was asked on it yet. */
  readonly state: 'closed' | 'opening' | 'open' | 'waiting';
  readonly requests: number;
  readonly errors: number;
  readonly hasMeters: boolean;
}

export interface JournalFacts {
  readonly size: number;
  readonly groupCommitMs: number;
  readonly lastCommitMonoMs: number | null;
  readonly waiting: number;
  readonly oldestWaitingSinceMonoMs: number | null;
  /** Stable code of why entries are refused. */
  readonly refusedBecause: string | null;
  /** It is above journal.maxSize, and nothing more may go. */
  readonly isExhausted: boolean;
  /** A journal was kept aside at this start, or entries were found that do not verify: why. */
  readonly setAside: string | null;
  readonly damage: string | null;
}

export interface DiskFacts {
  readonly freeBytes: number;
  readonly journalBytes: number;
  readonly maxJournalBytes: number;
  readonly reserveBytes: number;
  /** Whether the room for entries that are no readings is kept; null: there is no service that would keep it. */
  readonly isReserveKept: boolean | null;
}

export interface FlashFacts {
  readonly devices: readonly {
    readonly device: string;
    readonly lifeUsedPercent: number | null;
    readonly reserveBlocks: 'normal' | 'warning' | 'urgent' | null;
  }[];
  /** What this service writes; null: not watched for long enough. */
  readonly bytesPerDay: number | null;
  /** At that pace, of the flash as configured (journal.flashEndurance). */
  readonly lifeDays: number | null;
}

export interface ClockFacts {
  readonly status: 'U' | 'I' | 'S' | 'R';
  readonly why: string;
  readonly source: string | null;
  readonly maxErrorMs: number | null;
}

export interface MemoryFacts {
  readonly core: ProcessMemory;
  /** While there is one. */
  readonly gateway: ProcessMemory | null;
  readonly system: { readonly availableBytes: number; readonly totalBytes: number } | null;
}

export interface ProcessMemory {
  readonly rssBytes: number;
  /** Of the control group it is in; null: that cannot be seen from here. */
  readonly limit: { readonly usedBytes: number; readonly maxBytes: number } | 'no limit' | null;
}

export interface KeyFacts {
  readonly account: string;
}

/** What the way to the chain says of itself; its conditions have their own hysteresis. */
export interface ChainFactsOfSync {
  /** Faults of syncing that are raised. */
  readonly faults: readonly FaultCode[];
  /** In words; `act`: it stays so until somebody does what `advice` says. */
  readonly words: { readonly severity: string; readonly text: string; readonly advice: string | null } | null;
  readonly backlog: number | null;
  /** Why the outbox is not there; null: it is. */
  readonly notRunning: string | null;
}

export interface BrokerFacts {
  readonly connected: boolean;
  readonly failure: string | null;
  /** Why telemetry could not even be begun; null: it was. */
  readonly notStarted: string | null;
}

export interface ControlFacts {
  /** Why the socket is not there; null: it is. */
  readonly failure: string | null;
  readonly path: string;
}
