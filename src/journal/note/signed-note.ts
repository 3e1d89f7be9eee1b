import { hash } from 'node:crypto';
import { equalBytes, fromBase64, toBase64 } from '../bytes.ts';
import { ed25519Verifier, KEY_BYTES } from '../entry/ed25519.ts';
import { JournalError } from '../errors.ts';

/** C2SP signed-note: text, an empty line, signature lines `— <key name> <base64(key id || signature)>`. */
export interface SignedNote {
  /** Signed as it stands, its last newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  readonly keyName: string;
  /** 4 bytes: with the name, it says which key and algorithm; it proves nothing. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

/** A key that is trusted under a name. Ed25519 (signature type 0x01) only. */
export interface NoteKey {
  readonly keyName: string;
  readonly publicKey: Uint8Array;
}

/** Signature type byte of plain Ed25519 notes. */
const ED25519_TYPE = 1;
/** The specification asks for at least 16; a hostile note must not cost more than this. */
const MAX_SIGNATURES = 64;
const MAX_NOTE_CHARACTERS = 1_000_000;
/** Controls below U+0020 other than newline. */
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f]|\p{Surrogate}/u;
const SIGNATURE_LINE = /^\u2014 ([^\s\u0085+]+) ([A-Za-z0-9+/=]+)$/u;
const KEY_NAME = /^[^\s\u0085+]+$/u;

/** Key id of an Ed25519 note key: SHA-256(name || 0x0A || 0x01 || public key)[:4]. */
export function noteKeyId({ keyName, publicKey }: NoteKey): Uint8Array {
  const named = Buffer.concat([Buffer.from(`${keyName}\n`), Buffer.of(ED25519_TYPE), publicKey]);
  return hash('sha256', named, 'buffer').subarray(0, 4);
}

/** `<name>+<key id in hex>+<base64(0x01 || public key)>`. */
export function formatVerifierKey(key: NoteKey): string {
  const typed = Buffer.concat([Buffer.of(ED25519_TYPE), key.publicKey]);
  return `${key.keyName}+${Buffer.from(noteKeyId(key)).toString('hex')}+${typed.toString('base64')}`;
}

/** @throws JournalError `journal.note_malformed` */
export function parseVerifierKey(text: string): NoteKey {
  const [, keyName = '', keyId = '', encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) ?? [];
  const typed = fromBase64(encoded);
  if (!KEY_NAME.test(keyName) || typed?.length !== 1 + KEY_BYTES || typed[0] !== ED25519_TYPE) {
    throw malformed('not an Ed25519 verifier key');
  }
  const key = { keyName, publicKey: typed.slice(1) };
  if (Buffer.from(noteKeyId(key)).toString('hex') !== keyId)
    throw malformed('the key id does not fit the key');
  return key;
}

/** @throws JournalError `journal.note_malformed` when the text or a key name could not be read back */
export function formatSignedNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map(({ keyName, keyId, signature }) => {
    return `\u2014 ${keyName} ${toBase64(Buffer.concat([keyId, signature]))}\n`;
  });
  const note = `${text}\n${lines.join('')}`;
  if (parseSignedNote(note).text !== text) throw malformed('the text cannot be told from the signatures');
  return note;
}

/** One Ed25519 signature line over `text`. */
export function signNoteText(
  text: string,
  key: NoteKey & { sign(message: Uint8Array): Uint8Array },
): NoteSignature {
  return { keyName: key.keyName, keyId: noteKeyId(key), signature: key.sign(Buffer.from(text)) };
}

/**
 * Reads a note without believing it: use verifyNote before acting on the text.
 * @throws JournalError `journal.note_malformed`
 */
export function parseSignedNote(note: string): SignedNote {
  if (note.length > MAX_NOTE_CHARACTERS) throw malformed('it is too long');
  if (FORBIDDEN.test(note)) throw malformed('it has control characters or broken UTF-16');
  const gap = note.lastIndexOf('\n\n');
  if (gap < 0 || !note.endsWith('\n')) throw malformed('no signatures after an empty line');
  const lines = note.slice(gap + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`more than ${MAX_SIGNATURES} signatures`);
  return { text: note.slice(0, gap + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const [, keyName = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (keyName === '' || bytes === undefined || bytes.length < 5) throw malformed('a bad signature line');
  return { keyName, keyId: bytes.slice(0, 4), signature: bytes.slice(4) };
}

/**
 * Checks the signatures of the keys given; those of other keys (witnesses, other types) are ignored, as the
 * specification demands.
 * @returns the keys whose signature was verified, at least one
 * @throws JournalError `journal.note_unsigned` when none of the keys signed, `journal.note_bad_signature` when the
 * signature of one of them is wrong
 */
export function verifyNote(note: SignedNote, keys: readonly NoteKey[]): readonly NoteKey[] {
  const message = Buffer.from(note.text);
  const verified = keys.filter((key) => {
    const keyId = noteKeyId(key);
    const own = note.signatures.filter((s) => s.keyName === key.keyName && equalBytes(s.keyId, keyId));
    const verifies = ed25519Verifier(key.publicKey);
    if (own.some(({ signature }) => !verifies(message, signature))) {
      throw new JournalError('journal.note_bad_signature', `the signature of ${key.keyName} is wrong`);
    }
    return own.length > 0;
  });
  if (verified.length === 0) {
    throw new JournalError('journal.note_unsigned', 'the note has no signature of a known key', {
      details: { known: keys.map((key) => key.keyName), found: note.signatures.map((s) => s.keyName) },
    });
  }
  return verified;
}

function malformed(why: string): JournalError {
  return new JournalError('journal.note_malformed', `not a signed note: ${why}`);
}
