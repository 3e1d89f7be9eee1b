import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../../../hal/contract/index.ts';
import type { IdentityConfig, JournalConfig } from '../../config/index.ts';
import {
  firstLogOrigin,
  hasTpm,
  highWaterFile,
  parseCheckpoint,
  readHighWater,
  readLogIdentity,
  tpmCounter,
  type HighWaterOptions,
  type KnownTree,
} from '../../journal/index.ts';

/** What the outbox is called (sync/). */
const OUTBOX_FILE = 'outbox.db';

/** Where the journal's high-water mark is kept, and what counts beside it. */
export function highWaterOf(journal: JournalConfig, identity: IdentityConfig): HighWaterOptions {
  const { highWater: file, counter, counterIndex: nvIndex } = journal;
  const tcti = identity.tpm?.tcti;
  const counts = counter === 'tpm' || (counter === 'auto' && hasTpm(tcti));
  return { ...(file && { file }), ...(counts && { counter: tpmCounter({ tcti, nvIndex }) }) };
}

/**
 * Trees that were signed to be anchored, the last anchored one among them: the journal must begin with them. Read beside an
 * outbox that nobody has opened yet; one that cannot be read tells nothing, and says so when it is opened.
 */
export async function signedForChain(stateDirectory: string, log: Log): Promise<readonly KnownTree[]> {
  if (!existsSync(path.join(stateDirectory, OUTBOX_FILE))) return [];
  try {
    const { anchorCovering, readSyncStatus } = await import('../../sync/index.ts');
    const { intents, lastAnchor } = readSyncStatus(stateDirectory);
    const last = lastAnchor === null ? undefined : anchorCovering(stateDirectory, lastAnchor.size - 1);
    const checkpoints = [
      ...intents.flatMap((intent) => (intent.kind === 'anchor' ? [intent.checkpoint] : [])),
      ...(last ? [last.checkpoint] : []),
    ];
    return checkpoints.map((text) => {
      const { origin, size, root } = parseCheckpoint(text);
      return { origin, size, root };
    });
  } catch (error) {
    log('warning', 'journal.anchors_unknown', { error });
    return [];
  }
}

/**
 * The name of the station's first log: of the account that it was born with, also when its keys were rotated since. A journal
 * that cannot be read has it in its mark.
 */
export function stationOrigin(
  stateDirectory: string,
  own: { readonly publicKey: Uint8Array; readonly chainAccount: { readonly ss58: string } },
  { highWater }: Pick<JournalConfig, 'highWater'>,
): string {
  const log = readLogIdentity(stateDirectory);
  if (log !== undefined && Buffer.compare(log.signsNext, own.publicKey) === 0)
    return firstLogOrigin(log.origin);
  const fallback = `delmonicos/${own.chainAccount.ss58}`;
  if (log !== undefined) return fallback;
  const found = readHighWater(highWaterFile(stateDirectory, highWater));
  return found.state === 'read' ? firstLogOrigin(found.mark.origin) : fallback;
}
