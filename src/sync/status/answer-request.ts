import { StationError } from '../../../hal/contract/index.ts';
import { SyncError } from '../errors.ts';
import type { AnchorSummary, SyncStatus } from './status.ts';
import type { Sync } from '../sync.ts';

/** One `sync now` that a running service was asked for, and what has become of it. */
export interface SyncRound {
  /** 1 for the first since the service started. */
  readonly id: number;
  readonly state: 'running' | 'anchored' | 'nothing-to-anchor' | 'failed';
  /** The last final anchor, when the round ended well. */
  readonly anchor: AnchorSummary | null;
  /** `failed`: why this round did. The service goes on by itself. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
}

/** The answer to every request about sync. */
export interface SyncAnswer {
  readonly sync: {
    /** Of the service that answers: whoever reads files beside it knows whether they are its own. */
    readonly stateDirectory: string;
    readonly status: SyncStatus;
    /** The newest round that was asked for; null: none since the service started. */
    readonly round: SyncRound | null;
  };
}

/**
 * Answers what is asked of a running service about sync: `{"sync":"status"}`, and `{"sync":"now"}`, which begins a round and
 * answers at once; how the round ends, the status tells. While one runs, no other is begun.
 */
export class SyncDesk {
  readonly #sync: Pick<Sync, 'status' | 'syncNow'>;
  readonly #stateDirectory: string;
  #round: SyncRound | null = null;

  constructor(sync: Pick<Sync, 'status' | 'syncNow'>, stateDirectory: string) {
    this.#sync = sync;
    this.#stateDirectory = stateDirectory;
  }

  /** @throws SyncError `sync.bad_request` */
  answer(request: { readonly sync: unknown }): SyncAnswer {
    if (Object.keys(request).length !== 1 || (request.sync !== 'status' && request.sync !== 'now')) {
      throw new SyncError(
        'sync.bad_request',
        'not a request about sync: {"sync":"status"} or {"sync":"now"}',
        {
          remedy: 'operator',
        },
      );
    }
    if (request.sync === 'now' && this.#round?.state !== 'running') this.#begin();
    const status = this.#sync.status();
    return { sync: { stateDirectory: this.#stateDirectory, status, round: this.#round } };
  }

  #begin(): void {
    const id = (this.#round?.id ?? 0) + 1;
    this.#round = { id, state: 'running', anchor: null, error: null };
    this.#sync.syncNow().then(
      ({ outcome, anchor }) => (this.#round = { id, state: outcome, anchor, error: null }),
      (error: unknown) => (this.#round = { id, state: 'failed', anchor: null, error: told(error) }),
    );
  }
}

function told(error: unknown): SyncRound['error'] {
  if (!(error instanceof StationError)) return { code: 'internal', message: String(error), hint: null };
  return { code: error.code, message: error.message, hint: error.hint ?? null };
}
