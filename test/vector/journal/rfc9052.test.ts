// The COSE_Sign1 examples of the COSE working group (github.com/cose-wg/Examples, sign1-tests and eddsa-examples, those that
// RFC 9052 appendix C refers to), and the Ed25519 vectors of RFC 8032 §7.1.
//
// An entry of ours is COSE_Sign1 with Ed25519, which none of the published COSE_Sign1 examples is: they are ES256 on P-256 and
// EdDSA on Ed448. So they cannot be read as entries; that they are refused is tested here too. What they do settle is what a
// signature is over: the Sig_structure. It is built below by the words of RFC 9052 §4.4, shown to be right by the examples and
// by their signatures, and then compared with that of an entry. Ed25519 itself is settled by RFC 8032.
import { decode, encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ed25519Verifier } from '../../../src/journal/entry/ed25519.ts';
import { decodeEntry, encodeEntry, type JournalEntry } from '../../../src/journal/index.ts';
import { ORIGIN, reading, SIGNER, START_MS } from '../../support/journal/journal-fixture.ts';

const CONTENT = Buffer.from('This is the content.');
const bytes = (text: string) => Buffer.from(text, 'hex');

/** RFC 9052 §4.4. */
function sigStructure(protectedHeader: Uint8Array, payload: Uint8Array, external = new Uint8Array(0)) {
  return Buffer.from(encode(['Signature1', protectedHeader, external, payload], rfc8949EncodeOptions));
}

const P256 = createPublicKey({
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8',
    y: 'IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4',
  },
  format: 'jwk',
});
const ED448 = createPublicKey({
  key: {
    kty: 'OKP',
    crv: 'Ed448',
    x: bytes(
      '5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6cd1fa1abeafe8256180',
    ).toString('base64url'),
  },
  format: 'jwk',
});

interface Example {
  readonly name: string;
  readonly key: KeyObject;
  readonly protectedHeader: string;
  readonly external: string;
  readonly toBeSigned: string;
  readonly message: string;
}
const EXAMPLES: readonly Example[] = [
  {
    name: 'sign1-tests/sign-pass-01: empty protected header',
    key: P256,
    protectedHeader: '',
    external: '',
    toBeSigned: '846A5369676E617475726531404054546869732069732074686520636F6E74656E742E',
    message:
      'D28441A0A201260442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E11A02E5F0344BF2D4EE5C7FD75A68A9F5E0B3CC1F1FC1409C189566586FF9D610',
  },
  {
    name: 'sign1-tests/sign-pass-02: external data',
    key: P256,
    protectedHeader: 'A10126',
    external: '11aa22bb33cc44dd55006699',
    toBeSigned:
      '846A5369676E61747572653143A101264C11AA22BB33CC44DD5500669954546869732069732074686520636F6E74656E742E',
    message:
      'D28443A10126A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E155388B10C4F1B59A6733EAB416870A945111A4B2FBDBEF33A77234B1DEFF2F9B',
  },
  {
    name: 'sign1-tests/sign-pass-03: without its tag',
    key: P256,
    protectedHeader: 'A10126',
    external: '',
    toBeSigned: '846A5369676E61747572653143A101264054546869732069732074686520636F6E74656E742E',
    message:
      '8443A10126A10442313154546869732069732074686520636F6E74656E742E5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794',
  },
  {
    name: 'eddsa-examples/eddsa-sig-02: EdDSA on Ed448',
    key: ED448,
    protectedHeader: 'A10127',
    external: '',
    toBeSigned: '846A5369676E61747572653143A101274054546869732069732074686520636F6E74656E742E',
    message:
      'D28443A10127A10445336434343854546869732069732074686520636F6E74656E742E5872988240A3A2F189BD486DE14AA77F54686C576A09F2E7ED9BAE910DF9139C2AC3BE7C27B7E10A20FA17C9D57D3510A2CF1F634BC0345AB9BE00849842171D1E9E98B2674C0E38BFCF6C557A1692B01B71015A47AC9F7748840CAD1DA80CBB5B349309FEBB912672B377C8B2072AF1598B3700',
  },
];
/** sign1-tests/sign-fail-02: the content of sign-pass-03 with another last letter. */
const CHANGED =
  'D28443A10126A10442313154546869732069732074686520636F6E74656E742F5840EAE868ECC176883766C5DC5BA5B8DCA25DAB3C2E56A551CE5705B793914348E19F43D6C6BA654472DA301B645B293C9BA939295B97C4BDB847782BFF384C5794';

