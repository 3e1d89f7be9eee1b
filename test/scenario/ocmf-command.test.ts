import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { OcmfReport } from '../../src/ocmf/index.ts';
import {
  BEGIN,
  END,
  failedOf,
  hexOf,
  namesOf,
  OTHER_KEY,
  signed,
  STATION_KEY,
} from '../support/receipt/ocmf-session.ts';
import { PRODUCT, runProduct } from '../support/product.ts';

const FIELD = path.resolve(import.meta.dirname, '../vector/ocmf/transparency-software');

describe('ocmf verify', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'ocmf-'));
  const file = path.join(directory, 'session.ocmf');
  const key = hexOf(STATION_KEY.publicKeySpki);
  writeFileSync(file, `${signed(BEGIN)}\n${signed(END)}\n`);
  afterAll(() => rmSync(directory, { recursive: true }));

  const verify = async (...args: readonly string[]): Promise<{ status: number; report: OcmfReport }> => {
    const { status, stdout } = await runProduct(['ocmf', 'verify', '--json', ...args]);
    return { status, report: JSON.parse(stdout) as OcmfReport };
  };

  it('is good for a session signed by the key that was given, as text or in a file', async () => {
    const keyFile = path.join(directory, 'key.der');
    writeFileSync(keyFile, STATION_KEY.publicKeySpki);
    for (const given of [key, keyFile]) {
      const { status, report } = await verify(file, '--key', given, '--serial', '20230001');
      expect(status).toBe(0);
      expect(report).toMatchObject({ ok: true, authentic: true, sessions: [{ energyWh: '29510' }] });
    }
  });

  it('ends with 1 for a wrong key, another meter, or no key at all', async () => {
    const wrongKey = await verify(file, '--key', hexOf(OTHER_KEY.publicKey));
    expect([wrongKey.status, failedOf(wrongKey.report)]).toEqual([1, ['signature']]);
    const wrongMeter = await verify(file, '--key', key, '--serial', '1');
    expect([wrongMeter.status, failedOf(wrongMeter.report)]).toEqual([1, ['same-meter']]);
    const noKey = await verify(file);
    expect([noKey.status, failedOf(noKey.report)]).toEqual([1, []]);
    expect(namesOf(noKey.report, 'not checked')).toEqual(['public-key', 'signature']);
  });

  it('reads standard input', () => {
    const { status, stdout } = spawnSync(process.execPath, [PRODUCT, 'ocmf', 'verify', '-', '--key', key], {
      input: signed(BEGIN),
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('ocmf: good');
  });

  it('says in plain words what a real meter measured', async () => {
    const { status, stdout } = await runProduct(['ocmf', 'verify', path.join(FIELD, 'chargepoint_3.xml')]);
    expect(status).toBe(0);
    expect(stdout).toContain('energy 1304 Wh');
    expect(stdout).toContain('nobody vouches for it');
    expect(stdout).toContain('ocmf: intact, by a key that came with it');
    expect(stdout).not.toContain('ocmf: good');
  });

  it('ends with 2 for a file that is not there, and for a key that is none', async () => {
    expect((await runProduct(['ocmf', 'verify', path.join(directory, 'missing')])).status).toBe(2);
    expect((await runProduct(['ocmf', 'verify', file, '--key', 'my meter'])).status).toBe(2);
  });

  it('lets nothing in a record steer the terminal', async () => {
    const hostile = path.join(directory, 'hostile.ocmf');
    writeFileSync(hostile, signed({ ...BEGIN, meter: { serial: 'a\u001b[2Jb\nocmf: good' } }));
    const { stdout } = await runProduct(['ocmf', 'verify', hostile, '--key', hexOf(OTHER_KEY.publicKey)]);
    expect(stdout).not.toContain('\u001b');
    expect(stdout.split('\n').filter((line) => line.startsWith('ocmf:'))).toEqual(['ocmf: NOT GOOD']);
  });
});
