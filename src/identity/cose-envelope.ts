import { createHash } from 'node:crypto';
import { decode, encode, Tagged } from 'cborg';
import { verifyEd25519 } from './ed25519.ts';

/** RFC 9052 §4.2. */
const COSE_SIGN1_TAG = 18;
/** RFC 9053 §2.2: EdDSA; with a 32-byte key it is Ed25519. */
const EDDSA = -8;
const HEADER = { alg: 1, contentType: 3, kid: 4 } as const;
const KEY_ID_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** What of a payload is text, bytes or a whole number, by its integer key. */
export type EnvelopePayload = ReadonlyMap<number, string | number | Uint8Array>;

export interface EnvelopeKey {
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** A message that is read, and not believed yet. */
export interface Envelope {
  readonly contentType: string;
  /** First 8 bytes of SHA-256(public key): which key it says it was signed with. */
  readonly keyId: Uint8Array;
  readonly payload: EnvelopePayload;
  readonly signature: Uint8Array;
  /** What the signature is over: the Sig_structure of RFC 9052 §4.4. */
  readonly signedBytes: Uint8Array;
}

export function envelopeKeyId(publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(publicKey).digest().subarray(0, KEY_ID_BYTES));
}

/** A tagged COSE_Sign1 in deterministic CBOR (RFC 8949 §4.2.1); its unprotected header and external_aad are empty. */
export function sealEnvelope(contentType: string, payload: EnvelopePayload, key: EnvelopeKey): Uint8Array {
  const header = headerBytes(contentType, envelopeKeyId(key.publicKey));
  const content = encode(payload);
  return message(header, content, key.sign(toBeSigned(header, content)));
}

/**
 * Accepts exactly what `sealEnvelope` writes: any other encoding of the same content is refused. Nothing is believed yet.
 * @throws TypeError, and what cborg throws: the bytes are no such message
 */
export function readEnvelope(bytes: Uint8Array): Envelope {
  const outer = decodeStrictly(bytes);
  const parts: unknown = outer instanceof Tagged && outer.tag === COSE_SIGN1_TAG ? outer.value : undefined;
  if (!Array.isArray(parts) || parts.length !== 4) throw new TypeError('it is no tagged COSE_Sign1');
  const [header, unprotectedHeader, content, signature] = parts as unknown[];
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size !== 0)
    throw new TypeError('its unprotected header is not empty');
  if (!isBytes(header) || !isBytes(content) || !isBytes(signature)) throw new TypeError('a part is no bytes');
  if (signature.length !== SIGNATURE_BYTES)
    throw new TypeError(`its signature is not ${SIGNATURE_BYTES} bytes`);
  const { contentType, keyId } = readHeader(header);
  const payload = readPayload(content);
  if (!same(message(header, content, signature), bytes) || !same(encode(payload), content))
    throw new TypeError('it is not deterministic CBOR');
  return { contentType, keyId, payload, signature, signedBytes: toBeSigned(header, content) };
}

export function isSignedBy({ keyId, signedBytes, signature }: Envelope, publicKey: Uint8Array): boolean {
  return same(keyId, envelopeKeyId(publicKey)) && verifyEd25519(publicKey, signedBytes, signature);
}

function readHeader(bytes: Uint8Array): { contentType: string; keyId: Uint8Array } {
  const header = decodeStrictly(bytes);
  const [contentType, kid] =
    header instanceof Map ? ([header.get(HEADER.contentType), header.get(HEADER.kid)] as unknown[]) : [];
  if (typeof contentType !== 'string' || !isBytes(kid) || kid.length !== KEY_ID_BYTES)
    throw new TypeError('its protected header has no content type or key id');
  if (!same(headerBytes(contentType, kid), bytes))
    throw new TypeError('its protected header is not alg EdDSA, a content type and a key id');
  return { contentType, keyId: Uint8Array.from(kid) };
}

function readPayload(content: Uint8Array): EnvelopePayload {
  const payload = decodeStrictly(content);
  if (!(payload instanceof Map)) throw new TypeError('its payload is no map');
  for (const [key, value] of payload as Map<unknown, unknown>) {
    if (!Number.isSafeInteger(key)) throw new TypeError('its payload has a key that is no integer');
    const isPlain = typeof value === 'string' || isBytes(value) || Number.isSafeInteger(value);
    if (!isPlain) throw new TypeError('its payload has a value that is no text, bytes or integer');
  }
  return payload as EnvelopePayload;
}

function headerBytes(contentType: string, keyId: Uint8Array): Uint8Array {
  return encode(
    new Map<number, unknown>([
      [HEADER.alg, EDDSA],
      [HEADER.contentType, contentType],
      [HEADER.kid, keyId],
    ]),
  );
}

function toBeSigned(header: Uint8Array, content: Uint8Array): Uint8Array {
  return encode(['Signature1', header, new Uint8Array(0), content]);
}

function message(header: Uint8Array, content: Uint8Array, signature: Uint8Array): Uint8Array {
  // The tag's one byte (major type 6, value 18); cborg has no encoder for tags of its own.
  const tag = Buffer.of(0xc0 | COSE_SIGN1_TAG);
  return new Uint8Array(Buffer.concat([tag, encode([header, new Map(), content, signature])]));
}

function decodeStrictly(bytes: Uint8Array): unknown {
  return decode(bytes, {
    strict: true,
    useMaps: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowNaN: false,
    allowInfinity: false,
    rejectDuplicateMapKeys: true,
    tags: Tagged.preserve(COSE_SIGN1_TAG),
  }) as unknown;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
