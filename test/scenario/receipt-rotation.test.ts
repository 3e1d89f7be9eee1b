// A receipt over a rotation of the station's key, by the commands: `key rotate`, `receipt create`, `receipt verify`.
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import type { ReceiptReport } from '../../src/receipt/index.ts';
import { openTestJournal, reading, temporaryDirectory } from '../support/journal/journal-fixture.ts';
import { productJson, runProduct } from '../support/product.ts';

const { directory, remove } = temporaryDirectory();
let before: StationIdentity;
let after: StationIdentity;
let origin: string;

/** Readings under the key of the moment; the index of the last. */
async function read(signer: StationIdentity, readings: number): Promise<number> {
  const journal = await openTestJournal(directory, { origin, signer });
  let index = 0;
  for (let i = 0; i < readings; i++) index = await journal.append('reading', reading(i), 'billing');
  await journal.close();
  return index;
}

beforeAll(async () => {
  await createRootSeed(directory);
  before = await loadIdentity(directory);
  origin = `delmonicos/${before.chainAccount.ss58}`;
  await read(before, 3);
  const rotated = await runProduct(['key', 'rotate', directory]);
  expect(rotated.stderr).not.toContain('error [');
  after = await loadIdentity(directory);
});
afterAll(() => remove());

const hex = ({ publicKey }: StationIdentity) => Buffer.from(publicKey).toString('hex');

it('a receipt of readings under the old and the new key verifies with either, and with no third', async () => {
  expect(hex(after)).not.toBe(hex(before));
  const last = await read(after, 2);
  const file = path.join(directory, 'across.receipt.json');
  const made = await runProduct(['receipt', 'create', directory, '--index', '2', String(last), '-o', file]);
  expect(made.stderr).not.toContain('error [');
  expect(made.status).toBe(0);
  for (const key of [hex(before), hex(after)]) {
    const report = await productJson<ReceiptReport>(['receipt', 'verify', file, '--key', key]);
    expect(report.ok).toBe(true);
    expect(report.checks[1]).toMatchObject({ name: 'trusted-key', result: 'pass' });
    expect(report.statements.map(({ kind }) => kind)).toEqual(['reading', 'config', 'reading']);
  }
  const third = await productJson<ReceiptReport>(['receipt', 'verify', file, '--key', '22'.repeat(32)]);
  expect(third.checks.filter(({ result }) => result === 'fail').map(({ name }) => name)).toEqual([
    'trusted-key',
  ]);
});
