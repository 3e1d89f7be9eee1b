import type { TelemetryStatistics } from '../telemetry.ts';

/**
 * The retained documents that the station fills. Keys are added, never renamed or removed, within `delmonicos/v1`;
 * readers ignore keys they do not know. `null` is "there is none", never a stand-in for zero.
 */
export interface StateDocuments {
  readonly state: StationStateDocument;
  readonly journal: JournalDocument;
  readonly sync: SyncDocument;
  readonly health: HealthDocument;
  readonly 'config/result': ConfigurationResultDocument;
}

/** What became of a signed configuration (docs/provisioning.md). */
export interface ConfigurationResultDocument {
  readonly result: 'accepted' | 'present' | 'refused' | 'confirmed' | 'rolled-back';
  /** Stable code of why not. */
  readonly code: string | null;
  readonly message: string;
  /** SHA-256 of the signed file, hexadecimal. */
  readonly id: string;
  /** As far as they could be read. */
  readonly sequence: number | null;
  readonly signedBy: string | null;
  /** SHA-256 of its YAML text, hexadecimal. */
  readonly digest: string | null;
  /** How it came: `mqtt`, `file`; null: that is not known any more. */
  readonly via: 'mqtt' | 'file' | null;
}

export interface StationStateDocument {
  readonly uptimeMs: number;
  /** Milliseconds since 1970 UTC, worth what `clock` says (as in the journal: U, I, S, R). */
  readonly time: number;
  readonly clock: 'U' | 'I' | 'S' | 'R';
  /** SHA-256 of the configuration in force, hexadecimal. */
  readonly configHash: string | null;
  /** Where it comes from: the file of `--config`, or what the OEM signed (docs/provisioning.md). */
  readonly configuration: {
    readonly source: 'file' | 'signed';
    readonly sequence: number | null;
    readonly signedBy: string | null;
    readonly onTrial: boolean;
  };
  /** Resident memory of the core. */
  readonly rssBytes: number;
  readonly telemetry: TelemetryStatistics;
}

export interface JournalDocument {
  /** Entries. */
  readonly size: number;
  /** RFC 6962 root hash over all of them, hexadecimal. */
  readonly root: string;
  /** On disk, with the write-ahead log. */
  readonly bytes: number;
  /** Entries that no final anchor covers yet. */
  readonly backlog: number;
}

/** The same list as `delmonicos doctor` shows (docs/faults.md). */
export interface HealthDocument {
  /** The worst of all items. */
  readonly state: 'ok' | 'unknown' | 'warning' | 'fault';
  /** When the figures in it were taken, since boot and by the wall clock. */
  readonly asOfMs: number;
  readonly time: number;
  readonly clock: 'U' | 'I' | 'S' | 'R';
  /** Worst first. */
  readonly items: readonly {
    readonly check: string;
    readonly subject?: string;
    readonly state: 'ok' | 'unknown' | 'warning' | 'fault';
    readonly code: string | null;
    readonly detail: string;
    readonly sinceMs: number | null;
    readonly advice: string | null;
  }[];
  /** Items that had no room, the best ones. */
  readonly omitted: number;
}

export interface SyncDocument {
  /** Open intents by state (docs/formats: outbox). */
  readonly outbox: Readonly<Record<string, number>>;
  /** The latest anchor in a finalized block. */
  readonly lastAnchor: {
    readonly size: number;
    readonly root: string;
    readonly via: 'light-client' | 'rpc';
    readonly block: number;
    readonly blockHash: string;
  } | null;
  /** Stable code of what keeps the chain from being reached, while it does. */
  readonly failure: string | null;
  readonly transport: 'light-client' | 'rpc';
  /** What `sync status` names, what matters most first (docs/sync.md). */
  readonly states: readonly string[];
  /** How far the gateway's link is; null: there is no gateway. */
  readonly stage: string | null;
  /** Of the parachain and of its relay chain; null: no gateway, or not known. */
  readonly peers: number | null;
  readonly relayPeers: number | null;
  /** The highest finalized block that was seen, and how long before this document it was new. */
  readonly finalized: { readonly block: number; readonly ageMs: number } | null;
  readonly gateway: { readonly rssBytes: number } | null;
  readonly traffic: {
    readonly session: TrafficFigures | null;
    readonly last: TrafficFigures | null;
    readonly today: TrafficFigures | null;
  };
  /** Paid for the last anchor; in the chain's smallest unit, like `balance.free`. */
  readonly cost: string | null;
  readonly balance: { readonly free: string | null; readonly low: boolean };
  /** `backlog`, `window` or `bytes`, while the policy holds an anchor back. */
  readonly heldBy: string | null;
  /** Stable codes of the faults that are raised. */
  readonly faults: readonly string[];
}

/** On the gateway's sockets. */
export interface TrafficFigures {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface MeterStatusDocument {
  readonly meter: { readonly id: string; readonly serial: string | null; readonly profile: string };
  readonly state: 'unknown' | 'answering' | 'failing' | 'silent';
  /** Stable code of the last failure, while it fails. */
  readonly failure: string | null;
  readonly samples: number;
  readonly failures: number;
  readonly skippedSlots: number;
  readonly implausible: number;
  /** End of the last complete reading, milliseconds since boot. */
  readonly lastSampleMs: number | null;
}

/** The document that belongs to a topic. */
export type StateDocumentOf<Topic extends string> = Topic extends keyof StateDocuments
  ? StateDocuments[Topic]
  : MeterStatusDocument;
