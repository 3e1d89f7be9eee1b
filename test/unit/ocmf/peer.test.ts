import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Signer, Verifier, type PayloadData } from '@road-labs/ocmf';
import { Crypto } from '@road-labs/ocmf-crypto-noble';
import { describe, expect, it } from 'vitest';
import { createOcmfRecord, verifyOcmf } from '../../../src/ocmf/index.ts';
import { BEGIN, END, failedOf, OTHER_KEY, signed, STATION_KEY } from '../../support/receipt/ocmf-session.ts';

/** Another implementation of OCMF, by Road (npm `@road-labs/ocmf`, MIT): what one writes the other believes, and both refuse alike. */
const crypto = new Crypto();
const verifier = new Verifier(crypto);
const peerKey = async (spki: Uint8Array) => await crypto.decodeEcPublicKey(spki, 'spki-der');

describe('the records of the station, read by another implementation', () => {
  const everything = {
    ...END,
    user: { ...END.user!, tariff: 'A | B' },
    controllerFirmware: '3.1',
    meter: { ...END.meter, firmware: '1.0 ü' },
  };

  it.each([
    ['a begin', BEGIN],
    ['an end', END],
    ['a record with every text', everything],
  ])('verify: %s', async (_name, content) => {
    const record = createOcmfRecord(content, STATION_KEY);
    const { verified, value } = await verifier.parseAndVerify(
      record,
      await peerKey(STATION_KEY.publicKeySpki),
    );
    expect(verified).toBe(true);
    expect(value?.payloadData).toMatchObject({
      PG: `T${content.pagination.number}`,
      MS: '20230001',
      IS: true,
    });
  });

  it('are refused by both for another key, and for a changed digit', async () => {
    const other = await verifier.parseAndVerify(signed(BEGIN), await peerKey(OTHER_KEY.publicKeySpki));
    expect(other.verified).toBe(false);
    expect(failedOf(verifyOcmf(signed(BEGIN), { publicKey: OTHER_KEY.publicKeySpki }))).toEqual([
      'signature',
    ]);
    const changed = signed(BEGIN).replace('2935.60', '2935.61');
    const { verified } = await verifier.parseAndVerify(changed, await peerKey(STATION_KEY.publicKeySpki));
    expect(verified).toBe(false);
    expect(failedOf(verifyOcmf(changed, { publicKey: STATION_KEY.publicKeySpki }))).toEqual(['signature']);
  });
});

describe('records of another implementation', () => {
  const payload: PayloadData = {
    ...{ FV: '1.0', GI: 'Another', GS: '1', PG: 'T1', MS: '2', IS: true, IT: 'CENTRAL', ID: 'abc' },
    RD: [
      { TM: '2026-11-23T12:00:00,000+0000 S', TX: 'B', RV: 12.5, RI: '1-0:1.8.0', RU: 'kWh', ST: 'G' },
      { TM: '2026-11-23T13:00:00,000+0000 S', TX: 'E', RV: 22.75, RI: '1-0:1.8.0', RU: 'kWh', ST: 'G' },
    ],
  };

  it.each([
    ['ECDSA-secp192k1-SHA256', 'secp192k1'],
    ['ECDSA-secp192r1-SHA256', 'prime192v1'],
    ['ECDSA-secp256k1-SHA256', 'secp256k1'],
    ['ECDSA-secp256r1-SHA256', 'prime256v1'],
    ['ECDSA-secp384r1-SHA256', 'secp384r1'],
    ['ECDSA-brainpool256r1-SHA256', 'brainpoolP256r1'],
    ['ECDSA-brainpool384r1-SHA256', 'brainpoolP384r1'],
  ] as const)('verify here, and are refused when tampered with: %s', async (algorithm, namedCurve) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const pkcs8 = withNamedCurve(privateKey.export({ format: 'der', type: 'sec1' }), publicKey);
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    const key = await crypto.decodeEcPrivateKey(pkcs8, 'pkcs8-der');
    const record = await new Signer(crypto).sign(payload, key, algorithm);
    const report = verifyOcmf(record, { publicKey: spki });
    expect(failedOf(report)).toEqual([]);
    expect(report).toMatchObject({ authentic: true, sessions: [{ energyWh: '10250' }] });
    const changed = record.replace('22.75', '22.85');
    expect(failedOf(verifyOcmf(changed, { publicKey: spki }))).toEqual(['signature']);
    const peer = await verifier.parseAndVerify(changed, await peerKey(spki));
    expect(peer.verified).toBe(false);
  });
});

/** PKCS #8 around a SEC 1 key that names its curve, which OpenSSL leaves out there and the peer wants to read. */
function withNamedCurve(sec1: Uint8Array, publicKey: KeyObject): Uint8Array {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const algorithmAt = spki.indexOf(0x30, 1);
  const algorithm = spki.subarray(algorithmAt, algorithmAt + 2 + (spki[algorithmAt + 1] ?? 0));
  const body = [0x02, 1, 0, ...algorithm, 0x04, ...lengthOf(sec1.length), ...sec1];
  return Uint8Array.of(0x30, ...lengthOf(body.length), ...body);
}

const lengthOf = (length: number): number[] =>
  length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
