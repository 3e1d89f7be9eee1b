import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ocmfPayload, parsePublicKey, verifyOcmf } from '../../../src/ocmf/index.ts';
import { CURVE_NAMES, CURVES, fieldBytes, type CurveName } from '../../../src/ocmf/curves.ts';
import { isSameKey } from '../../../src/ocmf/public-key.ts';
import { hasCode } from '../../support/has-code.ts';
import {
  base64Of,
  BEGIN,
  failedOf,
  hexOf,
  opensslKey,
  type OpensslKey,
} from '../../support/receipt/ocmf-session.ts';

/** Names of table 22 and of makers, with OpenSSL's name for the curve. */
const ALGORITHMS: readonly (readonly [string, CurveName, string])[] = [
  ['ECDSA-secp192k1-SHA256', 'secp192k1', 'secp192k1'],
  ['ECDSA-secp256k1-SHA256', 'secp256k1', 'secp256k1'],
  ['ECDSA-secp192r1-SHA256', 'secp192r1', 'prime192v1'],
  ['ECDSA-secp256r1-SHA256', 'secp256r1', 'prime256v1'],
  ['ECDSA-brainpool256r1-SHA256', 'brainpoolP256r1', 'brainpoolP256r1'],
  ['ECDSA-secp384r1-SHA256', 'secp384r1', 'secp384r1'],
  ['ECDSA-brainpool384r1-SHA256', 'brainpoolP384r1', 'brainpoolP384r1'],
  ['ECDSA-secp521r1-SHA256', 'secp521r1', 'secp521r1'],
  ['ECDSA-secp521r1-SHA512', 'secp521r1', 'secp521r1'],
  ['ECDSA-secp384r1-SHA384', 'secp384r1', 'secp384r1'],
  ['ECDSA-brainpool512r1-SHA512', 'brainpoolP512r1', 'brainpoolP512r1'],
  ['ECDSA-brainpoolP256r1-SHA256', 'brainpoolP256r1', 'brainpoolP256r1'],
  ['ECDSA-brainpoolP384r1-SHA256', 'brainpoolP384r1', 'brainpoolP384r1'],
  ['ecdsa-SECP256R1-sha256', 'secp256r1', 'prime256v1'],
  ['ECDSA_prime256v1_SHA-256', 'secp256r1', 'prime256v1'],
  ['ECDSA P-256 SHA256', 'secp256r1', 'prime256v1'],
  ['ECDSA-NIST P-384-SHA256', 'secp384r1', 'secp384r1'],
];

const PAYLOAD = ocmfPayload(BEGIN);
const MESSAGE = new Uint8Array(Buffer.from(PAYLOAD));
const hashOf = (algorithm: string): string => `sha${algorithm.slice(-3)}`;

function recordOf(key: OpensslKey, algorithm: string, form: 'der' | 'ieee-p1363', isBase64: boolean): string {
  const signature = key.sign(MESSAGE, hashOf(algorithm), form);
  const section = isBase64
    ? { SA: algorithm, SE: 'base64', SD: base64Of(signature) }
    : { SD: hexOf(signature), SA: algorithm };
  return `OCMF|${PAYLOAD}|${JSON.stringify(section)}`;
}

/** SEC 1 §2.3.3. */
const compress = (point: Uint8Array, size: number): Uint8Array =>
  Uint8Array.of(2 + ((point.at(-1) ?? 0) % 2), ...point.subarray(1, 1 + size));

