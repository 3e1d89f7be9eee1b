import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { identityFromSeed, loadIdentity } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  leafHash,
  openJournalReader,
  parseTlogProof,
  verifyCheckpoint,
  verifyInclusion,
} from '../../../src/journal/index.ts';
import {
  JournalVirtualClock,
  openTestJournal,
  reading,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';
import { productJson, runProduct } from '../../support/product.ts';

let directory: string;
let remove: () => void;
let log: { origin: string; publicKey: Uint8Array };
let close: () => Promise<void>;

// The log stays open in this process: every command below runs beside its writer.
beforeAll(async () => {
  ({ directory, remove } = temporaryDirectory());
  expect((await runProduct(['key', 'init', directory])).status).toBe(0);
  const signer = await loadIdentity(directory);
  log = { origin: `delmonicos/${signer.chainAccount.ss58}`, publicKey: signer.publicKey };
  const journal = await openTestJournal(directory, { signer, origin: log.origin });
  const appended = Array.from({ length: 299 }, (_, i) => journal.append('reading', reading(i), 'sample'));
  await journal.flush();
  await Promise.all(appended);
  close = () => journal.close();
});
afterAll(async () => {
  await close();
  remove();
});

const sha = /^[0-9a-f]{64}$/;

describe('delmonicos key', () => {
  it('init makes no second seed and says so with status 1', async () => {
    const before = readFileSync(path.join(directory, 'root.seed'));
    const { status, stderr } = await runProduct(['key', 'init', directory]);
    expect(status).toBe(1);
    expect(stderr).toContain('already there');
    expect(readFileSync(path.join(directory, 'root.seed'))).toEqual(before);
  });

  it('show prints the keys of the log', async () => {
    const shown = await productJson<Record<string, unknown>>(['key', 'show', directory]);
    expect(shown).toMatchObject({
      origin: log.origin,
      publicKey: Buffer.from(log.publicKey).toString('hex'),
      verifierKey: expect.stringContaining(`${log.origin}+`) as string,
    });
  });
});

describe('delmonicos journal', () => {
  it('stat says how much there is and how much of it is not anchored', async () => {
    const stat = await productJson<Record<string, unknown>>(['journal', 'stat', directory]);
    expect(stat).toMatchObject({
      origin: log.origin,
      size: 300,
      backlog: 300,
      anchoredSize: 0,
      bootCount: 1,
    });
    expect(stat['root']).toMatch(sha);
    expect(stat['bytes']).toBeGreaterThan(300 * 200);
  });

  it('verify has the documented JSON and status 0', async () => {
    const { status, stdout, stderr } = await runProduct(['journal', 'verify', directory, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      size: 300,
      root: expect.stringMatching(sha) as string,
      ok: true,
      firstBad: null,
      notCompared: null,
      pruned: { entries: 0, ranges: 0 },
    });
    expect(stderr).toBe('');
  });

  it('checkpoint prints a note that verifies, and verify takes it back', async () => {
    const { stdout } = await runProduct(['journal', 'checkpoint', directory]);
    expect(verifyCheckpoint(stdout, log).size).toBe(300);
    const file = path.join(directory, 'seen.checkpoint');
    writeFileSync(file, stdout);
    expect((await runProduct(['journal', 'verify', directory, '--checkpoint', file])).status).toBe(0);
    writeFileSync(file, stdout.replace('\n300\n', '\n301\n'));
    expect((await runProduct(['journal', 'verify', directory, '--checkpoint', file])).status).toBe(1);
  });

  it('verify refuses a log that is not signed with the key given', async () => {
    const keys = await loadIdentity(directory);
    const own = keys.verifierKey(log.origin);
    expect((await runProduct(['journal', 'verify', directory, '--key', own])).status).toBe(0);
    expect(
      (await runProduct(['journal', 'verify', directory, '--key', keys.verifierKey('other')])).status,
    ).toBe(1);
    expect((await runProduct(['journal', 'verify', directory, '--key', 'nonsense'])).status).toBe(2);
  });

  it.each([[300], [257], [256], [43]])('proof of entry 42 in size %i verifies', async (size) => {
    const { stdout } = await runProduct([
      'journal',
      'proof',
      directory,
      '--index',
      '42',
      '--size',
      String(size),
    ]);
    const { index, inclusionProof, checkpoint } = parseTlogProof(stdout);
    const { size: treeSize, root: rootHash } = verifyCheckpoint(checkpoint, log);
    const reader = openJournalReader(directory);
    const hash = leafHash(reader.entry(42).cose);
    reader.close();
    expect({ index, treeSize }).toEqual({ index: 42, treeSize: size });
    expect(
      verifyInclusion({ leafIndex: 42, treeSize, leafHash: hash, rootHash, proof: inclusionProof }),
    ).toBe(true);
  });

  it('proof of what is not there is status 1, without an index status 2', async () => {
    expect((await runProduct(['journal', 'proof', directory, '--index', '300'])).status).toBe(1);
    expect((await runProduct(['journal', 'proof', directory])).status).toBe(2);
    expect((await runProduct(['journal', 'proof', directory, '--index', '-1'])).status).toBe(2);
  });

  it('export writes JSON lines that hold the signed bytes', async () => {
    const { stdout } = await runProduct([
      ...['journal', 'export', directory, '--format', 'jsonl', '--from', '10', '--to', '12'],
    ]);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      index: 10,
      kind: 'reading',
      body: { values: [{ value: '10000.9' }, {}] },
    });
    const cose = Buffer.from(lines[1]?.['cose'] as string, 'base64');
    expect(decodeEntry(cose).entry.index).toBe(11);
  });

  it('says with status 1 that there is no journal', async () => {
    for (const command of ['stat', 'verify', 'export']) {
      const { status, stderr } = await runProduct(['journal', command, path.join(directory, 'nowhere')]);
      expect(status).toBe(1);
      expect(stderr).toContain('journal.missing');
    }
  });

  it('verify names the first bad entry, with status 1', async () => {
    const copy = temporaryDirectory();
    const source = new Database(path.join(directory, 'journal.db'), { readonly: true });
    await source.backup(path.join(copy.directory, 'journal.db'));
    source.close();
    const database = new Database(path.join(copy.directory, 'journal.db'));
    database.exec('UPDATE entry SET cose = zeroblob(100) WHERE leaf_index = 123');
    database.close();
    const { status, stdout } = await runProduct(['journal', 'verify', copy.directory, '--json']);
    copy.remove();
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, root: null, firstBad: { index: 123 } });
  });

  it('verify refuses a key and a checkpoint of two different logs', async () => {
    const file = path.join(directory, 'foreign.checkpoint');
    writeFileSync(file, (await runProduct(['journal', 'checkpoint', directory])).stdout);
    const key = (await loadIdentity(directory)).verifierKey('other');
    const both = await runProduct(['journal', 'verify', directory, '--key', key, '--checkpoint', file]);
    expect(both.status).toBe(2);
    expect(both.stderr).toContain('usage.bad_option');
  });

  it("shows a stranger's log without letting it steer the terminal, whatever time it claims", async () => {
    const foreign = temporaryDirectory();
    const signer = identityFromSeed(new Uint8Array(32).fill(5));
    const clock = new JournalVirtualClock();
    clock.stamp = () => ({ wallTimeMs: 2 ** 53 - 1, clockStatus: 'S', sinceBootMs: 1 });
    const origin = 'evil\u001b[2J\u009b1m\ngood: all';
    const journal = await openTestJournal(foreign.directory, { signer, origin, clock });
    await journal.close();
    for (const args of [['verify'], ['stat'], ['verify', '--key', signer.verifierKey('x')]]) {
      const { stdout, stderr } = await runProduct(['journal', args[0]!, foreign.directory, ...args.slice(1)]);
      expect(stderr).not.toContain('internal');
      expect(stdout).toContain('evil');
      expect(stdout).not.toMatch(/[\u001b\u009b]|^good: all/m);
    }
    const { status, stdout } = await runProduct([
      'journal',
      'export',
      foreign.directory,
      '--format',
      'jsonl',
    ]);
    foreign.remove();
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ timeMs: 2 ** 53 - 1, station: origin });
  });
});
