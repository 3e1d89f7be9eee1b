// A station whose journal is an old copy, or lost its end, goes on as the next log of the same station; that log is anchored by
// the same account, and its receipts verify.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { ReceiptReport } from '../../../src/receipt/index.ts';
import { productJson, runProduct } from '../../support/product.ts';
import {
  committed,
  exportedEntries,
  serviceForTest,
  syncStatus,
  timesOnChain,
  verifiedJournal,
  worldForTest,
  type StoredIntent,
} from '../../support/running-world.ts';
import type { World } from '../../demo/world.ts';

const FILES = ['journal.db', 'journal.db-wal'] as const;

/** By a node instead of a light client: quicker, and of no concern here. */
function overRpc({ configPath, devnet }: World): void {
  const yaml = readFileSync(configPath, 'utf8');
  const rpc = `  transport: rpc\n  url: "${devnet.rpcUrl}"\n`;
  writeFileSync(configPath, yaml.replace(/ {2}transport: light-client\n.*relaySpec.*\n.*paraSpec.*\n/, rpc));
}

it('an old copy of the journal that is put back is followed by another log, anchored by the same account', async () => {
  const world = await worldForTest({ rpc: true });
  overRpc(world);
  const { stateDirectory: state, devnet } = world;
  const at = (name: string): string => path.join(state, name);
  const { verifierKey, ...key } = await productJson<Record<string, string>>(['key', 'show', state]);
  expect(verifierKey).toBeDefined();

  const first = serviceForTest(world);
  await committed(first, 5);
  await first.stop('SIGTERM');
  for (const name of FILES) if (existsSync(at(name))) copyFileSync(at(name), `${at(name)}.copy`);

  const second = serviceForTest(world);
  const before = await syncStatus(second, ({ anchoredSize }) => anchoredSize > 10);
  await second.stop('SIGTERM');
  const oldIntents = await intentsOf(state);

  for (const name of FILES) {
    rmSync(at(name), { force: true });
    if (existsSync(`${at(name)}.copy`)) copyFileSync(`${at(name)}.copy`, at(name));
  }
  const third = serviceForTest(world);
  const after = await syncStatus(
    third,
    ({ anchoredSize, lastAnchor }) =>
      anchoredSize > 0 && lastAnchor?.blockNumber !== before.lastAnchor?.blockNumber,
  );
  await third.stop('SIGTERM');

  const { size, ok } = await verifiedJournal(state);
  expect(ok).toBe(true);
  expect(after.anchoredSize).toBeLessThanOrEqual(size);
  const { origin } = await productJson<{ origin: string }>(['journal', 'stat', state]);
  expect(origin).toMatch(/\/2$/);
  const faults = (await exportedEntries(state)).filter(({ kind }) => kind === 'fault');
  expect(faults.map(({ body }) => body['code'])).toContain('journal.rolled_back');
  expect(readdirSync(state).filter((name) => name.includes('damaged'))).not.toEqual([]);

  const known = new Set(oldIntents.map(({ id }) => id));
  const anchors = (await intentsOf(state)).filter(({ id, state: is }) => is === 'final' && !known.has(id));
  expect(anchors.length).toBeGreaterThan(0);
  for (const anchor of anchors) expect(await timesOnChain(world, anchor)).toBe(1);

  const receipt = path.join(path.dirname(state), 'receipt.json');
  const made = await runProduct(['receipt', 'create', state, '--index', '0', '--index', '4', '-o', receipt]);
  expect(made).toMatchObject({ status: 0 });
  const { stdout } = await runProduct([
    ...['receipt', 'verify', receipt, '--json', '--key', key['publicKey'] ?? ''],
    ...['--chain', devnet.rpcUrl ?? ''],
  ]);
  const { checks } = JSON.parse(stdout) as ReceiptReport;
  const named = (result: string) => checks.filter((check) => check.result === result);
  expect(named('fail')).toEqual([]);
  expect(named('pass').map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      ...['trusted-key', 'entry-signatures', 'checkpoint', 'inclusion', 'anchor-checkpoint'],
      ...['anchor-signer', 'anchor-signature', 'anchor-inclusion', 'finality'],
    ]),
  );

  // And the next start finds nothing to recover: what is anchored of the first log says nothing about this one.
  const fourth = serviceForTest(world);
  await committed(fourth, size + 3);
  await fourth.stop('SIGTERM');
  expect(await productJson(['journal', 'stat', state])).toMatchObject({ origin });
  expect((await verifiedJournal(state)).ok).toBe(true);
}, 240_000);

async function intentsOf(state: string): Promise<StoredIntent[]> {
  return (await productJson<{ intents: StoredIntent[] }>(['sync', 'status', state])).intents;
}
