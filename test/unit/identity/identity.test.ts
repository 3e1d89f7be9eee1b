import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { statSync, writeFileSync } from 'node:fs';
import { createECDH, createPublicKey, verify } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect, promisify } from 'node:util';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { decodeAddress, ed25519PairFromSeed, ed25519Verify, encodeAddress } from '@polkadot/util-crypto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRootSeed,
  decodeSs58,
  encodeSs58,
  identityFromSeed,
  loadIdentity,
  verifyEd25519,
} from '../../../src/identity/index.ts';

const SEED = Uint8Array.from({ length: 32 }, (_, i) => i);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const derive = (info: string, length: number) =>
  hkdf(sha256, SEED, new Uint8Array(0), new TextEncoder().encode(info), length);
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'identity-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('root seed', () => {
  it('is made once, 32 bytes, readable by its owner only, and leaves no draft behind', async () => {
    const state = path.join(directory, 'a', 'state');
    const file = await createRootSeed(state);
    expect(readFileSync(file)).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(state)).toEqual(['root.seed']);
  });

  it('is never overwritten', async () => {
    const before = readFileSync(await createRootSeed(directory));
    await expect(createRootSeed(directory)).rejects.toMatchObject({ code: 'identity.seed_exists' });
    expect(readFileSync(path.join(directory, 'root.seed'))).toEqual(before);
  });

  it('is made although a draft was left by a power cut', async () => {
    writeFileSync(path.join(directory, '.root.seed.draft'), 'half');
    expect(readFileSync(await createRootSeed(directory))).toHaveLength(32);
  });

  it('is made by exactly one of several that make it at once', async () => {
    const [rounds, rivals] = [40, 3];
    const maker = path.join(import.meta.dirname, '../../support/keys/seed-maker.ts');
    const outcomes = await Promise.all(
      Array.from({ length: rivals }, async (_, self) => {
        const args = ['--import', 'tsx', maker, directory, String(rounds), String(self), String(rivals)];
        const { stdout } = await promisify(execFile)(process.execPath, args);
        return stdout.trim().split('\n');
      }),
    );
    for (let round = 1; round <= rounds; round++) {
      const made = outcomes.map((each) => each[round - 1]).sort();
      expect(made).toEqual(['identity.seed_exists', 'identity.seed_exists', 'made']);
      expect(readdirSync(path.join(directory, String(round)))).toEqual(['root.seed']);
      expect(readFileSync(path.join(directory, String(round), 'root.seed'))).toHaveLength(32);
    }
  });

  it('that cannot be made says so, wherever the directory is', async () => {
    writeFileSync(path.join(directory, 'file'), '');
    await expect(createRootSeed(path.join(directory, 'file', 'state'))).rejects.toMatchObject({
      code: 'identity.seed_io',
    });
  });

  it('comes from the credentials directory when it is there, and then none is made', async () => {
    const credentials = path.join(directory, 'credentials');
    mkdirSync(credentials);
    writeFileSync(path.join(credentials, 'root-seed'), SEED, { mode: 0o444 });
    const identity = await loadIdentity(directory, { credentialsDirectory: credentials });
    expect(identity.publicKey).toEqual(identityFromSeed(SEED).publicKey);
    await expect(createRootSeed(directory, { credentialsDirectory: credentials })).rejects.toMatchObject({
      code: 'identity.seed_exists',
    });
    expect(existsSync(path.join(directory, 'root.seed'))).toBe(false);
  });

  it.each([
    ['identity.seed_missing', () => {}],
    [
      'identity.seed_invalid',
      () => writeFileSync(path.join(directory, 'root.seed'), 'short', { mode: 0o600 }),
    ],
    [
      'identity.seed_invalid',
      () => writeFileSync(path.join(directory, 'root.seed'), Buffer.alloc(33), { mode: 0o600 }),
    ],
    ['identity.seed_exposed', async () => chmodSync(await createRootSeed(directory), 0o640)],
    ['identity.seed_io', () => mkdirSync(path.join(directory, 'root.seed'), { mode: 0o700 })],
  ])('that cannot be used is refused with %s', async (code, prepare) => {
    await Promise.resolve(prepare());
    await expect(loadIdentity(directory)).rejects.toMatchObject({ code });
  });
});

