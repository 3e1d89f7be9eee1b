import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/index.ts';
import { openJournalReader, verifyJournal } from '../../src/journal/index.ts';
import { writeTestLog } from '../support/journal/journal-fixture.ts';
import { productJson, runProduct } from '../support/product.ts';
import { makeToken, missingTokenTools, SOFTHSM_MODULE } from '../support/keys/softhsm.ts';
import { missingTpmTools, SoftwareTpm } from '../support/keys/swtpm.ts';

interface Keys {
  readonly origin: string;
  readonly publicKey: string;
  readonly verifierKey: string;
  readonly chainAccount: { readonly ss58: string };
  readonly seed: { readonly kind: string; readonly retired: readonly string[] };
  readonly rotation: { readonly index: number; readonly oldSeed: string | null };
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'key-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** As the service leaves it. */
async function writeLog(origin: string): Promise<void> {
  await writeTestLog(directory, 12, { signer: await loadIdentity(directory), origin });
}
const show = () => productJson<Keys>(['key', 'show', directory]);
const rotate = (...options: string[]) => productJson<Keys>(['key', 'rotate', directory, ...options]);

describe('key rotate', () => {
  it('hands the log over; everything goes on under its old name with the new keys', async () => {
    await runProduct(['key', 'init', directory]);
    const before = await show();
    await writeLog(before.origin);
    const rotated = await rotate();
    const after = await show();
    expect(rotated).toMatchObject({ origin: before.origin, publicKey: after.publicKey });
    expect(rotated.rotation).toMatchObject({ index: 13, oldSeed: 'root.seed.retired-1' });
    expect(after).toMatchObject({
      origin: before.origin,
      seed: { kind: 'file', retired: ['root.seed.retired-1'] },
    });
    expect(after.publicKey).not.toBe(before.publicKey);
    expect(after.chainAccount.ss58).not.toBe(before.chainAccount.ss58);

    for (const key of [before, after]) {
      const verified = await productJson(['journal', 'verify', directory, '--key', key.verifierKey]);
      expect(verified).toMatchObject({ ok: true, size: 14 });
    }
    // A receipt of an entry from before, with either key.
    const file = path.join(directory, 'r.receipt.json');
    await runProduct(['receipt', 'create', directory, '--index', '3', '-o', file]);
    for (const { publicKey } of [before, after]) {
      expect(await productJson(['receipt', 'verify', file, '--key', publicKey])).toMatchObject({ ok: true });
    }
  });

  it('destroys the old seed when it is told to', async () => {
    await runProduct(['key', 'init', directory]);
    const old = readFileSync(path.join(directory, 'root.seed'));
    await writeLog((await show()).origin);
    expect((await rotate('--destroy-old')).rotation.oldSeed).toBeNull();
    expect(readdirSync(directory).filter((name) => name.startsWith('root.seed'))).toEqual(['root.seed']);
    expect(readFileSync(path.join(directory, 'root.seed'))).not.toEqual(old);
  });

  it('says that there is nothing to hand over where there is no log', async () => {
    await runProduct(['key', 'init', directory]);
    const { status, stderr } = await runProduct(['key', 'rotate', directory]);
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('journal.missing') as string,
    });
  });

  it('goes from one credential to the next, which takes the place of the first whenever the operator likes', async () => {
    const credentials = path.join(directory, 'credentials');
    mkdirSync(credentials);
    writeFileSync(path.join(credentials, 'root-seed'), Buffer.alloc(32, 1));
    process.env['CREDENTIALS_DIRECTORY'] = credentials;
    try {
      const before = await show();
      const signer = await loadIdentity(directory, { credentialsDirectory: credentials });
      await writeTestLog(directory, 12, { signer, origin: before.origin });
      const without = await runProduct(['key', 'rotate', directory]);
      expect(without.stderr).toContain('identity.next_missing');

      writeFileSync(path.join(credentials, 'root-seed.next'), Buffer.alloc(32, 2));
      const { publicKey } = await rotate();
      expect(publicKey).not.toBe(before.publicKey);
      expect((await show()).publicKey).toBe(publicKey);
      const again = await runProduct(['key', 'rotate', directory]);
      expect(again.stderr).toContain('identity.next_missing');
      writeFileSync(path.join(credentials, 'root-seed'), Buffer.alloc(32, 2));
      rmSync(path.join(credentials, 'root-seed.next'));
      expect((await show()).publicKey).toBe(publicKey);
    } finally {
      delete process.env['CREDENTIALS_DIRECTORY'];
    }
  });
});

