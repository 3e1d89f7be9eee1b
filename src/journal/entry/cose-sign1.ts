import { Tagged } from 'cborg';
import { equalBytes } from '../bytes.ts';
import { CborWriter, encodeCbor } from './cbor-encode.ts';
import { CBOR_TAGS, decodeCbor } from './cbor-field.ts';
import { ed25519Verifier, entryKeyId, KEY_ID_BYTES, SIGNATURE_BYTES } from './ed25519.ts';
import type { Ed25519Verifier, JournalSigner } from './ed25519.ts';
import { payloadFromCbor, writePayload } from './entry-payload.ts';
import type { JournalEntry } from './entry-types.ts';
import { JournalError } from '../errors.ts';

/** RFC 9052 §4.2. */
const COSE_SIGN1_TAG = 18;
/** RFC 9053 §2.2: EdDSA; with a 32-byte key it is Ed25519. */
const EDDSA = -8;
const HEADER = { alg: 1, contentType: 3, kid: 4 } as const;
export const ENTRY_CONTENT_TYPE = 'application/vnd.delmonicos.entry+cbor';
/** Bounds what reading one row can cost. The largest thing in an entry is an OCMF record (OCPP 2.1: 32,768 characters). */
export const MAX_ENTRY_BYTES = 65_536;

/** The heads of payload and signature, at most. */
const FRAME_BYTES = 7;
const SIGNATURE_HEAD = encoded((to) => to.bytesHead(SIGNATURE_BYTES));

/** One entry is encoded at a time, and nothing of it stays here. */
const scratch = new CborWriter();
const headScratch = new CborWriter();

export interface DecodedEntry {
  readonly entry: JournalEntry;
  /** `kid`: which key the entry says it was signed with. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
  /** What the signature is over: the Sig_structure of RFC 9052 §4.4. */
  readonly signedBytes: Uint8Array;
}

/** An entry that lacks its signature only. */
export interface UnsignedEntry {
  /** What the signature is over: the Sig_structure of RFC 9052 §4.4. */
  readonly signedBytes: Uint8Array;
  /** The whole message. */
  readonly seal: (signature: Uint8Array) => Uint8Array;
}

/**
 * Everything of an entry up to its signature, so that signing can happen elsewhere.
 * @throws JournalError `journal.entry_invalid` when a field does not fit the format or the whole is too large
 */
export function prepareEntry(entry: JournalEntry, keyId: Uint8Array): UnsignedEntry {
  const frame = frameOf(keyId);
  scratch.clear();
  try {
    writePayload(entry, scratch);
  } catch (error) {
    throw new JournalError('journal.entry_invalid', `the entry cannot be written: ${why(error)}`, {
      cause: error,
    });
  }
  const payload = scratch.written();
  if (frame.message.length + payload.length + SIGNATURE_BYTES + FRAME_BYTES > MAX_ENTRY_BYTES) {
    throw new JournalError('journal.entry_invalid', `the entry is larger than ${MAX_ENTRY_BYTES} bytes`);
  }
  const signedBytes = toBeSigned(frame, payload);
  return {
    signedBytes,
    seal: (signature) => sealed(frame, signedBytes, signature),
  };
}

/** The Sig_structure: its last part is the payload. */
function toBeSigned(frame: Frame, payload: Uint8Array): Uint8Array {
  headScratch.clear();
  headScratch.bytesHead(payload.length);
  return Buffer.concat([frame.sigStructure, headScratch.written(), payload]);
}

/** The message: what was signed has its payload at the end, with its head. */
function sealed(frame: Frame, signedBytes: Uint8Array, signature: Uint8Array): Uint8Array {
  const payload = signedBytes.subarray(frame.sigStructure.length);
  return Buffer.concat([frame.message, payload, SIGNATURE_HEAD, signature]);
}

/** One entry as COSE_Sign1 (FORMATS: journal entry), in deterministic CBOR. @throws as prepareEntry */
export function encodeEntry(entry: JournalEntry, signer: JournalSigner): Uint8Array {
  const { signedBytes, seal } = prepareEntry(entry, signer.keyId);
  return seal(signer.sign(signedBytes));
}

/**
 * Reads an entry without believing it. Accepts exactly what encodeEntry could have written: any other encoding of the
 * same content is refused, so that one entry has one hash.
 * @throws JournalError `journal.entry_malformed`
 */
export function decodeEntry(bytes: Uint8Array): DecodedEntry {
  try {
    return decodeStrictly(bytes);
  } catch (error) {
    throw new JournalError('journal.entry_malformed', `not a journal entry: ${why(error)}`, { cause: error });
  }
}

/** Verifies entries of one key; imports it once. The function throws as verifyEntry does. */
export function entryVerifier(publicKey: Uint8Array): (bytes: Uint8Array) => JournalEntry {
  const keyId = entryKeyId(publicKey);
  const verifies = ed25519Verifier(publicKey);
  return (bytes) => checked(decodeEntry(bytes), keyId, verifies);
}

/**
 * Reads an entry and checks that this key signed it.
 * @throws JournalError `journal.entry_malformed`, `journal.entry_foreign_key` (it names another key),
 * `journal.entry_bad_signature`
 */
export function verifyEntry(bytes: Uint8Array, publicKey: Uint8Array): JournalEntry {
  return entryVerifier(publicKey)(bytes);
}

