import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity } from '../../../src/identity/index.ts';
import {
  CredentialSeed,
  firstBoot,
  verifyRecord,
  type FirstBootOrder,
  type FirstBootStep,
} from '../../../src/provisioning/index.ts';
import { writeTestLog } from '../../support/journal/journal-fixture.ts';

const STEPS: readonly FirstBootStep[] = ['make-seed', 'write-record', 'write-code', 'mark-done', 'done'];
class PowerCut extends Error {}

let directory: string;
const at = (...names: string[]) => path.join(directory, ...names);
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'first-boot-'));
  mkdirSync(at('state'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const order = (more: Partial<FirstBootOrder> = {}): FirstBootOrder => ({
  stateDirectory: at('state'),
  outDirectory: at('out'),
  seed: { kind: 'file', options: {} },
  ss58Prefix: 42,
  about: { stationName: 'DE-1', hardwareSerial: 'SN-4711' },
  software: 'test 1.0',
  timeMs: 1_790_000_000_000,
  clockStatus: 'U',
  bootId: new Uint8Array(16).fill(3),
  ...more,
});
const cutAt = (step: FirstBootStep) => ({
  onStep: (now: FirstBootStep) => {
    if (now === step) throw new PowerCut(step);
  },
});

describe('a first boot', () => {
  it('makes one seed, a record that verifies, and the code of an installer', async () => {
    const { record, uri, text, madeSeed } = await firstBoot(order());
    const identity = await loadIdentity(at('state'));
    expect(madeSeed).toBe(true);
    expect(record.publicKey).toEqual(identity.publicKey);
    expect(verifyRecord(readFileSync(at('out', 'record.cose')))).toEqual(record);
    expect(record).toMatchObject({ stationName: 'DE-1', hardwareSerial: 'SN-4711', seedKind: 'file' });
    const key = Buffer.from(identity.publicKey).toString('base64url');
    expect(uri).toBe(`delmonicos:1?a=${identity.chainAccount.ss58}&k=${key}&n=DE-1`);
    expect(readFileSync(at('out', 'account.txt'), 'utf8')).toBe(`${identity.chainAccount.ss58}\n`);
    expect(readFileSync(at('out', 'installer.txt'), 'utf8')).toBe(text);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(160);
    expect(text.split('\n').findIndex((line) => line === '')).toBeLessThan(25);
    expect(readFileSync(at('out', 'installer.svg'), 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/);
    expect(readdirSync(at('out')).sort()).toEqual([
      ...['account.txt', 'done', 'installer.svg', 'installer.txt', 'record.cose'],
    ]);
  });

  it.each(STEPS)(
    'whose power is cut before %s goes on, with the same seed and the same record',
    async (step) => {
      await expect(firstBoot(order(cutAt(step)))).rejects.toBeInstanceOf(PowerCut);
      // What a cut in the middle of writing leaves.
      mkdirSync(at('out'), { recursive: true });
      writeFileSync(at('out', '.record.cose.0011.draft'), 'half');
      const first = await loadIdentity(at('state')).catch(() => undefined);
      const written = readdirSync(at('out')).includes('record.cose');
      const { record } = await firstBoot(order({ timeMs: 1_800_000_000_000 }));
      if (first !== undefined) expect(record.publicKey).toEqual(first.publicKey);
      expect(record.timeMs).toBe(written ? 1_790_000_000_000 : 1_800_000_000_000);
      expect(readdirSync(at('out'))).toContain('done');
      expect(readdirSync(at('out')).filter((name) => name.startsWith('.'))).toEqual([]);
      expect((await firstBoot(order())).madeSeed).toBe(false);
    },
  );

  it('takes the seed that the service made, where it ran before', async () => {
    await createRootSeed(at('state'));
    const { publicKey } = await loadIdentity(at('state'));
    const credential = new CredentialSeed({ file: at('out', 'root-seed'), key: 'auto', pcrs: '' });
    const { record, madeSeed } = await firstBoot(order({ seed: { kind: 'credential', credential } }));
    expect([madeSeed, record.publicKey]).toEqual([false, publicKey]);
    expect(credential.isThere).toBe(false);
  });

  it('makes no seed beside a log whose seed is gone', async () => {
    await writeTestLog(at('state'), 3);
    await expect(firstBoot(order())).rejects.toMatchObject({ code: 'provisioning.log_without_seed' });
    expect(readdirSync(at('state'))).not.toContain('root.seed');
  });
});

/** systemd's key that needs neither a TPM nor a secret of the host; its name changed with version 253. */
const NULL_KEY = ['null', 'tpm2-absent'].find(
  (key) =>
    spawnSync('systemd-creds', ['encrypt', `--with-key=${key}`, '--name=x', '-', '-'], { input: 'x' })
      .status === 0,
);
const why = NULL_KEY === undefined ? ' (skipped: systemd-creds is not installed)' : '';

describe.skipIf(NULL_KEY === undefined)(`a seed that systemd seals${why}`, () => {
  const credential = () =>
    new CredentialSeed({ file: at('out', 'root-seed'), key: NULL_KEY ?? '', pcrs: '' });
  const sealed = () => order({ seed: { kind: 'credential', credential: credential() } });

  it('is made once, for root alone, opens again, and is destroyed', async () => {
    const first = await firstBoot(sealed());
    expect(first).toMatchObject({ madeSeed: true, record: { seedKind: 'credential' } });
    expect(statSync(at('out', 'root-seed')).mode & 0o777).toBe(0o600);
    const second = await firstBoot(sealed());
    expect(second.madeSeed).toBe(false);
    expect(second.record).toEqual(first.record);
    credential().destroy();
    expect(credential().isThere).toBe(false);
  });

  it('that does not open is never replaced', async () => {
    mkdirSync(at('out'));
    writeFileSync(at('out', 'root-seed'), 'of another machine');
    await expect(firstBoot(sealed())).rejects.toMatchObject({ code: 'provisioning.seed_unreadable' });
    expect(readFileSync(at('out', 'root-seed'), 'utf8')).toBe('of another machine');
  });

  it('that two make at once is one', async () => {
    mkdirSync(at('out'));
    await Promise.all([credential().make(), credential().make()]);
    expect(readdirSync(at('out'))).toEqual(['root-seed']);
    expect(await credential().read()).toHaveLength(32);
  });
});
