import { ControlError } from '../../service/index.ts';
import type { Sync, SyncAnswer } from '../../sync/index.ts';

/** Whether a line on the control socket is about sync. Asked without loading what sync needs. */
export function isSyncRequest(request: unknown): request is { readonly sync: unknown } {
  return typeof request === 'object' && request !== null && 'sync' in request;
}

/** Answers about sync on the control socket, which is there before sync is, and where no chain is configured, too. */
export interface SyncOnSocket {
  readonly answer: (request: { readonly sync: unknown }) => SyncAnswer;
  /** From here on it is answered; undefined: this station does not sync. */
  open(sync: Sync | undefined): Promise<void>;
}

export function syncOnSocket(stateDirectory: string): SyncOnSocket {
  let isOpen = false;
  let desk: { answer(request: { readonly sync: unknown }): SyncAnswer } | undefined;
  return {
    answer: (request) => {
      if (desk !== undefined) return desk.answer(request);
      const why = isOpen ? 'nothing is anchored by this service' : 'the service is starting';
      throw new ControlError('control.no_sync', why, {
        remedy: isOpen ? 'operator' : 'retry',
        hint: isOpen
          ? 'The configuration has no section "chain", or the outbox could not be opened: see the log.'
          : 'Ask again in a moment.',
      });
    },
    open: async (sync) => {
      if (sync !== undefined) {
        const { SyncDesk } = await import('../../sync/index.ts');
        desk = new SyncDesk(sync, stateDirectory);
      }
      isOpen = true;
    },
  };
}
