import { decodeBytes } from './byte-text.ts';
import { CURVE_NAMES, CURVES, fieldBytes, type CurveName } from './curves.ts';
import { oidText, readDer, readSequence, TAG } from './der.ts';
import { isPoint } from './ecdsa.ts';
import { OcmfError } from './errors.ts';

/** A key as a registry or a record has it. */
export interface PublicKey {
  /** Named by the key itself; undefined for a bare point, whose curve the record has to name. */
  readonly curve: CurveName | undefined;
  /** SEC 1 §2.3.3: 04 and both coordinates, or 02 or 03 and one. */
  readonly point: Uint8Array;
}

const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
/** A key has some 100 bytes; what is far larger is something else. */
const MAX_KEY_TEXT = 4_096;

/**
 * Takes SubjectPublicKeyInfo (RFC 5480) or a bare point of P-256 or any other curve, as bytes, hex, base64 or PEM, with white
 * space anywhere. A bare point may lack its leading 04, as Isabellenhütte's meters print it. Keys with explicit curve
 * parameters are refused: whoever chooses the generator can sign for every key (CVE-2020-0601).
 * @throws OcmfError `ocmf.bad_key`
 */
export function parsePublicKey(key: string | Uint8Array): PublicKey {
  const bytes = typeof key === 'string' ? bytesOf(key) : key;
  if (bytes[0] === TAG.sequence) {
    const found = fromSpki(bytes);
    if (found !== undefined) return checked(found);
  }
  const point = asPoint(bytes);
  if (point === undefined) throw badKey('neither a SubjectPublicKeyInfo nor a point of a known curve');
  return checked({ curve: undefined, point });
}

function bytesOf(text: string): Uint8Array {
  if (text.length > MAX_KEY_TEXT) throw badKey('far too long for a key');
  const pem = /-----BEGIN PUBLIC KEY-----([^-]*)-----END PUBLIC KEY-----/.exec(text)?.[1];
  const bytes = decodeBytes((pem ?? text).trim().replace(/^0x/i, ''));
  if (bytes === undefined) throw badKey('neither hex nor base64');
  return bytes;
}

/** SEQUENCE { SEQUENCE { ecPublicKey, named curve }, BIT STRING point }. */
function fromSpki(bytes: Uint8Array): PublicKey | undefined {
  const [algorithm, subject, ...more] = readSequence(bytes) ?? [];
  if (algorithm?.tag !== TAG.sequence || subject?.tag !== TAG.bitString || more.length > 0) return undefined;
  const [type, parameters, ...rest] = readDer(algorithm.content) ?? [];
  if (type?.tag !== TAG.oid || oidText(type.content) !== EC_PUBLIC_KEY) {
    throw badKey('a key, but none of an elliptic curve: OCMF signs with ECDSA');
  }
  if (parameters?.tag !== TAG.oid || rest.length > 0) throw badKey('its curve is not named but spelled out');
  const oid = oidText(parameters.content);
  const curve = CURVE_NAMES.find((name) => CURVES[name].oid === oid);
  if (curve === undefined) throw badKey(`its curve ${oid ?? '?'} is none that OCMF uses`);
  if (subject.content[0] !== 0) throw badKey('its bits are no whole bytes');
  return { curve, point: subject.content.slice(1) };
}

const FIELD_SIZES: ReadonlySet<number> = new Set(CURVE_NAMES.map(fieldBytes));

function asPoint(bytes: Uint8Array): Uint8Array | undefined {
  const [first] = bytes;
  const { length } = bytes;
  if (first === 4 && length % 2 === 1 && FIELD_SIZES.has((length - 1) / 2)) return bytes.slice();
  if ((first === 2 || first === 3) && FIELD_SIZES.has(length - 1)) return bytes.slice();
  if (length % 2 === 0 && FIELD_SIZES.has(length / 2)) return Uint8Array.of(4, ...bytes);
  return undefined;
}

function checked(key: PublicKey): PublicKey {
  const onCurve =
    key.curve === undefined
      ? CURVE_NAMES.some((curve) => isPoint(curve, key.point))
      : isPoint(key.curve, key.point);
  if (!onCurve) throw badKey(`its point lies on no curve${key.curve === undefined ? '' : ` ${key.curve}`}`);
  return key;
}

/** Whether both are the same key, however each is written. */
export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  if (a.curve !== undefined && b.curve !== undefined && a.curve !== b.curve) return false;
  return xOf(a) === xOf(b) && parityOf(a) === parityOf(b);
}

function xOf({ point }: PublicKey): string {
  return (point[0] === 4 ? point.subarray(1, 1 + (point.length - 1) / 2) : point.subarray(1)).join();
}

function parityOf({ point }: PublicKey): number {
  return point[0] === 4 ? (point.at(-1) ?? 0) % 2 : (point[0] ?? 0) % 2;
}

function badKey(why: string): OcmfError {
  return new OcmfError('ocmf.bad_key', `the public key cannot be used: ${why}`, {
    hint: 'a key is a SubjectPublicKeyInfo or a point, in hex or base64',
  });
}
