import type { Sync, SyncStatus } from '../../sync/index.ts';
import { openAnchoring, type AnchoringParts } from './open-anchoring.ts';

/**
 * Anchoring of a configured chain, also when its outbox cannot be opened yet: it is tried again, and told once why not.
 * Undefined when no chain is configured. Nothing runs before `start`.
 */
export async function keepAnchoring(
  parts: AnchoringParts,
  onStatus: (status: SyncStatus) => void,
  onFailure: (error: unknown) => void,
): Promise<Sync | undefined> {
  const { chain } = parts.config;
  if (chain === undefined) return undefined;
  const { reopeningSync } = await import('../../sync/index.ts');
  const { clock, wallClock, random, log } = parts.options;
  const open = async (): Promise<Sync> => {
    const sync = await openAnchoring(parts, onStatus);
    if (sync === undefined) throw new Error('a chain is configured');
    return sync;
  };
  const nowWallMs = (): number => wallClock.nowWallMs();
  const { transport } = chain;
  return reopeningSync({ open, transport, clock, nowWallMs, random, log, onStatus, onFailure });
}
