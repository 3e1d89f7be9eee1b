import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournalReader, verifyJournal } from '../../../src/journal/index.ts';
import { appendedEntry } from '../../support/journal/appended-entry.ts';
import { lostEntries } from '../../support/journal/appender-process.ts';
import {
  openTestJournal,
  SIGNER,
  temporaryDirectory,
  writeTestLog,
} from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/journal/recovering-journal.ts';
import { seededRandom } from '../../support/seeded-random.ts';

// Copies of a log's files, taken while it was written and then damaged: cut off at any byte, or with one sector that holds
// what stood there earlier, nothing, or noise. Whatever happens, one of two things must hold: everything acknowledged is
// there as it was given, or the damage is noticed. Never a log that is silently shorter or silently wrong. The soak does more.

const { seed, note } = seededRandom('torn');
const RUNS = Number(process.env['SOAK_TORN_RUNS'] ?? 8);
const SECTOR = 512;
const SIGNATURE_BYTES = 64;
const FILES = ['journal.db', 'journal.db-wal', 'journal.high-water'] as const;
const ENTRIES = 60;
/** A tree is signed here, and what is older than it is never given up in silence. */
const SIGNED_AT = 40;
/** The last ones count as not acknowledged: what a cut may take. */
const UNACKNOWLEDGED = 5;

/** What a damaged sector holds. */
type Content = 'earlier' | 'zeros' | 'noise';
const LIVE_CONTENTS: readonly Content[] = ['zeros', 'noise'];

interface Copy {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly earlier: ReadonlyMap<string, Buffer>;
  /** Index to number of what is acknowledged. */
  readonly acknowledged: ReadonlyMap<number, number>;
  /** Index to size of the write-ahead log when it was acknowledged. */
  readonly durableAt: ReadonlyMap<number, number>;
  readonly signedSize: number;
  /** In each file a sector with bytes of an acknowledged entry, which stands nowhere else but in frames behind it. */
  readonly live: Readonly<Record<'journal.db' | 'journal.db-wal', number>>;
}

let home: string;
let remove: () => void;
let copy: Copy;
let copies = 0;

beforeAll(async () => {
  ({ directory: home, remove } = temporaryDirectory());
  copy = await copyOfAWriter(path.join(home, 'live'));
});
afterAll(() => remove());

async function copyOfAWriter(directory: string): Promise<Copy> {
  await writeTestLog(directory, 300);
  const journal = await openTestJournal(directory);
  const read = () => new Map(FILES.map((name) => [name, readFileSync(path.join(directory, name))] as const));
  const acknowledged = new Map<number, number>();
  const durableAt = new Map<number, number>();
  let [earlier, signedSize] = [read(), 0];
  for (let number = 0; number < ENTRIES; number++) {
    const { kind, body } = appendedEntry(number);
    const index = await journal.append(kind, body, 'billing');
    if (number < ENTRIES - UNACKNOWLEDGED) acknowledged.set(index, number);
    durableAt.set(index, statSync(path.join(directory, 'journal.db-wal')).size);
    if (number === SIGNED_AT / 2) earlier = read();
    if (number === SIGNED_AT) signedSize = (await journal.checkpoint()).size;
  }
  const files = read();
  const sectorOf = (file: keyof Copy['live'], index: number): number => {
    const reader = openJournalReader(directory);
    const signature = reader.entry(index).cose.slice(-SIGNATURE_BYTES);
    reader.close();
    const at = files.get(file)!.indexOf(signature);
    expect(at, `entry ${index} stands in ${file}`).toBeGreaterThan(0);
    return Math.floor(at / SECTOR);
  };
  const live = {
    'journal.db': sectorOf('journal.db', 100),
    'journal.db-wal': sectorOf('journal.db-wal', Math.max(...acknowledged.keys())),
  };
  await journal.close();
  return { files, earlier, acknowledged, durableAt, signedSize, live };
}

/** Puts the copy into a directory of its own, one file of it changed. */
function damaged(name: string, change: (content: Buffer) => Buffer): string {
  const directory = path.join(home, `copy-${copies++}`);
  mkdirSync(directory);
  for (const [file, content] of copy.files) {
    writeFileSync(path.join(directory, file), file === name ? change(Buffer.from(content)) : content);
  }
  return directory;
}