function checked(decoded: DecodedEntry, keyId: Uint8Array, verifies: Ed25519Verifier): JournalEntry {
  if (!equalBytes(decoded.keyId, keyId)) {
    throw new JournalError('journal.entry_foreign_key', 'the entry is signed by another key', {
      details: {
        expected: Buffer.from(keyId).toString('hex'),
        found: Buffer.from(decoded.keyId).toString('hex'),
      },
    });
  }
  if (!verifies(decoded.signedBytes, decoded.signature)) {
    throw new JournalError('journal.entry_bad_signature', "the entry's signature is wrong");
  }
  return decoded.entry;
}

function decodeStrictly(bytes: Uint8Array): DecodedEntry {
  if (bytes.length > MAX_ENTRY_BYTES) throw new TypeError(`it is larger than ${MAX_ENTRY_BYTES} bytes`);
  const message = decodeCbor(bytes, COSE_SIGN1_TAG);
  const parts: unknown =
    message instanceof Tagged && message.tag === COSE_SIGN1_TAG ? message.value : undefined;
  if (!Array.isArray(parts) || parts.length !== 4) throw new TypeError('it is no tagged COSE_Sign1');
  const [protectedHeader, unprotectedHeader, payload, signature] = parts as unknown[];
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size !== 0) {
    throw new TypeError('its unprotected header is not empty');
  }
  if (!isBytes(protectedHeader) || !isBytes(payload) || !isBytes(signature))
    throw new TypeError('a part is no bytes');
  if (signature.length !== SIGNATURE_BYTES)
    throw new TypeError(`its signature is not ${SIGNATURE_BYTES} bytes`);
  const { keyId, frame } = readProtectedHeader(protectedHeader);
  const entry = payloadFromCbor(decodeCbor(payload, ...CBOR_TAGS));
  // The one check that covers key order and every other freedom that CBOR leaves: it must be what we would write.
  scratch.clear();
  writePayload(entry, scratch);
  if (!equalBytes(scratch.written(), payload)) throw new TypeError('its payload is not deterministic CBOR');
  const signedBytes = toBeSigned(frame, payload);
  if (!equalBytes(sealed(frame, signedBytes, signature), bytes)) {
    throw new TypeError('it is not deterministic CBOR');
  }
  return { entry, keyId, signature, signedBytes };
}

interface ReadHeader {
  readonly keyId: Uint8Array;
  readonly frame: Frame;
  readonly bytes: Uint8Array;
}

/** Entries come in runs of one key: what its header says need not be read again while the next one is the same. */
let lastHeader: ReadHeader | undefined;

function readProtectedHeader(bytes: Uint8Array): ReadHeader {
  if (lastHeader !== undefined && equalBytes(lastHeader.bytes, bytes)) return lastHeader;
  const header = decodeCbor(bytes);
  const kid: unknown = header instanceof Map ? header.get(HEADER.kid) : undefined;
  if (!isBytes(kid) || kid.length !== KEY_ID_BYTES)
    throw new TypeError(`its kid is not ${KEY_ID_BYTES} bytes`);
  if (!equalBytes(encodeProtectedHeader(kid), bytes)) {
    throw new TypeError(`its protected header is not alg EdDSA, ${ENTRY_CONTENT_TYPE} and a kid`);
  }
  // Copies: what was decoded is a part of a larger buffer.
  const keyId = Uint8Array.from(kid);
  lastHeader = { keyId, frame: frameOf(keyId), bytes: Uint8Array.from(bytes) };
  return lastHeader;
}

function encodeProtectedHeader(keyId: Uint8Array): Uint8Array {
  return encodeCbor(
    new Map<number, unknown>([
      [HEADER.alg, EDDSA],
      [HEADER.contentType, ENTRY_CONTENT_TYPE],
      [HEADER.kid, keyId],
    ]),
  );
}

/** What comes before the payload in everything that one key signs. */
interface Frame {
  /** Of the Sig_structure, RFC 9052 §4.4, with empty external_aad. */
  readonly sigStructure: Uint8Array;
  /** Of the COSE_Sign1 message. */
  readonly message: Uint8Array;
}

const frames = new WeakMap<Uint8Array, Frame>();

/** The same for every entry of a key, so made once as long as its holder keeps the id. */
function frameOf(keyId: Uint8Array): Frame {
  const known = frames.get(keyId);
  if (known !== undefined) return known;
  const protectedHeader = encodeProtectedHeader(keyId);
  const made = { sigStructure: sigStructureStart(protectedHeader), message: messageStart(protectedHeader) };
  frames.set(keyId, made);
  return made;
}

function sigStructureStart(protectedHeader: Uint8Array): Uint8Array {
  return encoded((to) => {
    to.list(4);
    to.text('Signature1');
    to.bytes(protectedHeader);
    to.bytes(new Uint8Array(0));
  });
}

function messageStart(protectedHeader: Uint8Array): Uint8Array {
  return encoded((to) => {
    to.tag(COSE_SIGN1_TAG);
    to.list(4);
    to.bytes(protectedHeader);
    to.map(0);
  });
}

function encoded(write: (to: CborWriter) => void): Uint8Array {
  const to = new CborWriter();
  write(to);
  return Uint8Array.from(to.written());
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function why(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
