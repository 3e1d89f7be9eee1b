import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENERGY_IMPORT, parseDecimal, silentLog } from '../../hal/contract/index.ts';
import { bytesToHex } from '../../src/chain/index.ts';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { openJournal, openJournalReader, signCheckpoint } from '../../src/journal/index.ts';
import { OutboxStore } from '../../src/sync/outbox/outbox-store.ts';
import type { Receipt, ReceiptReport } from '../../src/receipt/index.ts';
import { anchoredBlock } from '../support/sync/anchored-block.ts';
import { runProduct } from '../support/product.ts';

describe('a receipt on the command line', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'receipt-'));
  const file = path.join(directory, 'made.receipt.json');
  let identity: StationIdentity;

  beforeAll(async () => {
    await createRootSeed(directory);
    identity = await loadIdentity(directory);
    await writeJournal(directory, identity);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const verify = async (...args: readonly string[]): Promise<{ status: number; report: ReceiptReport }> => {
    const { status, stdout } = await runProduct(['receipt', 'verify', file, '--json', ...args]);
    return { status, report: JSON.parse(stdout) as ReceiptReport };
  };
  const failed = ({ checks }: ReceiptReport) =>
    checks.filter(({ result }) => result === 'fail').map(({ name }) => name);

  it('is made of entries of the journal and verifies with the key that `key show` prints', async () => {
    const made = await runProduct([
      'receipt',
      'create',
      directory,
      '--index',
      '3',
      '1',
      '--index',
      '5',
      '-o',
      file,
    ]);
    expect(made.status).toBe(0);
    const shown = await runProduct(['key', 'show', directory, '--json']);
    const { publicKey, verifierKey } = JSON.parse(shown.stdout) as { publicKey: string; verifierKey: string };
    for (const key of [publicKey, `0x${publicKey}`, verifierKey]) {
      const { status, report } = await verify('--key', key);
      expect(status).toBe(0);
      expect(report.ok).toBe(true);
      expect(report.checks[1]).toMatchObject({ name: 'trusted-key', result: 'pass' });
      expect(report.statements.map(({ index }) => index)).toEqual([1, 3, 5]);
    }
  });

  it('fails for the key of another station, and for a verifier key of another log', async () => {
    const wrongKey = await verify('--key', '11'.repeat(32));
    expect(wrongKey.status).toBe(1);
    expect(failed(wrongKey.report)).toEqual(['trusted-key']);
    const wrongLog = await verify('--key', identity.verifierKey('example.com/another'));
    expect(wrongLog.status).toBe(1);
    expect(failed(wrongLog.report)).toEqual(['trusted-key']);
  });

  it('tells people what was read and what was not checked', async () => {
    const { status, stdout } = await runProduct(['receipt', 'verify', file]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^trusted-key +not checked/m);
    expect(stdout).toMatch(/entry 3: reading at .* \(clock: synchronised\), meter SIM-7/);
    expect(stdout).toMatch(/1-0:1\.8\.0\*255 +1003\.5 Wh/);
    expect(stdout).toMatch(/meter SIM-7: 4\.0 Wh imported from entry 1 to entry 5/);
    // A key of one's own makes a whole receipt, too: without one to compare with it is not called good.
    expect(stdout).toMatch(/^receipt: intact; whose key signed it was NOT CHECKED/m);
    expect(stdout).not.toContain('receipt: good');
    const compared = await runProduct(['receipt', 'verify', file, '--key', bytesToHex(identity.publicKey)]);
    expect(compared.stdout).toMatch(/^receipt: good$/m);
  });

  it('is not good when a digit was changed', async () => {
    const forged = path.join(directory, 'forged.receipt.json');
    writeFileSync(forged, readFileSync(file, 'utf8').replace(/index 3/, 'index 2'));
    const { status, stdout } = await runProduct(['receipt', 'verify', forged]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^entry-positions +fail/m);
    expect(stdout).toMatch(/NOT GOOD/);
  });

  it('without an anchor has no block to ask a chain about: asked for and not checked is not good', async () => {
    const { status, report } = await verify('--chain', 'ws://127.0.0.1:1');
    expect(status).toBe(1);
    expect(failed(report)).toEqual([]);
    expect(report.ok).toBe(false);
  });

  it('says which chain could not be asked', async () => {
    const golden = path.resolve(import.meta.dirname, '../vector/receipt/anchored.receipt.json');
    const asked = await runProduct(['receipt', 'verify', golden, '--json', '--chain', 'ws://127.0.0.1:1']);
    expect(asked.status).toBe(1);
    const { checks } = JSON.parse(asked.stdout) as ReceiptReport;
    expect(checks.find(({ name }) => name === 'finality')).toMatchObject({
      result: 'not checked',
      detail: expect.stringContaining('chain.unreachable') as string,
    });
  });

  it.each([
    ['a key that is none', ['verify', file, '--key', 'abc']],
    ['a light client without its relay chain', ['verify', file, '--chain', 'para.json']],
    ['a node that is not asked over WebSocket', ['verify', file, '--chain', 'http://127.0.0.1']],
    ['a relay chain without a chain', ['verify', file, '--relay', 'relay.json']],
    ['a file that is not there', ['verify', path.join(directory, 'none')]],
    ['no index', ['create', directory, '-o', file]],
    ['an index that is none', ['create', directory, '--index', '-1', '-o', file]],
    [
      'a file that cannot be written',
      ['create', directory, '--index', '1', '-o', path.join(directory, 'no/where')],
    ],
  ])('refuses %s with status 2', async (_what, args) => {
    expect((await runProduct(['receipt', ...args])).status).toBe(2);
  });

  it('rests on the earliest anchor that covers its entries, and on a fresh checkpoint where none does', async () => {
    for (const size of [3, 5]) putAnchor(directory, identity, size);
    const sizes: Record<number, number | undefined> = {};
    for (const index of [1, 2, 3, 4, 5]) {
      await runProduct(['receipt', 'create', directory, '--index', '0', `${index}`, '-o', file]);
      const { status, report } = await verify();
      expect(status).toBe(0);
      const anchored = report.checks.some(
        ({ name, result }) => name === 'anchor-inclusion' && result === 'pass',
      );
      sizes[index] = anchored ? (JSON.parse(readFileSync(file, 'utf8')) as Receipt).anchor?.size : undefined;
    }
    expect(sizes).toEqual({ 1: 3, 2: 3, 3: 5, 4: 5, 5: undefined });
  });

  it('is not made of an entry that the journal does not hold', async () => {
    const { status, stderr } = await runProduct(['receipt', 'create', directory, '--index', '99', '-o', '-']);
    expect(status).toBe(1);
    expect(stderr).toContain('[journal.out_of_range]');
  });
});