/** Opens it as the service does, and tells what is lost without a word. */
async function openAndAudit(directory: string): Promise<{ noticed: string[]; lost: number[] }> {
  const asItIs = await verifyJournal(copyOf(directory), { publicKey: SIGNER.publicKey });
  const { journal, noticed } = await openRecovered(directory);
  await journal.append('reading', appendedEntry(0).body as never, 'billing');
  const { size } = journal;
  await journal.close();
  // Whatever was found, the log that goes on is a good one.
  const after = await verifyJournal(directory, { publicKey: SIGNER.publicKey });
  if (asItIs.ok || noticed.length > 0) expect(after).toMatchObject({ ok: true, size });
  if (noticed.length > 0) {
    expect(faultsOf(directory).length).toBeGreaterThan(0);
    expect(readdirSync(directory).some((name) => name.includes('damaged'))).toBe(true);
  }
  const all = [...noticed, ...(asItIs.ok ? [] : ['audit'])];
  return { noticed: all, lost: all.length > 0 ? [] : lostEntries(directory, copy.acknowledged) };
}

/** The auditor's copy: opening it must not change what the service finds. */
function copyOf(directory: string): string {
  const target = `${directory}-audited`;
  mkdirSync(target);
  for (const file of readdirSync(directory))
    copyFileSync(path.join(directory, file), path.join(target, file));
  return target;
}

const check = <Values>(property: fc.IAsyncProperty<Values>, examples: Values[] = []) =>
  fc.assert(property, { seed, numRuns: RUNS, examples });

describe(`a copy of a log that is written ${note}`, { timeout: 120_000 }, () => {
  it('is whole when nothing was done to it', async () => {
    const directory = damaged('', (content) => content);
    expect(await openAndAudit(directory)).toEqual({ noticed: [], lost: [] });
    expect(lostEntries(directory, copy.acknowledged)).toEqual([]);
    expect(existsSync(path.join(directory, 'journal.db'))).toBe(true);
  });

  it('whose write-ahead log is cut off anywhere has lost nothing that was durable by then, and no signed tree in silence', async () => {
    const wal = copy.files.get('journal.db-wal')!;
    await check(
      fc.asyncProperty(fc.integer({ min: 0, max: wal.length }), async (end) => {
        const directory = damaged('journal.db-wal', (content) => content.subarray(0, end));
        const { noticed, lost } = await openAndAudit(directory);
        const durable = lost.filter((index) => copy.durableAt.get(index)! <= end);
        const signed = lost.filter((index) => index < copy.signedSize);
        expect({ end, noticed, durable, signed }).toEqual({ end, noticed, durable: [], signed: [] });
      }),
    );
  });

  it.each(['journal.db-wal', 'journal.db'] as const)(
    'with another sector in %s has lost nothing in silence',
    async (file) => {
      const whole = copy.files.get(file)!;
      const sectors = fc.integer({ min: 0, max: Math.floor(whole.length / SECTOR) - 1 });
      const contents = fc.constantFrom<Content>('earlier', 'zeros', 'noise');
      const noticedAt = new Map<string, readonly string[]>();
      await check(
        fc.asyncProperty(sectors, contents, async (sector, content) => {
          const at = sector * SECTOR;
          const sectorNow = {
            earlier: copy.earlier.get(file)!.subarray(at, at + SECTOR),
            zeros: Buffer.alloc(SECTOR),
            noise: Buffer.alloc(SECTOR, 0xa5),
          }[content];
          const directory = damaged(file, (bytes) => {
            bytes.set(sectorNow, at);
            return bytes;
          });
          const { noticed, lost } = await openAndAudit(directory);
          noticedAt.set(`${sector} ${content}`, noticed);
          expect({ sector, content, noticed, lost }).toEqual({ sector, content, noticed, lost: [] });
        }),
        LIVE_CONTENTS.map((content) => [copy.live[file], content]),
      );
      // Where a sector surely held evidence, its loss was told: the others may have held nothing that counts.
      for (const content of LIVE_CONTENTS)
        expect(noticedAt.get(`${copy.live[file]} ${content}`)).not.toEqual([]);
    },
  );

  it('whose database is cut off anywhere has lost nothing in silence', async () => {
    const whole = copy.files.get('journal.db')!;
    await check(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (end) => {
        const { lost } = await openAndAudit(damaged('journal.db', (content) => content.subarray(0, end)));
        expect({ end, lost }).toEqual({ end, lost: [] });
      }),
      // In the middle of a page, which SQLite calls an I/O error.
      [[4 * 4_096 + 1]],
    );
  });
});
