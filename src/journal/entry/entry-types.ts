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
  /** In entry 0, and only there: the ed25519 key that signs this log. */
  readonly birthKey?: Uint8Array;
}

/** Another meter answers where the old one was. */
export interface MeterSwapBody {
  readonly meterId: string;
  readonly profileId: string;
  readonly oldSerial: string;
  readonly newSerial: string;
}

/** The wall clock was set. Entries keep their order by index and by time since boot. */
export interface ClockStepBody {
  /** New wall time less old wall time. */
  readonly stepMs: number;
  readonly before: ClockStatus;
  readonly after: ClockStatus;
}

/** The configuration that holds from here on. */
export interface ConfigBody {
  /** SHA-256 of the configuration file as read. */
  readonly digest: Uint8Array;
  readonly reason: string;
}

/** Readings that should be here and are not. */
export interface GapBody {
  readonly meterId: string;
  /** When the first one was due and when the last one, in ms since boot. */
  readonly fromMonoMs: number;
  readonly toMonoMs: number;
  readonly missing: number;
  /** A stable code, such as `meter.timeout`. */
  readonly reason: string;
}

export interface SessionBody {
  readonly sessionId: string;
  readonly evseId: string;
  readonly reading: MeterSample;
  /** The OCMF record of this moment, untouched. */
  readonly ocmf?: string;
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
}

export interface FaultFact {
  readonly name: string;
  readonly value: string;
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
}
export type EntryKind = keyof EntryBodies;

/** When an entry was made: by the wall clock with what that is worth, and by the clock that never jumps. */
export interface EntryStamp {
  /** Milliseconds since 1970 UTC. */
  readonly timeMs: number;
  readonly clock: ClockStatus;
  readonly bootCount: number;
  readonly sinceBootMs: number;
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