/** What the sync service leaves behind when an anchor is final. */
function putAnchor(directory: string, identity: StationIdentity, size: number): void {
  const journal = openJournalReader(directory);
  const root = journal.rootAt(size);
  const checkpoint = signCheckpoint({ origin: journal.origin, size, root }, identity);
  journal.close();
  const outbox = OutboxStore.open(directory);
  const evidence = anchoredBlock({ account: identity.chainAccount, checkpoint, size });
  outbox.commit([
    {
      id: size,
      kind: 'anchor',
      state: 'final',
      checkpoint,
      size,
      root: bytesToHex(root),
      plannedAtMs: 0,
      attempt: null,
      earlier: [],
      block: null,
      outcome: null,
      evidence,
      reason: null,
    },
  ]);
  outbox.close();
}

async function writeJournal(directory: string, signer: StationIdentity): Promise<void> {
  let sinceBootMs = 1000;
  const journal = await openJournal({
    directory,
    origin: `delmonicos/${signer.chainAccount.ss58}`,
    signer,
    clock: {
      stamp: () => ({
        wallTimeMs: 1_800_000_000_000 + sinceBootMs,
        clockStatus: 'S',
        sinceBootMs: (sinceBootMs += 1000),
      }),
      sleep: () => new Promise(() => {}),
    },
    log: silentLog,
    bootId: new Uint8Array(16),
  });
  await journal.recordBoot('test');
  for (let i = 1; i <= 5; i++) {
    const value = parseDecimal(`${1000 + i}.5`);
    await journal.append(
      'reading',
      {
        meterSerial: 'SIM-7',
        profileId: 'eastron-sdm630',
        readBeginMonoMs: i,
        readEndMonoMs: i + 1,
        values: [{ obis: ENERGY_IMPORT, value, unit: 'Wh', quality: 'G' }],
      },
      'billing',
    );
  }
  await journal.close();
}
