import { execFile } from 'node:child_process';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { openJournalReader, readLogIdentity, verifyJournal } from '../../src/journal/index.ts';
import { OutboxStore } from '../../src/sync/outbox/outbox-store.ts';
import { openTestJournal, writeTestLog } from '../support/journal/journal-fixture.ts';

const ROTATOR = path.join(import.meta.dirname, '../support/journal/key-rotator.ts');

let directory: string;
let before: StationIdentity;
let origin: string;
beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'rotation-'));
  await createRootSeed(directory);
  before = await loadIdentity(directory);
  origin = `delmonicos/${before.chainAccount.ss58}`;
  await writeTestLog(directory, 20, { signer: before, origin });
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a rotation in a process of its own; resolves with what ended it. */
function rotate(
  dieBefore = 'never',
): Promise<{ signal: NodeJS.Signals | null; newKey: string; stderr: string }> {
  return new Promise((resolve) => {
    const args = ['--import', 'tsx', ROTATOR, directory, dieBefore];
    execFile(process.execPath, args, { timeout: 30_000 }, (error, newKey, stderr) =>
      resolve({ signal: error?.signal ?? null, newKey, stderr }),
    );
  });
}

/** What the service does at its start. */
const start = () =>
  loadIdentity(directory, {
    signsNext: () => readLogIdentity(directory)?.signsNext,
    finishRotation: true,
  });

const seeds = () => readdirSync(directory).filter((name) => name.startsWith('root.seed'));

describe('a rotation of the root seed', () => {
  it('does not sign on an old copy of the log, which only the checkpoints for the chain tell', async () => {
    const file = path.join(directory, 'journal.db');
    const old = readFileSync(file);
    const { text, size, root } = await writeTestLog(directory, 40, { signer: before, origin });
    const outbox = OutboxStore.open(directory);
    outbox.commit([
      {
        ...({ id: 1, kind: 'anchor', state: 'planned', checkpoint: text, size, plannedAtMs: 1 } as const),
        ...{ earlier: [], outcome: null },
        ...{ root: `0x${Buffer.from(root).toString('hex')}` as const },
        ...{ attempt: null, block: null, evidence: null, reason: null },
      },
    ]);
    outbox.close();
    writeFileSync(file, old);
    rmSync(path.join(directory, 'journal.high-water'));
    const { newKey, stderr } = await rotate();
    expect(newKey).toBe('');
    expect(stderr).toContain('journal.rolled_back');
    expect(seeds()).toEqual(['root.seed']);
    expect(readFileSync(file)).toEqual(old);
  });

  it('that is done leaves the new seed in place and the old one beside it', async () => {
    const old = readFileSync(path.join(directory, 'root.seed'));
    const { newKey } = await rotate();
    expect(seeds()).toEqual(['root.seed', 'root.seed.retired-1']);
    expect(readFileSync(path.join(directory, 'root.seed.retired-1'))).toEqual(old);
    expect(Buffer.from((await start()).publicKey).toString('hex')).toBe(newKey);
    expect(readLogIdentity(directory)).toMatchObject({ origin });
  });

  it.each([
    ['make-seed', 'old', ['root.seed']],
    ['hand-over', 'old', ['root.seed', 'root.seed.next']],
    ['switch-names', 'new', ['root.seed', 'root.seed.next']],
    ['done', 'new', ['root.seed', 'root.seed.retired-1']],
  ])(
    'that is cut off before %s is resolved from the log: the %s key signs on',
    async (step, expected, left) => {
      expect(await rotate(step)).toMatchObject({ signal: 'SIGKILL' });
      expect(seeds()).toEqual(left);

      const identity = await start();
      const kept = Buffer.compare(identity.publicKey, before.publicKey) === 0;
      expect(kept ? 'old' : 'new').toBe(expected);
      if (expected === 'new') expect(seeds()).toEqual(['root.seed', 'root.seed.retired-1']);
      const journal = await openTestJournal(directory, { signer: identity, origin });
      await journal.append('fault', { code: 'test', message: 'goes on' }, 'billing');
      await journal.close();
      expect(await verifyJournal(directory, { publicKey: before.publicKey })).toMatchObject({ ok: true });

      // And it can be done again, from whatever was left.
      const { newKey } = await rotate();
      const next = await start();
      expect(Buffer.from(next.publicKey).toString('hex')).toBe(newKey);
      expect(seeds().filter((name) => name === 'root.seed.next')).toEqual([]);
      expect(await verifyJournal(directory, { publicKey: next.publicKey })).toMatchObject({ ok: true });
      const reader = openJournalReader(directory);
      expect(reader.keys.keys).toHaveLength(expected === 'new' ? 3 : 2);
      reader.close();
    },
  );

  it('that is cut off between the two names of the old seed keeps it once', async () => {
    await rotate('switch-names');
    linkSync(path.join(directory, 'root.seed'), path.join(directory, 'root.seed.retired-1'));
    await start();
    expect(seeds()).toEqual(['root.seed', 'root.seed.retired-1']);
    expect(readFileSync(path.join(directory, 'root.seed'))).not.toEqual(
      readFileSync(path.join(directory, 'root.seed.retired-1')),
    );
  });

  it('changes nothing for whoever only looks', async () => {
    await rotate('switch-names');
    const identity = await loadIdentity(directory, {
      signsNext: () => readLogIdentity(directory)?.signsNext,
    });
    expect(identity.publicKey).not.toEqual(before.publicKey);
    expect(seeds()).toEqual(['root.seed', 'root.seed.next']);
  });

  it('is refused while the service runs', async () => {
    const journal = await openTestJournal(directory, { signer: before, origin });
    const { stderr } = await rotate();
    expect(stderr).toContain('journal.locked');
    await journal.close();
    expect(seeds()).toEqual(['root.seed']);
  });
});
