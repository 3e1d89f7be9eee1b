import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { decodeEntry, leafHash, openJournalReader, parseTlogProof } from '../../src/journal/index.ts';
import { readHighWater, readLogIdentity, signCheckpoint, verifyCheckpoint } from '../../src/journal/index.ts';
import { verifyInclusion, verifyJournal } from '../../src/journal/index.ts';
import { OutboxStore } from '../../src/sync/outbox/outbox-store.ts';
import { anchoredBlock } from '../support/sync/anchored-block.ts';
import { openTestJournal, writeTestLog } from '../support/journal/journal-fixture.ts';
import { faultsOf } from '../support/journal/recovering-journal.ts';
import { productJson, runProduct } from '../support/product.ts';

let directory: string;
let before: StationIdentity;
let origin: string;
let root: string;
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'lost-'));
  await createRootSeed(directory);
  before = await loadIdentity(directory);
  origin = `delmonicos/${before.chainAccount.ss58}`;
  const checkpoint = await writeTestLog(directory, 300, { signer: before, origin });
  root = Buffer.from(checkpoint.root).toString('hex');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What the sync service leaves behind: a checkpoint that was signed for the chain, and what became of it. */
function putSigned(
  state: string,
  identity: StationIdentity,
  { size, anchored }: { size: number; anchored: boolean },
): void {
  const journal = openJournalReader(state);
  const treeRoot = journal.rootAt(size);
  const checkpoint = signCheckpoint({ origin: journal.origin, size, root: treeRoot }, identity);
  journal.close();
  const evidence = anchored ? anchoredBlock({ account: identity.chainAccount, checkpoint, size }) : null;
  const outbox = OutboxStore.open(state);
  outbox.commit([
    {
      ...({ id: size, kind: 'anchor', earlier: [], outcome: null } as const),
      ...{ state: anchored ? 'final' : 'planned', checkpoint, size, plannedAtMs: 0, evidence },
      ...{ root: `0x${Buffer.from(treeRoot).toString('hex')}`, attempt: null, block: null, reason: null },
    },
  ]);
  outbox.close();
}

const loseSeed = () => rmSync(path.join(directory, 'root.seed'));

