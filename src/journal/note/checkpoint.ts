import { fromBase64, parseCount, toBase64 } from '../bytes.ts';
import { JournalError } from '../errors.ts';
import { HASH_BYTES } from '../tree/merkle-tree.ts';
import {
  formatSignedNote,
  parseSignedNote,
  signNoteText,
  verifyNote,
  type SignedNote,
} from './signed-note.ts';

/** C2SP tlog-checkpoint: what a log commits itself to. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  /** RFC 6962 root of the first `size` entries. */
  readonly root: Uint8Array;
  /** Opaque lines after the root; we write none. */
  readonly extensions: readonly string[];
}

/** The log's own key: C2SP asks that its name be the origin. */
export interface CheckpointSigner {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The signed note, ready to be published. Whoever calls has made sure that the tree is on disk: a log must never sign
 * two checkpoints of which neither is the beginning of the other.
 * @throws JournalError `journal.note_malformed` for an origin that is no key name
 */
export function signCheckpoint(
  { origin, size, root }: Pick<Checkpoint, 'origin' | 'size' | 'root'>,
  signer: CheckpointSigner,
): string {
  const text = `${origin}\n${size}\n${toBase64(root)}\n`;
  const signature = signNoteText(text, {
    keyName: origin,
    publicKey: signer.publicKey,
    sign: (message) => signer.sign(message),
  });
  return formatSignedNote({ text, signatures: [signature] });
}

/**
 * Reads a checkpoint without believing it.
 * @throws JournalError `journal.note_malformed`, `journal.checkpoint_malformed`
 */
export function parseCheckpoint(text: string): Checkpoint & { readonly note: SignedNote } {
  const note = parseSignedNote(text);
  const [origin = '', sizeLine = '', rootLine = '', ...extensions] = note.text.slice(0, -1).split('\n');
  const size = parseCount(sizeLine);
  const root = fromBase64(rootLine);
  if (origin === '') throw malformed('the origin is empty');
  if (size === undefined) throw malformed('the second line is no tree size');
  if (root?.length !== HASH_BYTES) throw malformed('the third line is no SHA-256 hash in base64');
  if (extensions.includes('')) throw malformed('an extension line is empty');
  return { origin, size, root, extensions, note };
}

/**
 * Reads a checkpoint and verifies the log's own signature; other signatures (witnesses) are left alone.
 * @throws JournalError as parseCheckpoint, `journal.checkpoint_wrong_origin`, `journal.note_unsigned`,
 * `journal.note_bad_signature`
 */
export function verifyCheckpoint(
  text: string,
  log: { readonly origin: string; readonly publicKey: Uint8Array },
): Checkpoint & { readonly note: SignedNote } {
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== log.origin) {
    throw new JournalError('journal.checkpoint_wrong_origin', `the checkpoint is of ${checkpoint.origin}`, {
      details: { expected: log.origin, found: checkpoint.origin },
    });
  }
  verifyNote(checkpoint.note, [{ keyName: log.origin, publicKey: log.publicKey }]);
  return checkpoint;
}

function malformed(why: string): JournalError {
  return new JournalError('journal.checkpoint_malformed', `not a checkpoint: ${why}`);
}
