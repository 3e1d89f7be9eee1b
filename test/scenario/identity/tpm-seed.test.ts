import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, SeedStore, type SeedOptions } from '../../../src/identity/index.ts';
import { missingTpmTools, SoftwareTpm } from '../../support/keys/swtpm.ts';
import { formsOf, ToolLog } from '../../support/tool-log.ts';

const missing = missingTpmTools();
const TOOLS = [
  ...['tpm2_createprimary', 'tpm2_startauthsession', 'tpm2_sessionconfig', 'tpm2_createpolicy'],
  ...['tpm2_create', 'tpm2_load', 'tpm2_unseal', 'tpm2_flushcontext'],
];

describe.skipIf(missing !== undefined)(
  `a root seed sealed by a TPM${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let root: string;
    let tpm: SoftwareTpm;
    let state: string;

    beforeAll(async () => {
      root = mkdtempSync(path.join(tmpdir(), 'tpm-'));
      tpm = await new SoftwareTpm(path.join(root, 'tpm')).start();
    });
    afterAll(async () => {
      await tpm.stop();
      rmSync(root, { recursive: true, force: true });
    });
    beforeEach(() => {
      state = mkdtempSync(path.join(root, 'state-'));
    });

    const sealing = (options: SeedOptions['tpm'] = {}): SeedOptions => ({
      seed: 'tpm',
      tpm: { tcti: tpm.tcti, ...options },
    });
    // Not the synchronous form: the tap on the bus is in this process.
    const tool = async (command: string, ...args: string[]): Promise<string> => {
      const env = { ...process.env, TPM2TOOLS_TCTI: tpm.tcti };
      return (await promisify(execFile)(command, args, { env, timeout: 20_000 })).stdout;
    };
    const extend = (register: number) => tool('tpm2_pcrextend', `${register}:sha256=${'ab'.repeat(32)}`);

    it('gives the same identity at every start, also to whoever only knows the directory', async () => {
      await createRootSeed(state, sealing());
      const first = await loadIdentity(state, sealing());
      const again = await loadIdentity(state, { tpm: { tcti: tpm.tcti } });
      expect(again.publicKey).toEqual(first.publicKey);
      expect(again.ocmf.publicKey).toEqual(first.ocmf.publicKey);
      expect(statSync(path.join(state, 'root.seed')).mode & 0o777).toBe(0o600);
      expect(readdirSync(state)).toEqual(['root.seed']);
      await expect(createRootSeed(state, sealing())).rejects.toMatchObject({ code: 'identity.seed_exists' });
    });

    it('is seen by nobody on the way: not in arguments, environment, files, nor on the bus', async () => {
      tpm.traffic.length = 0;
      const log = new ToolLog(path.join(state, 'watch'), TOOLS);
      let seed: Uint8Array;
      try {
        await createRootSeed(state, sealing({ pcrs: 'sha256:0,7' }));
        const store = new SeedStore(state, sealing());
        seed = await store.read({ kind: 'file', name: 'root.seed' });
      } finally {
        log.stop();
      }
      expect(seed).toHaveLength(32);
      expect(new Set(log.calls)).toEqual(new Set(TOOLS));
      const bus = Buffer.concat(tpm.traffic).toString('latin1');
      const sealed = readFileSync(path.join(state, 'root.seed'), 'latin1');
      expect(bus.length).toBeGreaterThan(10_000);
      for (const form of formsOf(seed)) {
        expect(log.text.includes(form)).toBe(false);
        expect(bus.includes(form)).toBe(false);
        expect(sealed.includes(form)).toBe(false);
      }
      expect(readdirSync(path.join(state, 'watch', 'tmp'))).toEqual([]);
    });

    it('bound to platform registers is opened while they are what they were, and not after', async () => {
      await createRootSeed(state, sealing({ pcrs: 'sha256:10,23' }));
      const { publicKey } = await loadIdentity(state, sealing());
      await extend(16);
      expect((await loadIdentity(state, sealing())).publicKey).toEqual(publicKey);
      await extend(23);
      await expect(loadIdentity(state, sealing())).rejects.toMatchObject({
        code: 'identity.tpm_pcrs_changed',
        hint: expect.stringContaining('rotate') as string,
      });
    });

    it('is of no use to another TPM', async () => {
      await createRootSeed(state, sealing());
      const other = await new SoftwareTpm(path.join(state, 'other')).start();
      await expect(loadIdentity(state, { tpm: { tcti: other.tcti } })).rejects.toMatchObject({
        code: 'identity.tpm_foreign',
      });
      await other.stop();
    });

    it('whose record was damaged is no seed', async () => {
      const file = await createRootSeed(state, sealing());
      const record = JSON.parse(readFileSync(file, 'utf8')) as { private: string };
      const bytes = Buffer.from(record.private, 'base64');
      bytes[bytes.length - 3]! ^= 1;
      writeFileSync(file, `${JSON.stringify({ ...record, private: bytes.toString('base64') })}\n`);
      await expect(loadIdentity(state, sealing())).rejects.toMatchObject({ code: 'identity.tpm_foreign' });
      writeFileSync(file, '{"format":"delmonicos-seed/v1","kind":"tpm"}\n');
      await expect(loadIdentity(state, sealing())).rejects.toMatchObject({ code: 'identity.seed_invalid' });
    });

    it('leaves nothing in the TPM, however often it is opened', async () => {
      await createRootSeed(state, sealing());
      for (let i = 0; i < 5; i++) await loadIdentity(state, sealing());
      for (const kind of ['transient', 'loaded-session', 'saved-session', 'persistent']) {
        expect(await tool('tpm2_getcap', `handles-${kind}`)).toBe('');
      }
    });

    it('is not made when the TPM cannot be reached, and says where it was looked for', async () => {
      await expect(
        createRootSeed(state, sealing({ tcti: 'device:/dev/there-is-no-tpm' })),
      ).rejects.toMatchObject({
        code: 'identity.tpm_missing',
        message: expect.stringContaining('/dev/there-is-no-tpm') as string,
      });
      await expect(createRootSeed(state, sealing({ pcrs: '0,7' }))).rejects.toMatchObject({
        code: 'identity.tpm_pcrs',
      });
      expect(readdirSync(state)).toEqual([]);
    });

    it('is refused where the configuration wants another kind of place', async () => {
      await createRootSeed(state, sealing());
      await expect(loadIdentity(state, { seed: 'file' })).rejects.toMatchObject({
        code: 'identity.seed_kind',
      });
      await expect(loadIdentity(state, { seed: 'credential' })).rejects.toMatchObject({
        code: 'identity.seed_kind',
      });
    });
  },
);

describe('a tool that seals seeds', () => {
  let state: string;
  let bin: string;
  const { PATH } = process.env;
  beforeEach(() => {
    state = mkdtempSync(path.join(tmpdir(), 'tools-'));
    bin = mkdtempSync(path.join(tmpdir(), 'bin-'));
    process.env['PATH'] = bin;
  });
  afterEach(() => {
    process.env['PATH'] = PATH;
    for (const made of [state, bin]) rmSync(made, { recursive: true, force: true });
  });

  it('that is not installed is named, with the package it is in', async () => {
    await expect(createRootSeed(state, { seed: 'tpm' })).rejects.toMatchObject({
      code: 'identity.tool_missing',
      hint: expect.stringContaining('tpm2-tools') as string,
    });
  });

  it('that fails without a code we know is quoted', async () => {
    writeFileSync(
      path.join(bin, 'tpm2_createprimary'),
      '#!/bin/sh\necho "ERROR: the moon is in the wrong house" >&2; exit 1\n',
      { mode: 0o755 },
    );
    await expect(createRootSeed(state, { seed: 'tpm' })).rejects.toMatchObject({
      code: 'identity.tool_failed',
      message: expect.stringContaining('moon') as string,
    });
  });
});