describe('keys', () => {
  const identity = identityFromSeed(SEED);

  it('are the documented HKDF outputs, as another implementation of HKDF and ed25519 sees them', () => {
    const own = ed25519PairFromSeed(derive('delmonicos/v1/identity/ed25519', 32));
    const account = ed25519PairFromSeed(derive('delmonicos/v1/chain-account/ed25519', 32));
    expect(hex(identity.publicKey)).toBe(hex(own.publicKey));
    expect(hex(identity.chainAccount.publicKey)).toBe(hex(account.publicKey));
    expect(identity.chainAccount.ss58).toBe(encodeAddress(account.publicKey, 42));
    expect(hex(identity.keyId)).toBe(hex(sha256(own.publicKey).subarray(0, 8)));
  });

  it('stay what they are from release to release (a change here is a change of every identity)', () => {
    expect({
      identity: hex(identity.publicKey),
      account: identity.chainAccount.ss58,
      ocmf: hex(identity.ocmf.publicKey),
    }).toMatchInlineSnapshot(`
      {
        "account": "5Dw2ScRDf5SE77Fn84kDZ4ubKqfZP4EphQaq2KSA8to8ULKZ",
        "identity": "dd50941b8a331bce51f9b48c2510330b8b0baaeedf31bad7e4b29b81eab57c3b",
        "ocmf": "04e042ab6809dae1ec2bb3312155fabf8632a84e16dc9478d85e9d1bbffc6503f24cb671d5ed9ff8242ce74ef5ac161f6666ccdf221cd7652343b7b8fbb4f7de7d",
      }
    `);
  });

  it('give a P-256 scalar by FIPS 186-5 A.2.1 that signs what its public key verifies', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const c = BigInt(`0x${hex(derive('delmonicos/v1/ocmf/p-256', 40))}`);
    const curve = createECDH('prime256v1');
    curve.setPrivateKey(((c % (order - 1n)) + 1n).toString(16).padStart(64, '0'), 'hex');
    expect(hex(identity.ocmf.publicKey)).toBe(curve.getPublicKey('hex'));

    const spki = createPublicKey({
      key: Buffer.from(identity.ocmf.publicKeySpki),
      format: 'der',
      type: 'spki',
    });
    const message = Buffer.from('OCMF|{}');
    expect(verify('sha256', message, spki, identity.ocmf.sign(message))).toBe(true);
    expect(verify('sha256', Buffer.from('OCMF|[]'), spki, identity.ocmf.sign(message))).toBe(false);
  });

  it('sign what another implementation verifies, and a changed bit is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (message, at) => {
        const signature = identity.sign(message);
        expect(ed25519Verify(message, signature, identity.publicKey)).toBe(true);
        expect(verifyEd25519(identity.publicKey, message, signature)).toBe(true);
        const bit = at % (message.length * 8);
        const changed = Uint8Array.from(message);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verifyEd25519(identity.publicKey, changed, signature)).toBe(false);
      }),
      { numRuns: 50 },
    );
    expect(verifyEd25519(identity.chainAccount.publicKey, SEED, identity.sign(SEED))).toBe(false);
    expect(verifyEd25519(identity.publicKey, SEED, new Uint8Array(63))).toBe(false);
  });

  it('do not show a secret when the identity is printed, serialised or inspected', () => {
    const secrets = [
      SEED,
      derive('delmonicos/v1/identity/ed25519', 32),
      derive('delmonicos/v1/chain-account/ed25519', 32),
      derive('delmonicos/v1/ocmf/p-256', 40),
    ].map((secret) => [...secret.subarray(0, 8)].join(','));
    const shown = inspect(identity, { showHidden: true, depth: 10 }).replace(/\s+/g, '');
    const json = JSON.stringify(identity, (_key, value: unknown) =>
      value instanceof Uint8Array ? [...value] : value,
    );
    for (const secret of secrets) {
      expect(shown).not.toContain(secret);
      expect(json).not.toContain(secret);
    }
    expect(shown).toContain([...identity.publicKey.subarray(0, 8)].join(','));
  });

  it('give the C2SP verifier key of a log', () => {
    // base64 has plus signs of its own: only the first two separate.
    const [, name, hash, key] =
      /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(identity.verifierKey('delmonicos/test')) ?? [];
    const typed = Uint8Array.from([1, ...identity.publicKey]);
    const prefix = new TextEncoder().encode('delmonicos/test\n');
    expect(name).toBe('delmonicos/test');
    expect(hash).toBe(hex(sha256(Uint8Array.from([...prefix, ...typed])).subarray(0, 4)));
    expect(key).toBe(Buffer.from(typed).toString('base64'));
    expect(() => identity.verifierKey('two words')).toThrow(RangeError);
  });
});

describe('SS58', () => {
  it('knows the well-known development account', () => {
    const alice = Buffer.from('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d', 'hex');
    expect(encodeSs58(alice)).toBe('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
  });

  it('agrees with another implementation for every prefix, and reads back what it wrote', () => {
    fc.assert(
      fc.property(bytes32, fc.integer({ min: 0, max: 16_383 }), (account, prefix) => {
        // 46 and 47 are reserved: the other implementation refuses them.
        if (prefix === 46 || prefix === 47) return;
        const address = encodeSs58(account, prefix);
        expect(address).toBe(encodeAddress(account, prefix));
        expect(hex(decodeAddress(address))).toBe(hex(account));
        expect(decodeSs58(address)).toEqual({ account, prefix });
      }),
    );
  });

  it('refuses a mistyped address', () => {
    fc.assert(
      fc.property(bytes32, fc.nat(47), fc.constantFrom(...'123456789ABCDEFGHJK'), (account, at, letter) => {
        const address = encodeSs58(account);
        const mistyped =
          address.slice(0, at % address.length) + letter + address.slice((at % address.length) + 1);
        if (mistyped === address) return;
        // Two checksum bytes let one mistake in 65,536 through; a whole other account is what must never come out alike.
        let decoded: Uint8Array | undefined;
        try {
          decoded = decodeSs58(mistyped).account;
        } catch (error) {
          expect(error).toMatchObject({ code: 'identity.bad_address' });
        }
        if (decoded !== undefined) expect(hex(decoded)).not.toBe(hex(account));
      }),
      { numRuns: 200 },
    );
    expect(() => decodeSs58('0OIl')).toThrow(expect.objectContaining({ code: 'identity.bad_address' }));
    expect(() => decodeSs58('')).toThrow(expect.objectContaining({ code: 'identity.bad_address' }));
  });
});
