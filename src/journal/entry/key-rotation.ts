import { equalBytes } from '../bytes.ts';
import { encodeCbor } from './cbor-encode.ts';
import { verifyEntry } from './cose-sign1.ts';
import { ed25519Verifier, type JournalSigner } from './ed25519.ts';
import type { CompanionKeys, JournalEntry, KeyRotation } from './entry-types.ts';
import { JournalError } from '../errors.ts';

/** No other message that a station signs begins with this. */
const DOMAIN = 'delmonicos key rotation v1';

/** Where in which log a rotation stands: it means nothing anywhere else. */
export interface RotationPlace {
  readonly origin: string;
  /** Leaf index of the entry that holds it. */
  readonly index: number;
}

/** What the new key signs (docs/formats.cddl: rotation-statement). */
export function rotationStatement(
  { origin, index }: RotationPlace,
  { oldKey, newKey, chainAccount, ocmfKey }: Omit<KeyRotation, 'signature'>,
): Uint8Array {
  return encodeCbor([DOMAIN, origin, index, oldKey, newKey, chainAccount, ocmfKey]);
}

/** The other keys of a signer, when it has them. */
export function companionKeys({ chainAccount, ocmf }: JournalSigner): CompanionKeys | undefined {
  if (chainAccount === undefined || ocmf === undefined) return undefined;
  return { chainAccount: chainAccount.publicKey, ocmfKey: ocmf.publicKey };
}

/** The body of a rotation from one signer to the next, signed by the next. @throws TypeError when that one lacks a key */
export function signRotation(place: RotationPlace, oldKey: Uint8Array, next: JournalSigner): KeyRotation {
  const companions = companionKeys(next);
  if (companions === undefined) throw new TypeError('a new signer brings its chain account and its OCMF key');
  const keys = { oldKey, newKey: next.publicKey, ...companions };
  return { ...keys, signature: next.sign(rotationStatement(place, keys)) };
}

/** Whether the new key agreed to this rotation in this place. That the old one did is the entry's own signature. */
export function newKeyAgrees({ station, index }: JournalEntry, rotation: KeyRotation): boolean {
  const statement = rotationStatement({ origin: station, index }, rotation);
  return ed25519Verifier(rotation.newKey)(statement, rotation.signature);
}

/** The rotation that an entry holds; undefined for any other entry. */
export function rotationIn(entry: JournalEntry): KeyRotation | undefined {
  return entry.kind === 'config' ? entry.body.rotation : undefined;
}

/** An entry that hands the log from one key to the next, verified on both sides. */
export interface VerifiedRotation {
  readonly index: number;
  readonly origin: string;
  readonly rotation: KeyRotation;
}

/**
 * Verifies an entry that is said to be a rotation: the key that it names as the old one signed it, the new one agreed. Whether
 * the old key is one to be believed is the caller's question.
 * @throws JournalError `journal.entry_malformed`, `journal.entry_foreign_key`, `journal.entry_bad_signature`
 */
export function verifyRotation(cose: Uint8Array, oldKey: Uint8Array): VerifiedRotation {
  const entry = verifyEntry(cose, oldKey);
  const rotation = checkedRotation(entry, oldKey);
  if (rotation === undefined) {
    throw new JournalError('journal.entry_malformed', `entry ${entry.index} is no rotation of keys`);
  }
  return { index: entry.index, origin: entry.station, rotation };
}

/**
 * The rotation that a verified entry holds, checked on its other side; undefined when it holds none.
 * @param signedBy the key that the entry itself was verified with
 * @throws JournalError `journal.entry_foreign_key`, `journal.entry_bad_signature`
 */
export function checkedRotation(entry: JournalEntry, signedBy: Uint8Array): KeyRotation | undefined {
  const rotation = rotationIn(entry);
  if (rotation === undefined) return undefined;
  if (!equalBytes(rotation.oldKey, signedBy)) {
    throw new JournalError(
      'journal.entry_foreign_key',
      `the rotation in entry ${entry.index} is of another key`,
    );
  }
  if (!newKeyAgrees(entry, rotation)) {
    throw new JournalError(
      'journal.entry_bad_signature',
      `the new key did not sign the rotation in entry ${entry.index}`,
    );
  }
  return rotation;
}
