import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, identityFromSeed, loadIdentity } from '../../../src/identity/index.ts';

const SEED = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const OTHER = Uint8Array.from({ length: 32 }, (_, i) => i);

/** systemd's key that needs neither a TPM nor a secret of the host; its name changed with version 253. */
const NULL_KEYS = ['null', 'tpm2-absent'];

function missingTool(): string | undefined {
  return spawnSync('systemd-creds', ['--version']).error === undefined
    ? undefined
    : 'systemd-creds is not installed';
}

describe('a root seed that is a systemd credential', () => {
  let directory: string;
  let credentialsDirectory: string;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'credential-'));
    credentialsDirectory = path.join(directory, 'credentials');
    mkdirSync(credentialsDirectory);
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const give = (name: string, seed: Uint8Array) => writeFileSync(path.join(credentialsDirectory, name), seed);

  it.skipIf(missingTool() !== undefined)(
    `is what systemd-creds encrypted${missingTool() ? ` (skipped: ${missingTool()})` : ''}`,
    async () => {
      const encrypted = path.join(directory, 'root-seed.cred');
      const made = NULL_KEYS.some(
        (key) =>
          spawnSync('systemd-creds', ['encrypt', `--with-key=${key}`, '--name=root-seed', '-', encrypted], {
            input: SEED,
          }).status === 0,
      );
      expect(made).toBe(true);
      // What the service manager does for LoadCredentialEncrypted=root-seed.
      give(
        'root-seed',
        execFileSync('systemd-creds', ['decrypt', '--name=root-seed', encrypted, '-'], { stdio: 'pipe' }),
      );
      const identity = await loadIdentity(directory, { credentialsDirectory, seed: 'credential' });
      expect(identity.publicKey).toEqual(identityFromSeed(SEED).publicKey);
    },
  );

  it('goes before a file in the state directory', async () => {
    await createRootSeed(directory);
    give('root-seed', SEED);
    expect((await loadIdentity(directory, { credentialsDirectory })).publicKey).toEqual(
      identityFromSeed(SEED).publicKey,
    );
  });

  it('is not made by us: without it there is no seed, and no file takes its place', async () => {
    const options = { credentialsDirectory, seed: 'credential' } as const;
    await expect(createRootSeed(directory, options)).rejects.toMatchObject({
      code: 'identity.seed_missing',
      hint: expect.stringContaining('systemd-creds encrypt') as string,
    });
    await expect(loadIdentity(directory, options)).rejects.toMatchObject({ code: 'identity.seed_missing' });
    expect(readdirSync(directory)).toEqual(['credentials']);
  });

  it.each([31, 33, 0])('of %i bytes is none', async (length) => {
    give('root-seed', new Uint8Array(length));
    await expect(loadIdentity(directory, { credentialsDirectory })).rejects.toMatchObject({
      code: 'identity.seed_invalid',
    });
  });

  it('gives way to root-seed.next once the log was handed over to that', async () => {
    give('root-seed', SEED);
    give('root-seed.next', OTHER);
    const present = identityFromSeed(SEED).publicKey;
    const next = identityFromSeed(OTHER).publicKey;
    const expecting = async (signsNext: Uint8Array | undefined) =>
      (await loadIdentity(directory, { credentialsDirectory, signsNext: () => signsNext })).publicKey;
    expect(await expecting(undefined)).toEqual(present);
    expect(await expecting(present)).toEqual(present);
    expect(await expecting(next)).toEqual(next);
    expect(await expecting(new Uint8Array(32))).toEqual(present);
  });
});
