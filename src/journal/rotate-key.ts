import { InvariantError } from '../../hal/contract/index.ts';
import type { JournalSigner } from './entry/ed25519.ts';
import { signRotation } from './entry/key-rotation.ts';
import type { Journal } from './journal-port.ts';

/**
 * Hands the log over to another key: the last entry of the old one, signed by both. Nothing else may append meanwhile, and
 * nothing may be appended afterwards: close the journal and open it with the new key. Rejects as `append` does; with
 * `journal.commit_unknown` the log itself says, when it is opened again, which key it expects.
 * @returns the index of the entry, and the new key's first one
 */
export async function rotateKey(
  journal: Pick<Journal, 'origin' | 'size' | 'flush' | 'append'>,
  from: Pick<JournalSigner, 'publicKey'>,
  to: JournalSigner,
  reason: string,
): Promise<{ readonly index: number; readonly firstIndex: number }> {
  await journal.flush();
  const place = { origin: journal.origin, index: journal.size };
  const rotation = signRotation(place, from.publicKey, to);
  const index = await journal.append('config', { reason, rotation }, 'billing');
  if (index !== place.index) throw new InvariantError('something was appended while the key was rotated');
  return { index, firstIndex: index + 1 };
}
