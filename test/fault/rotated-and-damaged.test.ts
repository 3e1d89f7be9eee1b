// A log whose key was replaced, or was about to be, and then its file is damaged: the station starts all the same, goes on
// metering, says in a signed entry what happened, and no two logs go by one name.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournalReader, verifyJournal } from '../../src/journal/index.ts';
import { runProduct, ServiceProcess } from '../support/product.ts';
import { faultsOf } from '../support/journal/recovering-journal.ts';

const ROTATOR = path.join(import.meta.dirname, '../support/journal/key-rotator.ts');
const SEED_SLOTS = /^root\.seed(\.next)?$/;

let root: string;
let state: string;
let config: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'rotated-'));
  state = path.join(root, 'state');
  config = path.join(root, 'station.yaml');
  writeFileSync(config, 'station: { name: T-1 }\nlines: []\nmeters: []\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Started {
  readonly origin: string;
  readonly publicKey: string;
  readonly size: number;
}

async function runOnce(): Promise<Started> {
  const service = ServiceProcess.start(config, state, ['--log-level', 'debug']);
  const started = await service.event(({ event }) => event === 'started');
  expect(await service.stop('SIGTERM')).toBeDefined();
  return started as unknown as Started;
}

/** Rotates the key in a process of its own, which dies before a step. */
async function rotate(dieBefore = 'never'): Promise<void> {
  const args = ['--import', 'tsx', ROTATOR, state, dieBefore];
  await promisify(execFile)(process.execPath, args, { timeout: 30_000 }).catch((error: unknown) => {
    if ((error as { signal?: string }).signal !== 'SIGKILL') throw error;
  });
}

const file = (suffix = ''): string => path.join(state, `journal.db${suffix}`);
const seeds = (): string[] => readdirSync(state).filter((name) => SEED_SLOTS.test(name));

/** Of a file that holds it all: what a killed process left in the write-ahead log is folded in before. */
function change(change: (bytes: Buffer) => void): void {
  const database = new Database(file());
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = readFileSync(file());
  change(bytes);
  writeFileSync(file(), bytes);
  // As a crash leaves it: there, with nothing in it.
  writeFileSync(file('-wal'), '');
}

/** One bit of an entry, where it stands in the file. */
function flipEntry(pick: (size: number, rotation: number) => number): void {
  const reader = openJournalReader(state);
  const rotation = (reader.keys.keys[1]?.firstIndex ?? 0) - 1;
  const { cose } = reader.entry(pick(reader.size, rotation));
  reader.close();
  change((bytes) => {
    const at = bytes.indexOf(cose);
    expect(at).toBeGreaterThan(0);
    bytes[at + cose.length - 10]! ^= 1;
  });
}

async function expectGood(): Promise<void> {
  expect(await verifyJournal(state)).toMatchObject({ ok: true, firstBad: null });
  expect(faultsOf(state).map(({ code }) => code)).toContain('journal.corrupt');
}

describe('a log with a rotated key', { timeout: 60_000 }, () => {
  it('goes on when the rotation can be read and another entry cannot', async () => {
    const before = await runOnce();
    await rotate();
    const rotated = await runOnce();
    await runOnce();
    flipEntry((size) => size - 2);
    const after = await runOnce();
    expect(after).toMatchObject({ origin: before.origin, publicKey: rotated.publicKey });
    expect(rotated.publicKey).not.toBe(before.publicKey);
    await expectGood();
    // And once more, with nothing left to say.
    const again = await runOnce();
    expect(again.origin).toBe(before.origin);
    expect(faultsOf(state)).toHaveLength(1);
  });

  it.each(['with', 'without'])(
    'goes on, or is followed, when the entry that hands it over is damaged, %s a high-water mark',
    async (mark) => {
      const before = await runOnce();
      await rotate();
      const rotated = await runOnce();
      flipEntry((_size, rotation) => rotation);
      if (mark === 'without') rmSync(path.join(state, 'journal.high-water'));
      const after = await runOnce();
      expect(after.publicKey).toBe(rotated.publicKey);
      expect(after.origin).not.toBe(before.origin);
      await expectGood();
      expect((await runOnce()).origin).toBe(after.origin);
    },
  );
});

it('a seed that handed the log over never signs it again, not even when nothing but bytes are left to tell', async () => {
  await runOnce();
  const old = readFileSync(path.join(state, 'root.seed'));
  await rotate();
  await runOnce();
  const seed = path.join(state, 'root.seed');
  const later = readFileSync(seed);
  writeFileSync(seed, old);
  change((bytes) => bytes.fill(0xa5, 0, 100));
  const refused = await runProduct(['run', '--config', config, '--state', state]);
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('journal.wrong_key') as string,
  });
  writeFileSync(seed, later);
  await runOnce();
  await expectGood();
}, 60_000);

describe('a rotation that was cut off, and a journal that cannot be read', { timeout: 60_000 }, () => {
  const damages: [string, () => void][] = [
    ['whose header is gone', () => change((bytes) => bytes.fill(0xa5, 0, 100))],
    ['whose first entry is damaged', () => flipEntry(() => 0)],
    ['of noise', () => change((bytes) => bytes.fill(0xa5))],
    ['of no bytes', () => change((bytes) => bytes.fill(0))],
  ];
  const cases = ['hand-over', 'switch-names'].flatMap((step) =>
    damages.map(([what, damage]) => [step, what, damage] as const),
  );
  it.each(cases)(
    'before %s, %s: the station starts, and goes on from then on',
    async (step, what, damage) => {
      const before = await runOnce();
      await rotate(step);
      expect(seeds()).toEqual(['root.seed', 'root.seed.next']);
      damage();
      const after = await runOnce();
      // The same log, by the key that it expects, or another one.
      expect([before.origin, `${before.origin}/2`]).toContain(after.origin);
      const handedOver = step === 'switch-names' && what !== 'of noise' && what !== 'of no bytes';
      expect(after.publicKey === before.publicKey).toBe(!handedOver);
      await expectGood();
      const again = await runOnce();
      expect(again).toMatchObject({ origin: after.origin, publicKey: after.publicKey });
      expect(again.size).toBeGreaterThan(after.size);
    },
  );
});
