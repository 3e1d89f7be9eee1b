import {
  cpSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../hal/contract/index.ts';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { JournalError, verifyJournal } from '../../src/journal/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { openEvidence, type Evidence } from '../../src/station/index.ts';
import { committed, exportedEntries, serviceForTest, verifiedJournal } from '../support/running-world.ts';

const PAGE = 4_096;
const ENTRIES = 302;
const DERIVED: ReadonlySet<string> = new Set(['entry_by_kind', 'signing_key', 'hole', 'retention']);
const root = mkdtempSync(path.join(os.tmpdir(), 'journal-pages-'));
const good = path.join(root, 'good');
const configPath = path.join(root, 'station.yaml');
let identity: StationIdentity;
afterAll(() => rmSync(root, { recursive: true, force: true }));

const stamp = () => ({
  wallTimeMs: Date.now(),
  clockStatus: 'U' as const,
  sinceBootMs: Math.floor(systemMonotonicClock.nowMonoMs()),
});

function open(directory: string, damage: string[] = []): Promise<Evidence> {
  return openEvidence({
    directory,
    origin: 'delmonicos/test',
    software: 'test',
    config: { digest: '00'.repeat(32), reason: 'start' },
    identity,
    groupCommitMs: 1_000,
    clock: systemMonotonicClock,
    clockKeeper: { stamp, settle: () => {} },
    log: silentLog,
    onDamage: ({ code }) => damage.push(code),
  });
}

async function appendFaults({ journal }: Evidence, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const facts = [{ name: 'number', value: String(i) }];
    await journal.append('fault', { code: 'test', message: 'raised', facts }, 'billing');
  }
}

/** A copy of the good journal, with its seed, of which one page is overwritten. */
function withDamagedPage(page: number): string {
  const directory = path.join(root, `page-${page}`);
  cpSync(good, directory, { recursive: true });
  const file = openSync(path.join(directory, 'journal.db'), 'r+');
  // The header of page 0 stays: a file that is no database at all is another case.
  const skip = page === 0 ? 100 : 0;
  writeSync(file, Buffer.alloc(PAGE - skip, 0xa5), 0, PAGE - skip, page * PAGE + skip);
  closeSync(file);
  return directory;
}

/** Of which table or index each page of the good journal is a part. */
function tablesByPage(): string[] {
  const database = new Database(path.join(good, 'journal.db'), { readonly: true });
  const pages = database.prepare<[], { page: number; name: string }>(
    'SELECT pageno AS page, name FROM dbstat',
  );
  const tables: string[] = [];
  for (const { page, name } of pages.all()) tables[page - 1] = name;
  database.close();
  return tables;
}

const keptAside = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^journal\.db\.damaged-\d+$/.test(name));

beforeAll(async () => {
  mkdirSync(good);
  writeFileSync(
    configPath,
    `station: { name: T-1, origin: delmonicos/test }
lines:
  - { id: gone, serial: /dev/there-is-no-such-device }
meters:
  - { id: lost, line: gone, unitId: 1, profile: eastron-sdm630, every: 100ms }
`,
  );
  await createRootSeed(good);
  identity = await loadIdentity(good);
  const evidence = await open(good);
  await appendFaults(evidence, ENTRIES - 2);
  await evidence.journal.close();
});

describe('a journal of which one page is destroyed', () => {
  const showsLater: number[] = [];

  it('goes on, is recovered at the start, or says at the first entry that it is damaged, whichever page it is', async () => {
    const pages = statSync(path.join(good, 'journal.db')).size / PAGE;
    expect(pages).toBeGreaterThan(20);
    const tables = tablesByPage();
    const outcomes = new Set<string>();
    for (let page = 0; page < pages; page++) {
      const directory = withDamagedPage(page);
      const damage: string[] = [];
      const evidence = await open(directory, damage);
      const failure = await appendFaults(evidence, 3).catch((error: unknown) => error);
      const { size } = evidence.journal;
      await evidence.journal.close();
      if (failure !== undefined) {
        expect(failure, `page ${page}`).toBeInstanceOf(JournalError);
        expect(failure, `page ${page}`).toMatchObject({ code: 'journal.corrupt' });
        showsLater.push(page);
        outcomes.add('shows later');
      } else {
        const { ok } = await verifyJournal(directory);
        const birthGone = evidence.journal.origin !== 'delmonicos/test';
        if (damage.length === 0) {
          outcomes.add('goes on');
          // What no start looks at, the auditor finds; but for what is derived from entries and read by nobody yet.
          expect(ok, `page ${page}`).toBe(DERIVED.has(tables[page] ?? ''));
          expect(size, `page ${page}`).toBe(ENTRIES + 5);
        } else {
          outcomes.add(birthGone ? 'another log' : 'recovered');
          expect(ok, `page ${page}`).toBe(true);
          // Boot, what happened, configuration, then the three.
          expect(size, `page ${page}`).toBe((birthGone ? 0 : ENTRIES) + 6);
        }
      }
      rmSync(directory, { recursive: true });
    }
    expect([...outcomes].sort()).toEqual(['another log', 'goes on', 'recovered', 'shows later']);
  }, 60_000);

  it('ends the service when it shows only while it runs, and the next one recovers it', async () => {
    const directory = withDamagedPage(showsLater[0] ?? 0);
    const first = serviceForTest({ configPath, stateDirectory: directory });
    // The meter is silent: that is a fault, and the page that faults need is gone.
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.last('degraded')).toMatchObject({ part: 'journal', code: 'journal.corrupt' });

    const second = serviceForTest({ configPath, stateDirectory: directory });
    await committed(second, ENTRIES + 4);
    expect(keptAside(directory)).toHaveLength(1);
    expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await verifiedJournal(directory)).toMatchObject({ ok: true });
    const kinds = (await exportedEntries(directory)).map(({ kind }) => kind);
    expect(kinds.slice(kinds.lastIndexOf('boot'))).toEqual(['boot', 'fault', 'config', 'fault']);
  }, 60_000);
});
