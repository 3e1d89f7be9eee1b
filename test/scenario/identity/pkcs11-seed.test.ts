import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, SeedStore, type SeedOptions } from '../../../src/identity/index.ts';
import { makeToken, missingTokenTools, SOFTHSM_MODULE } from '../../support/keys/softhsm.ts';
import { formsOf, ToolLog } from '../../support/tool-log.ts';

const missing = missingTokenTools();
const PIN = '739155';

describe.skipIf(missing !== undefined)(
  `a root seed on a PKCS#11 token${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let root: string;
    let state: string;

    beforeAll(() => {
      root = mkdtempSync(path.join(tmpdir(), 'token-'));
      makeToken(root, 'station', PIN);
    });
    afterAll(() => {
      delete process.env['SOFTHSM2_CONF'];
      rmSync(root, { recursive: true, force: true });
    });
    beforeEach(() => {
      state = mkdtempSync(path.join(root, 'state-'));
      process.env['DELMONICOS_PKCS11_PIN'] = PIN;
    });
    afterEach(() => {
      delete process.env['DELMONICOS_PKCS11_PIN'];
    });

    const sealing = (options: SeedOptions['pkcs11'] = {}): SeedOptions => ({
      seed: 'pkcs11',
      pkcs11: { module: SOFTHSM_MODULE, token: 'station', ...options },
    });
    const objects = (...login: string[]): string =>
      execFileSync('pkcs11-tool', ['--module', SOFTHSM_MODULE, '--token-label', 'station', '-O', ...login], {
        encoding: 'utf8',
      });

    it('gives the same identity at every start, also to whoever only knows the directory and the PIN', async () => {
      const file = await createRootSeed(state, sealing());
      const first = await loadIdentity(state, sealing());
      expect((await loadIdentity(state)).publicKey).toEqual(first.publicKey);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readdirSync(state)).toEqual(['root.seed']);
      const { object } = JSON.parse(readFileSync(file, 'utf8')) as { object: string };
      expect(objects('--login', '--pin', PIN)).toContain(object);
      expect(objects()).not.toContain(object);
    });

    it('is seen by nobody on the way: not in arguments, environment or files; nor is the PIN in arguments', async () => {
      const log = new ToolLog(path.join(state, 'watch'), ['pkcs11-tool', 'mkfifo']);
      let seed: Uint8Array;
      try {
        await createRootSeed(state, sealing());
        seed = await new SeedStore(state).read({ kind: 'file', name: 'root.seed' });
      } finally {
        log.stop();
      }
      expect(log.calls).toEqual(['mkfifo', 'pkcs11-tool', 'pkcs11-tool', 'pkcs11-tool']);
      const stored = readFileSync(path.join(state, 'root.seed'), 'latin1');
      for (const form of formsOf(seed)) {
        expect(log.text.includes(form)).toBe(false);
        expect(stored.includes(form)).toBe(false);
      }
      expect(log.text).not.toMatch(new RegExp(`^ARG .*${PIN}`, 'm'));
      expect(readdirSync(path.join(state, 'watch', 'tmp'))).toEqual([]);
    });

    it('takes its PIN from a systemd credential when there is one', async () => {
      await createRootSeed(state, sealing());
      delete process.env['DELMONICOS_PKCS11_PIN'];
      await expect(loadIdentity(state)).rejects.toMatchObject({ code: 'identity.pin_missing' });
      const credentialsDirectory = path.join(state, 'credentials');
      mkdirSync(credentialsDirectory);
      writeFileSync(path.join(credentialsDirectory, 'pkcs11-pin'), `${PIN}\n`, { mode: 0o400 });
      expect((await loadIdentity(state, { credentialsDirectory })).publicKey).toHaveLength(32);
    });

    it('is not given for a wrong PIN, which is tried once', async () => {
      await createRootSeed(state, sealing());
      process.env['DELMONICOS_PKCS11_PIN'] = '000000';
      const log = new ToolLog(path.join(state, 'watch'), ['pkcs11-tool']);
      await expect(loadIdentity(state)).rejects.toMatchObject({ code: 'identity.pin_wrong' });
      log.stop();
      expect(log.calls).toHaveLength(1);
    });

    it.each([
      ['another token', { token: 'elsewhere' }],
      ['a library that is not there', { module: '/usr/lib/there-is-none.so' }],
      ['no token', { token: undefined }],
    ])('is not made on %s, and leaves nothing behind', async (_, options) => {
      await expect(createRootSeed(state, sealing(options))).rejects.toMatchObject({
        code: 'identity.token_missing',
      });
      expect(readdirSync(state)).toEqual([]);
    });

    it('that the token lost is missing, and says so', async () => {
      const file = await createRootSeed(state, sealing());
      const { object } = JSON.parse(readFileSync(file, 'utf8')) as { object: string };
      objects('--login', '--pin', PIN, '--delete-object', '--type', 'data', '--label', object);
      await expect(loadIdentity(state)).rejects.toMatchObject({ code: 'identity.seed_missing' });
    });
  },
);
