import type { MeterSample } from '../../../hal/contract/index.ts';

/** OCMF's letters: unknown, informative, synchronised, relative. */
export const CLOCK_STATUSES = ['U', 'I', 'S', 'R'] as const;
export type ClockStatus = (typeof CLOCK_STATUSES)[number];

/** A start of the service. Entry 0 of a log is one that carries the identity's birth. */
export interface BootBody {
  /** /proc/sys/kernel/random/boot_id of the running kernel, 16 bytes: starts with the same one share a boot count. */
  readonly bootId: Uint8Array;
  /** Name and version of the software that writes from here on. */
  readonly software: string;
  /** In entry 0, and only there: the ed25519 key that signs this log, until a rotation. */
  readonly birthKey?: Uint8Array;
  /** In entry 0 only: the station's other keys, so that what they sign can be tied to this log. */
  readonly birth?: CompanionKeys;
  /** How often this log was opened, over all its boots: what a copy that was put back falls behind in. */
  readonly opening?: number;
}

/** What a station signs with besides its log; born, and replaced, together with the log's key. */
export interface CompanionKeys {
  /** 32 bytes, ed25519: the account that anchors the log. */
  readonly chainAccount: Uint8Array;
  /** 65-byte uncompressed point of P-256 (SEC 1 §2.3.3): signs the station's own OCMF records. */
  readonly ocmfKey: Uint8Array;
}

/** Another meter answers where the old one was. */
export interface MeterSwapBody {
  readonly meterId: string;
  readonly profileId: string;
  readonly oldSerial: string;
  readonly newSerial: string;
}

/**
 * Why a `clock-step` was recorded: the wall clock was `set`; a `leap` second; the machine was asleep (`suspend`: time since
 * boot stood still meanwhile); small differences that have added up (`drift`); or only what the time is worth (`status`).
 */
export const CLOCK_STEP_REASONS = ['set', 'leap', 'suspend', 'drift', 'status'] as const;
export type ClockStepReason = (typeof CLOCK_STEP_REASONS)[number];

/** The wall clock was set, or its worth changed. Entries keep their order by index and by time since boot. */
export interface ClockStepBody {
  /** New wall time less what it would have been by the record so far; 0 where only the status changed. */
  readonly stepMs: number;
  readonly before: ClockStatus;
  readonly after: ClockStatus;
  /** Entries from before it was recorded have none: there the clock was set. */
  readonly reason?: ClockStepReason;
  /** Who vouches for the status after: `kernel`, `chrony`, `timesyncd`. */
  readonly source?: string;
  /** The most by which that source says the time may be wrong, rounded up. */
  readonly maxErrorMs?: number;
}

/** The configuration that holds from here on: a file, or another key. */
export interface ConfigBody {
  /** SHA-256 of the configuration file as read; not there when the file was not what changed. */
  readonly digest?: Uint8Array;
  readonly reason: string;
  readonly rotation?: KeyRotation;
}

/**
 * The last entry of one key says which one signs from the next entry on. The entry's own signature is the old key's; the one
 * in here is the new key's over the same statement (rotationStatement), so that neither can be put there without the other.
 */
export interface KeyRotation extends CompanionKeys {
  /** 32 bytes, ed25519: signed until here, this entry included. */
  readonly oldKey: Uint8Array;
  /** 32 bytes, ed25519: signs from the next entry on. */
  readonly newKey: Uint8Array;
  /** 64 bytes, by the new key. */
  readonly signature: Uint8Array;
}

export type GapBody = MeterGapBody | RetentionGapBody;

/** Readings that should be here and are not: they were never taken. */
export interface MeterGapBody {
  readonly meterId: string;
  /** When the first one was due and when the last one, in ms since boot. */
  readonly fromMonoMs: number;
  readonly toMonoMs: number;
  readonly missing: number;
  /** A stable code, such as `meter.timeout`. */
  readonly reason: string;
}

export const RETENTION_REASONS = [
  'retention.anchored-exported',
  'retention.anchored',
  'retention.thinned',
] as const;
export type RetentionReason = (typeof RETENTION_REASONS)[number];

/** Readings that were here and have gone on purpose, because the log has a bound. Nothing but readings ever goes. */
export interface RetentionGapBody {
  readonly reason: RetentionReason;
  /** What has gone, in order and apart from each other; all of it in front of this entry. */
  readonly ranges: readonly EntryRange[];
  /** How many entries that is, by kind. */
  readonly dropped: readonly DroppedKind[];
  /** The stretch of the log that was gone through: what is in none of the ranges has stayed. */
  readonly stretch: EntryRange;
  /** Of a thinning: each meter's first and last reading among so many entries stay, counted from entry 0. */
  readonly keepSpan?: number;
  /** RFC 6962 root of the log in front of this entry: signed, it vouches for the hashes of what has gone. */
  readonly root: Uint8Array;
}

