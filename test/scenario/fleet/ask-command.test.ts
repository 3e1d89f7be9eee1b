// `delmonicos ask` as it ships, and a real station behind a broker.
import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKeyFile, readKeyFile } from '../../../src/cli/key/key-file.ts';
import { parseTlogProof, parseVerifierKey } from '../../../src/journal/index.ts';
import { verifyReceipt } from '../../../src/receipt/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { runProduct } from '../../support/product.ts';
import {
  ACTOR,
  commandedStation,
  NAME,
  type CommandedStation,
} from '../../support/remote/commanded-station.ts';

let world: CommandedStation;
let folder: string;
let key: string;
beforeAll(async () => {
  world = await commandedStation();
  folder = mkdtempSync(path.join(tmpdir(), 'ask-'));
  key = path.join(folder, 'actor.pem');
  // As TestOperator makes it, in the PKCS#8 of RFC 8410.
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const seed = Buffer.alloc(32, ACTOR.name.length);
  const actor = createPrivateKey({ key: Buffer.concat([prefix, seed]), format: 'der', type: 'pkcs8' });
  writeFileSync(key, actor.export({ type: 'pkcs8', format: 'pem' }));
  await world.asker.heard('meters/evse1/sample');
  await world.station.flush();
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

const ask = (...words: string[]) =>
  runProduct(['ask', NAME, ...words, '--broker', world.broker.url, '--key', key]);
const file = (name: string): string => path.join(folder, name);

describe('delmonicos ask', () => {
  it('gets receipts, proofs and entries that verify, says by which key, and shows what a station sees', async () => {
    const { identity } = await world.asker.heard<{ identity: { publicKey: string } }>('status');
    const pinned = ['--station-key', identity.publicKey];
    const [receipt, proof, entries, refused, doctor, trace] = await Promise.all([
      ask('journal', 'receipt', '--index', '0', '--index', '2', '-o', file('r'), ...pinned),
      ask('journal', 'proof', '1'),
      ask('journal', 'entries', '--from', '0', '--to', '3', '-o', file('e'), '--json', ...pinned),
      ask('journal', 'receipt', '--index', '1', '-o', file('never'), '--station-key', 'ab'.repeat(32)),
      ask('doctor', '--json'),
      ask('meter', 'trace', 'evse1', '--for', '100ms', '--json'),
    ]);
    expect(receipt).toMatchObject({ status: 0, stderr: '' });
    expect(receipt.stdout).toContain('verifies with the key given by --station-key');
    expect(verifyReceipt(readFileSync(file('r'))).statements.map(({ index }) => index)).toEqual([0, 2]);
    expect(parseTlogProof(proof.stdout).index).toBe(1);
    expect(proof.stderr).toContain('taken on trust');
    expect(JSON.parse(entries.stdout)).toMatchObject({
      ...{ from: 0, to: 3, entries: 3, verified: true },
      stationKey: { publicKey: identity.publicKey, pinned: true },
    });
    expect(statSync(file('e')).size).toBeGreaterThan(0);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('[fleet.not_proved]');
    expect(existsSync(file('never'))).toBe(false);
    const { items } = JSON.parse(doctor.stdout) as { items: { check: string; state: string }[] };
    expect(items.find(({ check }) => check === 'meter')).toMatchObject({ state: 'ok' });
    const lines = trace.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines.at(-1)).toMatchObject({ meter: 'evse1', left: 0 });
    expect(lines[0]).toHaveProperty('atMs');
  });
});

describe('delmonicos key operator', () => {
  it('makes a key for its owner only, once, which verifies under the name', async () => {
    const made = await runProduct(['key', 'operator', file('k'), '--name', 'a@b.example', '--json']);
    const { verifierKey } = JSON.parse(made.stdout) as { verifierKey: string };
    expect(parseVerifierKey(verifierKey)).toEqual({
      ...{ keyName: 'a@b.example', publicKey: readKeyFile(file('k'), '').publicKey },
    });
    expect(statSync(file('k')).mode & 0o777).toBe(0o600);
    const before = readFileSync(file('k'), 'utf8');
    expect(() => makeKeyFile(file('k'))).toThrow(hasCode('usage.file_unwritable'));
    expect(readFileSync(file('k'), 'utf8')).toBe(before);
  });
});
