import type { SyncStatus } from '../sync/index.ts';

/** What `run --json` prints, one line each: facts for whoever supervises the service. Sizes are numbers of entries. */
export type StationEvent =
  | {
      readonly event: 'started';
      readonly station: string;
      readonly version: string;
      readonly origin: string;
      readonly chainAccount: string;
      readonly publicKey: string;
      readonly stateDirectory: string;
      readonly bootCount: number;
      readonly size: number;
    }
  /** Entries 0 to size - 1 are on disk: what was acknowledged up to here is kept, whatever happens next. */
  | { readonly event: 'committed'; readonly size: number }
  /** A part is not there; metering goes on without it. */
  | {
      readonly event: 'degraded';
      readonly part: 'journal' | 'control' | 'chain' | 'telemetry';
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly event: 'meter';
      readonly meterId: string;
      readonly state: string;
      readonly code: string | null;
    }
  | { readonly event: 'sync'; readonly status: SyncStatus }
  /** A configuration was asked to be taken. `refused`: nothing was stopped for it; `failed`: it was, and the one before runs again. */
  | {
      readonly event: 'reload';
      readonly outcome: 'done' | 'refused' | 'failed';
      readonly code: string | null;
      readonly message: string;
    }
  | { readonly event: 'stopped' };