export interface DroppedKind {
  readonly kind: 'reading';
  readonly entries: number;
}

export interface SessionBody {
  readonly sessionId: string;
  readonly evseId: string;
  readonly reading: MeterSample;
  /** The OCMF record of this moment that the station signed, untouched. */
  readonly ocmf?: string;
  /** What a meter that signs by itself said, untouched. */
  readonly meterRecord?: MeterRecord;
  /** The meter's name in the configuration. */
  readonly meterId?: string;
}

/** `verified`: the registered key of the meter signed it; `refused`: it did not; `no-key`: none is registered. */
export const METER_RECORD_RESULTS = ['verified', 'refused', 'no-key'] as const;
export type MeterRecordResult = (typeof METER_RECORD_RESULTS)[number];

/** A record as the meter signed it, and whether it may be believed. */
export interface MeterRecord {
  /** `OCMF`, or what else the meter signs. */
  readonly format: string;
  /** How `data` is to be read: `text`, `hex`, `base64`. */
  readonly encoding: string;
  readonly data: string;
  readonly result: MeterRecordResult;
  /** Why it is not believed. */
  readonly why?: string;
}

export interface TariffBody {
  readonly tariffId: string;
  readonly sessionId?: string;
  /** The tariff in full, as the back office sent it. */
  readonly tariff: string;
}

export interface FaultBody {
  /** A stable code of docs/errors.md. */
  readonly code: string;
  readonly message: string;
  readonly facts?: readonly FaultFact[];
  /** Entries of this log that are lost: their hashes are known, their bytes are not. */
  readonly holes?: readonly EntryRange[];
  /** With holes: the log as it was recovered; signed, its root vouches for the hashes of what is lost. */
  readonly tree?: TreeHead;
}

/** RFC 6962 root of a log's first `size` entries. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface FaultFact {
  readonly name: string;
  readonly value: string;
}

export const COMMAND_OUTCOMES = ['accepted', 'refused'] as const;
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

/** A command that came from afar: on record before it is carried out, or refused. */
export interface CommandBody {
  /** One that this software knows; empty where it is none, or could not be read. Of a refused one it is only a claim. */
  readonly command: string;
  /** Name of the key that signed it; not there where no known key did. */
  readonly operator?: string;
  /** SHA-256 of the command's envelope, byte for byte: whoever has kept one can prove that it was this. */
  readonly digest: Uint8Array;
  readonly outcome: CommandOutcome;
  /** Why it was refused: a code of docs/errors.md. */
  readonly code?: string;
  /** How many were refused for this reason since the last entry of that code, this one included: the rest is of the last one. */
  readonly count?: number;
}

/** Entries from..to-1. */
export interface EntryRange {
  readonly from: number;
  readonly to: number;
}

export interface EntryBodies {
  boot: BootBody;
  /** Times are rounded outwards to whole milliseconds. */
  reading: MeterSample;
  'meter-swap': MeterSwapBody;
  'clock-step': ClockStepBody;
  config: ConfigBody;
  gap: GapBody;
  'session-begin': SessionBody;
  'session-end': SessionBody;
  tariff: TariffBody;
  fault: FaultBody;
  command: CommandBody;
}
export type EntryKind = keyof EntryBodies;

/** When an entry was made: by the wall clock with what that is worth, and by the clock that never jumps. */
export interface EntryStamp {
  /** Milliseconds since 1970 UTC. */
  readonly timeMs: number;
  readonly clock: ClockStatus;
  readonly bootCount: number;
  readonly sinceBootMs: number;
  /**
   * Of an entry that is no reading: the index of the last one before it that is none either. Such entries never give way, so
   * whoever follows these links notices one that was declared gone as if it had been a reading.
   */
  readonly previous?: number;
}

export interface EntryOf<K extends EntryKind> extends EntryStamp {
  /** The log's origin. */
  readonly station: string;
  /** Leaf index, from 0, without gaps. */
  readonly index: number;
  readonly kind: K;
  readonly body: EntryBodies[K];
}
/** Narrow by `kind`. */
export type JournalEntry = { [K in EntryKind]: EntryOf<K> }[EntryKind];
