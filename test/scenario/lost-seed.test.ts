import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { decodeEntry, openJournalReader, readLogIdentity, verifyJournal } from '../../src/journal/index.ts';
import { openTestJournal, writeTestLog } from '../support/journal-fixture.ts';
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