const noTpm = missingTpmTools();
describe.skipIf(noTpm !== undefined)(
  `a seed in a TPM, from the command line${noTpm ? ` (skipped: ${noTpm})` : ''}`,
  () => {
    let state: string;
    let tpm: SoftwareTpm;
    beforeAll(async () => {
      state = mkdtempSync(path.join(tmpdir(), 'key-tpm-'));
      tpm = await new SoftwareTpm(state).start();
      process.env['TPM2TOOLS_TCTI'] = tpm.tcti;
    });
    afterAll(async () => {
      delete process.env['TPM2TOOLS_TCTI'];
      await tpm.stop();
      rmSync(state, { recursive: true, force: true });
    });

    it('is made, shown, and signs the log; a log moves into the TPM and keeps its registers', async () => {
      await runProduct(['key', 'init', directory]);
      await writeLog((await show()).origin);
      const moved = await rotate('--seal', 'tpm', '--pcrs', 'sha256:0,7', '--destroy-old');
      expect(await show()).toMatchObject({ publicKey: moved.publicKey, seed: { kind: 'tpm' } });
      const pcrs = () =>
        (JSON.parse(readFileSync(path.join(directory, 'root.seed'), 'utf8')) as { pcrs: string | null }).pcrs;
      expect(pcrs()).toBe('sha256:0,7');
      await rotate();
      expect(pcrs()).toBe('sha256:0,7');
      await rotate('--pcrs', 'none');
      expect(pcrs()).toBeNull();
      const reader = openJournalReader(directory);
      expect(reader.keys.keys).toHaveLength(4);
      reader.close();
      expect(await verifyJournal(directory)).toMatchObject({ ok: true });
    });
  },
);

const noToken = missingTokenTools();
describe.skipIf(noToken !== undefined)(
  `a seed on a token, from the command line${noToken ? ` (skipped: ${noToken})` : ''}`,
  () => {
    beforeEach(() => {
      makeToken(path.join(directory, 'token'), 'station', '4711');
      process.env['DELMONICOS_PKCS11_PIN'] = '4711';
    });
    afterEach(() => {
      delete process.env['DELMONICOS_PKCS11_PIN'];
      delete process.env['SOFTHSM2_CONF'];
    });

    it('is made, shown, rotated on the same token, and the old object destroyed', async () => {
      const token = ['--seal', 'pkcs11', '--module', SOFTHSM_MODULE, '--token', 'station'];
      const made = await productJson<Keys>(['key', 'init', directory, ...token]);
      expect(made.seed.kind).toBe('pkcs11');
      await writeLog(made.origin);
      const object = () =>
        (JSON.parse(readFileSync(path.join(directory, 'root.seed'), 'utf8')) as { object: string }).object;
      const old = object();
      const { publicKey } = await rotate('--destroy-old');
      expect(await show()).toMatchObject({
        publicKey,
        origin: made.origin,
        seed: { kind: 'pkcs11', retired: [] },
      });
      expect(object()).not.toBe(old);
      const record = { kind: 'pkcs11', module: SOFTHSM_MODULE, token: 'station', object: old };
      writeFileSync(
        path.join(directory, 'root.seed'),
        JSON.stringify({ format: 'delmonicos-seed/v1', ...record }),
      );
      await expect(loadIdentity(directory)).rejects.toMatchObject({ code: 'identity.seed_missing' });
    });
  },
);
