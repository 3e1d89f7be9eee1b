import {
  decodeEntry,
  JournalError,
  KeyHistory,
  rotationIn,
  verifyRotation,
  type SigningKey,
} from '../../journal/index.ts';
import { BackfillError } from './errors.ts';

/**
 * The keys of a log, from one that is trusted and the entries in which it was handed over. Each rotation is signed by the key before
 * and by the one behind it: so the trusted one vouches for all of them, wherever in the chain it stands.
 * @param rotations every such entry, as it is signed, in order
 * @throws BackfillError `backfill.wrong_key` when the trusted key is none of them, or they are no chain
 */
export function keysOfLog(trusted: Uint8Array, rotations: readonly Uint8Array[]): KeyHistory {
  const history = chain(trusted, rotations);
  if (!history.includes(trusted)) {
    throw new BackfillError(
      'backfill.wrong_key',
      'the log is not signed with the key that is trusted, nor was it before',
      {
        details: { trusted: Buffer.from(trusted).toString('hex') },
        hint: 'give the key of this station: delmonicos key show on the device prints it',
      },
    );
  }
  return history;
}

function chain(trusted: Uint8Array, rotations: readonly Uint8Array[]): KeyHistory {
  let birthKey: Uint8Array | undefined;
  let origin: string | undefined;
  const later: SigningKey[] = [];
  for (const cose of rotations) {
    try {
      const signedBy = later.at(-1)?.publicKey ?? oldKeyIn(cose);
      const verified = verifyRotation(cose, signedBy);
      birthKey ??= signedBy;
      origin ??= verified.origin;
      const firstIndex = verified.index + 1;
      if (verified.origin !== origin || firstIndex <= (later.at(-1)?.firstIndex ?? 0)) throw noChain();
      later.push({ firstIndex, publicKey: verified.rotation.newKey });
    } catch (cause) {
      throw cause instanceof JournalError ? noChain(cause) : cause;
    }
  }
  return new KeyHistory(birthKey ?? trusted, later);
}

function oldKeyIn(cose: Uint8Array): Uint8Array {
  const rotation = rotationIn(decodeEntry(cose).entry);
  if (rotation === undefined) throw noChain();
  return rotation.oldKey;
}

function noChain(cause?: unknown): BackfillError {
  return new BackfillError('backfill.wrong_key', 'the rotations of keys that came are no chain', { cause });
}
