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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../hal/contract/index.ts';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import { JournalError } from '../../src/journal/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { openEvidence, type Evidence } from '../../src/station/index.ts';
import { committed, exportedEntries, serviceForTest, verifiedJournal } from '../support/running-world.ts';

const PAGE = 4_096;
const ENTRIES = 302;
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
    configPath,
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

  it('goes on, is kept aside at the start, or says at the first entry that it is damaged, whichever page it is', async () => {
    const pages = statSync(path.join(good, 'journal.db')).size / PAGE;
    expect(pages).toBeGreaterThan(20);
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
        outcomes.add(damage.length > 0 ? 'kept aside' : 'goes on');
        // Boot, what was set aside, configuration, then the three; or what was there, boot, configuration and the three.
        expect(size, `page ${page}`).toBe(damage.length > 0 ? 6 : ENTRIES + 5);
      }
      rmSync(directory, { recursive: true });
    }
    expect([...outcomes].sort()).toEqual(['goes on', 'kept aside', 'shows later']);
  }, 60_000);

  it('ends the service when it shows only while it runs, and the next one begins a new journal', async () => {
    const directory = withDamagedPage(showsLater[0] ?? 0);
    const first = serviceForTest({ configPath, stateDirectory: directory });
    // The meter is silent: that is a fault, and the page that faults need is gone.
    expect(await first.exited).toEqual({ code: 1, signal: null });
    expect(first.last('degraded')).toMatchObject({ part: 'journal', code: 'journal.corrupt' });
    expect(keptAside(directory)).toHaveLength(1);

    const second = serviceForTest({ configPath, stateDirectory: directory });
    await committed(second, 4);
    expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await verifiedJournal(directory)).toMatchObject({ ok: true });
    const kinds = (await exportedEntries(directory)).map(({ kind }) => kind);
    expect(kinds.slice(0, 4)).toEqual(['boot', 'fault', 'config', 'fault']);
  }, 60_000);
});
