import { readFileSync } from 'node:fs';
import { Sign1 } from '@auth0/cose';
import { RFC9162 } from '@transmute/rfc9162';
import { describe, expect, it } from 'vitest';
import { bytesToHex } from '../../src/chain/index.ts';
import { parseCheckpoint, parseTlogProof } from '../../src/journal/index.ts';
import { verifyReceipt, type Receipt } from '../../src/receipt/index.ts';
import { checkpointOf, testReceipt, testStation } from '../support/receipt/receipt-fixture.ts';
import { sessionLog } from '../support/receipt/session-fixture.ts';

// Made by test/support/receipt/make-golden-receipt.ts; the block is one that a real runtime built after checking our signature.
const read = (name: string): string => readFileSync(new URL(`receipt/${name}`, import.meta.url), 'utf8');
const file = read('anchored.receipt.json');
const receipt = JSON.parse(file) as Receipt;
const station = testStation();

describe('the golden receipt', () => {
  it('verifies with the report that was recorded with it', () => {
    const trustedKey = station.identity.publicKey;
    expect(verifyReceipt(file)).toEqual(JSON.parse(read('anchored.report.json')));
    expect(verifyReceipt(file, { trustedKey }).ok).toBe(true);
  });

  it('holds what the fixed seed gives today: neither keys nor entries nor checkpoint have changed', () => {
    const today = JSON.parse(testReceipt(station)) as Receipt;
    expect(receipt.origin).toBe(station.origin);
    expect(receipt.publicKey).toBe(bytesToHex(station.identity.publicKey));
    expect(receipt.entries).toEqual(today.entries);
    expect(receipt.anchor?.checkpoint).toBe(checkpointOf(station));
  });

  it('has entries that an independent COSE library verifies', async () => {
    const jwk = {
      kty: 'OKP',
      crv: 'Ed25519',
      x: Buffer.from(station.identity.publicKey).toString('base64url'),
    };
    const key = await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify']);
    for (const { cose } of receipt.entries) {
      const bytes = new Uint8Array(Buffer.from(cose, 'base64'));
      await expect(Sign1.decode(bytes).verify(key)).resolves.toBeUndefined();
      bytes[bytes.length - 1]! ^= 1;
      await expect(Sign1.decode(bytes).verify(key)).rejects.toThrow();
    }
  });

  it('has inclusion proofs that an independent RFC 9162 library verifies', async () => {
    for (const { cose, proof } of receipt.entries) {
      const { index, inclusionProof, checkpoint } = parseTlogProof(proof);
      const { size, root } = parseCheckpoint(checkpoint);
      const leaf = await RFC9162.leaf(new Uint8Array(Buffer.from(cose, 'base64')));
      const claim = { log_id: '', tree_size: size, leaf_index: index, inclusion_path: [...inclusionProof] };
      expect(await RFC9162.verifyInclusionProof(root, leaf, claim)).toBe(true);
    }
  });

  it('has the keys that docs/formats.cddl names, in that order', () => {
    const cddl = readFileSync(new URL('../../docs/formats.cddl', import.meta.url), 'utf8');
    const keysOf = (rule: string): string[] => {
      const [, body = ''] = new RegExp(`^${rule} = \\{\n([^]*?)^\\}`, 'm').exec(cddl) ?? [];
      return [...body.matchAll(/^ {2}(?:\? )?(\w+):/gm)].map(([, key]) => key ?? '');
    };
    expect(keysOf('receipt')).toEqual(Object.keys(receipt));
    expect(keysOf('receipt-entry')).toEqual(Object.keys(receipt.entries[0] ?? {}));
    // An anchor of a remark has no recipe for its call.
    expect(keysOf('receipt-anchor').filter((key) => key !== 'call')).toEqual(
      Object.keys(receipt.anchor ?? {}),
    );
  });
});

// Made by test/support/receipt/make-golden-session.ts: version 2 of the format, with OCMF records.
describe('the golden receipt of a session', () => {
  it('verifies with the report that was recorded with it', () => {
    const session = read('session.receipt.json');
    const trustedKey = sessionLog({ minutes: 2 }).identity.publicKey;
    expect(verifyReceipt(session)).toEqual(JSON.parse(read('session.report.json')));
    expect(verifyReceipt(session, { trustedKey })).toMatchObject({ ok: true, session: { wh: '2223.5' } });
  });
});