describe('signatures that OpenSSL made', () => {
  it.each(ALGORITHMS)(
    'verify for %s, in every encoding and with every form of the key',
    (name, curve, openssl) => {
      const key = opensslKey(openssl);
      const compressed = compress(key.point, fieldBytes(curve));
      const keys = [
        key.spki,
        key.point,
        compressed,
        hexOf(key.spki),
        hexOf(key.spki).toUpperCase().replace(/..../g, '$& '),
        base64Of(key.spki),
        `-----BEGIN PUBLIC KEY-----\n${base64Of(key.spki)}\n-----END PUBLIC KEY-----\n`,
        hexOf(key.point),
        hexOf(compressed),
        base64Of(key.point),
        // As Isabellenhütte prints it.
        hexOf(key.point.subarray(1)),
      ];
      for (const form of ['der', 'ieee-p1363'] as const) {
        for (const isBase64 of [false, true]) {
          const record = recordOf(key, name, form, isBase64);
          const report = verifyOcmf(record, { publicKey: key.spki });
          expect(failedOf(report), JSON.stringify(report.checks)).toEqual([]);
          expect(report.authentic).toBe(true);
        }
      }
      const record = recordOf(key, name, 'der', false);
      for (const publicKey of keys) expect(verifyOcmf(record, { publicKey }).authentic).toBe(true);
    },
  );

  it.each(ALGORITHMS)(
    'of %s are refused for another key, and for another payload',
    (name, _curve, openssl) => {
      const key = opensslKey(openssl);
      const record = recordOf(key, name, 'der', false);
      expect(failedOf(verifyOcmf(record, { publicKey: opensslKey(openssl).spki }))).toEqual(['signature']);
      const changed = record.replace('2935.60', '2935.61');
      expect(failedOf(verifyOcmf(changed, { publicKey: key.spki }))).toEqual(['signature']);
    },
  );

  it('say by name that the key is of another curve than the record names', () => {
    const key = opensslKey('secp256k1');
    const record = recordOf(key, 'ECDSA-secp256r1-SHA256', 'der', false);
    expect(failedOf(verifyOcmf(record, { publicKey: key.spki }))).toEqual(['public-key']);
  });

  it('take the curve of the key where the record names no algorithm', () => {
    const key = opensslKey('brainpoolP384r1');
    const record = `OCMF|${PAYLOAD}|${JSON.stringify({ SD: hexOf(key.sign(MESSAGE, 'sha256', 'der')) })}`;
    expect(verifyOcmf(record, { publicKey: key.spki }).authentic).toBe(true);
    // A bare point names no curve, so the default of the specification counts, on which this point does not lie.
    expect(failedOf(verifyOcmf(record, { publicKey: key.point }))).toEqual(['public-key']);
  });

  it.each(['RSA-2048-SHA256', 'ECDSA-secp256r1-MD5', 'ECDSA-secp112r1-SHA256', '', 'toString'])(
    'of the algorithm "%s" are not checked, and its name fails',
    (name) => {
      const key = opensslKey('prime256v1');
      const section = { SA: name, SD: hexOf(key.sign(MESSAGE, 'sha256', 'der')) };
      const report = verifyOcmf(`OCMF|${PAYLOAD}|${JSON.stringify(section)}`, { publicKey: key.spki });
      expect(failedOf(report)).toEqual(['signature-algorithm']);
      expect(report.ok).toBe(false);
    },
  );
});

describe('a curve', () => {
  it.each(CURVE_NAMES)('%s has its generator on it', (name) => {
    const { p, a, b, Gx, Gy } = CURVES[name];
    expect((Gy * Gy - (Gx * Gx * Gx + a * Gx + b)) % p).toBe(0n);
  });
});

describe('a public key', () => {
  it('is the same in every form', () => {
    const key = opensslKey('brainpoolP256r1');
    const compressed = compress(key.point, 32);
    const forms = [key.spki, key.point, compressed].map(parsePublicKey);
    for (const one of forms) for (const other of forms) expect(isSameKey(one, other)).toBe(true);
    expect(isSameKey(forms[0]!, parsePublicKey(opensslKey('brainpoolP256r1').spki))).toBe(false);
  });

  it('on the other side of the x axis is another one', () => {
    const { point } = opensslKey('prime256v1');
    const x = point.subarray(1, 33);
    const [even, odd] = [2, 3].map((first) => parsePublicKey(Uint8Array.of(first, ...x)));
    expect(isSameKey(even!, odd!)).toBe(false);
  });

  const { spki, point } = opensslKey('prime256v1');
  const offCurve = point.slice();
  offCurve[64]! ^= 1;
  const refused: readonly (readonly [string, string | Uint8Array])[] = [
    ['nothing', ''],
    ['words', 'my meter'],
    ['a text far too long', '00'.repeat(10_000)],
    ['a point off the curve', offCurve],
    [
      'a SubjectPublicKeyInfo whose point is off the curve',
      Uint8Array.of(...spki.subarray(0, -65), ...offCurve),
    ],
    ['a SubjectPublicKeyInfo with a byte more', Uint8Array.of(...spki, 0)],
    ['a SubjectPublicKeyInfo cut short', spki.subarray(0, -1)],
    ['infinity', Uint8Array.of(0)],
    ['zeros', new Uint8Array(65)],
    ['a curve that OCMF does not use', opensslKey('secp224r1').spki],
    ['a key that is not of an elliptic curve', rsaKey()],
    ['explicit parameters instead of a named curve', explicitParameters()],
  ];
  it.each(refused)('is refused: %s', (_name, key) => {
    expect(() => parsePublicKey(key)).toThrow(hasCode('ocmf.bad_key'));
  });
});

function rsaKey(): Uint8Array {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
}

/** The domain parameters written out instead of their name (CVE-2020-0601 lived on believing those). */
function explicitParameters(): Uint8Array {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' });
  expect(createPublicKey(publicKey.export({ format: 'pem', type: 'spki' })).asymmetricKeyType).toBe('ec');
  return new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
}