/** [protected, unprotected, payload, signature], with its tag or without. */
function parts(message: string): [Buffer, unknown, Buffer, Buffer] {
  const tags = { 18: Tagged.decoder(18) };
  const decoded: unknown = decode(bytes(message), { useMaps: true, tags });
  return (decoded instanceof Tagged ? decoded.value : decoded) as [Buffer, unknown, Buffer, Buffer];
}

function isSignedBy(key: KeyObject, toBeSigned: Buffer, signature: Buffer): boolean {
  const isEcdsa = key.asymmetricKeyType === 'ec';
  return isEcdsa
    ? verify('sha256', toBeSigned, { key, dsaEncoding: 'ieee-p1363' }, signature)
    : verify(null, toBeSigned, key, signature);
}

describe('the Sig_structure', () => {
  it.each(EXAMPLES)('is that of $name, and its signature is over it', (example) => {
    const { key, protectedHeader, external, toBeSigned, message } = example;
    const built = sigStructure(bytes(protectedHeader), CONTENT, bytes(external));
    expect(built.toString('hex').toUpperCase()).toBe(toBeSigned);
    const [, , payload, signature] = parts(message);
    expect(Buffer.from(payload).equals(CONTENT)).toBe(true);
    expect(isSignedBy(key, built, Buffer.from(signature))).toBe(true);
    expect(isSignedBy(key, sigStructure(bytes('A1011A'), CONTENT), Buffer.from(signature))).toBe(false);
  });

  it('of sign1-tests/sign-fail-02 is not what was signed', () => {
    const [header, , payload, signature] = parts(CHANGED);
    expect(isSignedBy(P256, sigStructure(header, payload), Buffer.from(signature))).toBe(false);
  });

  it('of an entry of ours is built in the same way', () => {
    const entry = {
      ...{ station: ORIGIN, index: 7, kind: 'reading', timeMs: START_MS, clock: 'S', bootCount: 1 },
      ...{ sinceBootMs: 5, body: reading(1) },
    } as JournalEntry;
    const message = Buffer.from(encodeEntry(entry, SIGNER)).toString('hex');
    const [header, unprotected, payload, signature] = parts(message);
    const built = sigStructure(header, payload);
    expect(unprotected).toEqual(new Map());
    expect(Buffer.from(decodeEntry(bytes(message)).signedBytes).equals(built)).toBe(true);
    expect(ed25519Verifier(SIGNER.publicKey)(built, signature)).toBe(true);
  });
});

it.each([...EXAMPLES.map(({ name, message }) => [name, message]), ['sign-fail-02', CHANGED]])(
  'a COSE message of another profile is no entry: %s',
  (_name, message = '') => {
    expect(() => decodeEntry(bytes(message))).toThrow(
      expect.objectContaining({ code: 'journal.entry_malformed' }),
    );
  },
);

describe('Ed25519 (RFC 8032 §7.1)', () => {
  it.each([
    [
      'TEST 1',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'TEST 2',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'TEST 3',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('%s verifies, and no changed message does', (_name, publicKey, message, signature) => {
    const verifies = ed25519Verifier(bytes(publicKey));
    expect(verifies(bytes(message), bytes(signature))).toBe(true);
    expect(verifies(bytes(`${message}00`), bytes(signature))).toBe(false);
    const changed = bytes(signature);
    changed[63] = changed[63]! ^ 1;
    expect(verifies(bytes(message), changed)).toBe(false);
  });
});