describe('a journal whose root seed is lost', () => {
  it('is still verified, exported, measured and looked at', async () => {
    loseSeed();
    expect(await productJson(['journal', 'verify', directory])).toMatchObject({
      size: 300,
      root,
      ok: true,
      firstBad: null,
    });
    expect(await productJson(['journal', 'stat', directory])).toMatchObject({ size: 300, root, origin });
    const { stdout } = await runProduct(['journal', 'export', directory, '--format', 'jsonl']);
    expect(stdout.trim().split('\n')).toHaveLength(300);
  });

  it('gives proofs, checkpoints and receipts of what was signed before, anchored or not', async () => {
    putSigned(directory, before, { size: 200, anchored: true });
    putSigned(directory, before, { size: 250, anchored: false });
    loseSeed();
    const proof = await productJson<{ size: number; proof: string }>([
      ...['journal', 'proof', directory, '--index', '220'],
    ]);
    const { index, inclusionProof, checkpoint } = parseTlogProof(proof.proof);
    const log = { origin, publicKey: before.publicKey };
    const { size, root: rootHash } = verifyCheckpoint(checkpoint, log);
    expect({ index, size }).toEqual({ index: 220, size: 250 });
    const reader = openJournalReader(directory);
    const leaf = leafHash(reader.entry(220).cose);
    reader.close();
    expect(
      verifyInclusion({ leafHash: leaf, leafIndex: 220, treeSize: 250, rootHash, proof: inclusionProof }),
    ).toBe(true);
    expect(await productJson(['journal', 'checkpoint', directory])).toMatchObject({ size: 250 });
    for (const [leafIndex, anchored] of [
      [150, 'anchored in block'],
      [220, 'not anchored'],
    ] as const) {
      const file = path.join(directory, `${leafIndex}.receipt.json`);
      const args = ['receipt', 'create', directory, '--index', String(leafIndex), '-o', file];
      expect(await runProduct(args)).toMatchObject({
        status: 0,
        stderr: expect.stringContaining(anchored) as string,
      });
      const key = Buffer.from(before.publicKey).toString('hex');
      expect(await productJson(['receipt', 'verify', file, '--key', key])).toMatchObject({ ok: true });
    }
    // What was never signed needs the key.
    const unsigned = await runProduct(['journal', 'proof', directory, '--index', '299']);
    expect(unsigned).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('identity.seed_missing') as string,
    });

    // All the same of the log that was kept aside.
    expect(await runProduct(['key', 'init', directory, '--after-loss'])).toMatchObject({ status: 0 });
    const kept = path.join(directory, 'without-key-1');
    expect(await productJson(['journal', 'proof', kept, '--index', '220'])).toMatchObject({ size: 250 });
    expect(await runProduct(['receipt', 'create', kept, '--index', '150', '-o', '-'])).toMatchObject({
      status: 0,
    });
  });

  it('is followed by another log of another identity that says which one went before', async () => {
    loseSeed();
    const { status, stderr } = await runProduct(['key', 'init', directory, '--after-loss']);
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('300 entries') as string,
    });

    const identity = await loadIdentity(directory);
    expect(identity.publicKey).not.toEqual(before.publicKey);
    const reader = openJournalReader(directory);
    expect(reader.origin).toBe(`delmonicos/${identity.chainAccount.ss58}`);
    const entries = [...reader.entries()].map(({ cose }) => decodeEntry(cose).entry);
    reader.close();
    expect(entries).toMatchObject([
      { kind: 'boot', body: { birthKey: identity.publicKey } },
      {
        kind: 'fault',
        body: {
          code: 'identity.seed_lost',
          facts: [
            { name: 'keptAs', value: 'without-key-1' },
            { name: 'log', value: origin },
            { name: 'size', value: '300' },
            { name: 'root', value: root },
          ],
        },
      },
    ]);
    const journal = await openTestJournal(directory, {
      signer: identity,
      origin: readLogIdentity(directory)!.origin,
    });
    await journal.append('fault', { code: 'test', message: 'metering goes on' }, 'billing');
    await journal.close();
    expect(await verifyJournal(directory, { publicKey: identity.publicKey })).toMatchObject({
      ok: true,
      size: 4,
    });

    // The old log is whole, and every command that reads takes its directory.
    const kept = path.join(directory, 'without-key-1');
    expect(await verifyJournal(kept, { publicKey: before.publicKey })).toMatchObject({
      ok: true,
      size: 300,
      root,
    });
    expect(await productJson(['journal', 'verify', kept])).toMatchObject({ ok: true, size: 300 });
  });

  describe('with its high-water mark configured elsewhere', () => {
    const mark = (): string => path.join(directory, 'elsewhere', 'mark');
    const config = (): string => path.join(directory, 'station.yaml');
    beforeEach(async () => {
      mkdirSync(path.dirname(mark()));
      const yaml = `station: { name: T-1 }\nlines: []\nmeters: []\njournal: { highWater: ${mark()} }\n`;
      writeFileSync(config(), yaml);
      await (await open(before, origin)).close();
      loseSeed();
    });
    const open = (signer: StationIdentity, of: string) =>
      openTestJournal(directory, { signer, origin: of, highWater: { file: mark() } });
    const markedOrigin = (file: string): unknown => {
      const found = readHighWater(file);
      return found.state === 'read' ? found.mark.origin : found.state;
    };
    const codes = (): string[] => faultsOf(directory).map(({ code }) => code);

    it('takes the mark along, and the log that follows has its own there', async () => {
      const args = ['key', 'init', directory, '--after-loss', '--config', config()];
      expect(await runProduct(args)).toMatchObject({ status: 0 });
      const identity = await loadIdentity(directory);
      const next = `delmonicos/${identity.chainAccount.ss58}`;
      expect(markedOrigin(mark())).toBe(next);
      expect(markedOrigin(path.join(directory, 'without-key-1', 'journal.high-water'))).toBe(origin);
      await (await open(identity, next)).close();
      expect(codes()).toEqual(['identity.seed_lost']);
    });

    it('goes on past a mark that was left behind, and says so', async () => {
      expect(await runProduct(['key', 'init', directory, '--after-loss'])).toMatchObject({ status: 0 });
      expect(markedOrigin(mark())).toBe(origin);
      const identity = await loadIdentity(directory);
      const next = `delmonicos/${identity.chainAccount.ss58}`;
      await (await open(identity, next)).close();
      expect(markedOrigin(mark())).toBe(next);
      expect(codes()).toEqual(['identity.seed_lost', 'journal.high_water_lost']);
      await (await open(identity, next)).close();
      expect(codes()).toHaveLength(2);
    });
  });

  it('is not given up while its seed is there', async () => {
    const { status, stderr } = await runProduct(['key', 'init', directory, '--after-loss']);
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('identity.not_lost') as string,
    });
    expect(readLogIdentity(directory)).toMatchObject({ origin });
  });

  it('keeps a seed that is damaged beside the new one', async () => {
    writeFileSync(path.join(directory, 'root.seed'), 'no seed', { mode: 0o600 });
    expect(await runProduct(['key', 'init', directory, '--after-loss'])).toMatchObject({ status: 0 });
    expect(readdirSync(directory)).toEqual(
      expect.arrayContaining(['root.seed', 'root.seed.lost-1', 'without-key-1']),
    );
  });

  it('gives way to the new one also when the first try was cut off after the new seed was made', async () => {
    loseSeed();
    await createRootSeed(directory);
    const { publicKey } = await loadIdentity(directory);
    mkdirSync(path.join(directory, 'without-key-1'));
    expect(await runProduct(['key', 'init', directory, '--after-loss'])).toMatchObject({ status: 0 });
    expect((await loadIdentity(directory)).publicKey).toEqual(publicKey);
    expect(await verifyJournal(path.join(directory, 'without-key-1'))).toMatchObject({ ok: true, size: 300 });
  });

  it('with a name of its own is followed by the next log of that name', async () => {
    const own = path.join(directory, 'own');
    await createRootSeed(own);
    await writeTestLog(own, 5, { signer: await loadIdentity(own), origin: 'example.com/station-7' });
    rmSync(path.join(own, 'root.seed'));
    expect(await runProduct(['key', 'init', own, '--after-loss'])).toMatchObject({ status: 0 });
    expect(readLogIdentity(own)?.origin).toBe('example.com/station-7/2');
  });
});
