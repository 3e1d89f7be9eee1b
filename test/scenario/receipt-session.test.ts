// A session in a real journal, its receipt made and checked by the command, and in a journal at its bound.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../src/identity/index.ts';
import {
  decodeEntry,
  openJournalReader,
  readHighWater,
  highWaterFile,
  type Journal,
} from '../../src/journal/index.ts';
import type { Receipt, ReceiptReport } from '../../src/receipt/index.ts';
import {
  JournalVirtualClock,
  openTestJournal,
  temporaryDirectory,
} from '../support/journal/journal-fixture.ts';
import { productJson, runProduct } from '../support/product.ts';
import { SESSION_ID, sessionLog } from '../support/receipt/session-fixture.ts';

const { directory, remove } = temporaryDirectory();
const file = path.join(directory, 'session.receipt.json');
const MINUTES = 700;
const MINUTE_MS = 60_000;
let identity: StationIdentity;
let end = 0;

beforeAll(async () => {
  await createRootSeed(directory);
  identity = await loadIdentity(directory);
  end = await writeSession();
});
afterAll(() => remove());

const open = (clock = new JournalVirtualClock()): Promise<Journal> =>
  openTestJournal(directory, {
    origin: `delmonicos/${identity.chainAccount.ss58}`,
    signer: identity,
    clock,
  });

/** What a station reads and signs in a night, by the journal's own writer. */
async function writeSession(): Promise<number> {
  const clock = new JournalVirtualClock();
  const journal = await open(clock);
  const told = sessionLog({ minutes: MINUTES, withoutOcmf: true }).log.slice(1);
  const appended = [];
  let last = 0;
  for (const cose of told) {
    const { kind, body } = decodeEntry(cose).entry;
    const durability = kind === 'reading' ? 'sample' : 'billing';
    await clock.advance(MINUTE_MS);
    appended.push(journal.append(kind, body, durability));
    if (kind === 'session-end') last = appended.length - 1;
  }
  await journal.flush();
  const indices = await Promise.all(appended);
  await journal.close();
  return indices[last] ?? 0;
}

const create = (...args: readonly string[]) =>
  runProduct(['receipt', 'create', directory, '-o', file, ...args]);
const verify = async () => {
  const key = Buffer.from(identity.publicKey).toString('hex');
  const { status, stdout } = await runProduct(['receipt', 'verify', file, '--json', '--key', key]);
  return { status, report: JSON.parse(stdout) as ReceiptReport };
};

describe('the receipt of a session on the command line', () => {
  it('is made by the session id, and says the energy and what it leaves out', async () => {
    const made = await create('--session', SESSION_ID);
    expect(made.stderr).toContain(`360 of the session's ${MINUTES - 1} readings`);
    expect(made.status).toBe(0);
    const { status, report } = await verify();
    expect(status).toBe(0);
    expect(report.session).toMatchObject({
      sessionId: SESSION_ID,
      entriesBetween: MINUTES,
      entriesShown: 361,
    });
    expect(report.session?.wh).toMatch(/^\d+\.\d$/);
    const passed = report.checks.filter(({ result }) => result === 'pass').map(({ name }) => name);
    expect(passed).toEqual(
      expect.arrayContaining(['trusted-key', 'session', 'energy', 'times', 'inclusion']),
    );
    expect(readFileSync(file).length).toBeLessThan(1_000_000);
  });

  it('made by the indices of begin and end brings the birth along, which names the key of OCMF records', async () => {
    const reader = openJournalReader(directory);
    const [begin] = [...reader.newestOfKind('session-begin')];
    reader.close();
    expect(await create('--index', String(begin?.index), '--index', String(end))).toMatchObject({
      status: 0,
    });
    const { entries } = JSON.parse(readFileSync(file, 'utf8')) as Receipt;
    const indices = entries.map(({ cose }) => decodeEntry(Buffer.from(cose, 'base64')).entry.index);
    expect(indices).toEqual([0, begin?.index, end]);
    // Readings need no birth.
    expect(await create('--index', String(end - 1))).toMatchObject({ status: 0 });
    expect((JSON.parse(readFileSync(file, 'utf8')) as Receipt).entries).toHaveLength(1);
    expect((await create('--session', SESSION_ID)).status).toBe(0);
  });

  it('is told to people with its energy, its times and its meter', async () => {
    const { stdout } = await runProduct(['receipt', 'verify', file]);
    expect(stdout).toMatch(/^session 7c2f0a8e-31 at DE\*ACM\*E0042\*1, meter SIM-240117$/m);
    expect(stdout).toMatch(/^ {2}energy +\d+\.\d Wh/m);
    expect(stdout).toMatch(/^ {2}begin +2026-01-01T.*Z \(clock: synchronised\)/m);
  });

  it('is only signed after the mark outside of the log knows how far the log has come', async () => {
    const { size } = await productJson<{ size: number }>(['journal', 'checkpoint', directory]);
    const found = readHighWater(highWaterFile(directory));
    expect(found).toMatchObject({ state: 'read', mark: { size } });
  });

  it('finds that mark where the configuration says it is', async () => {
    const mark = path.join(directory, 'elsewhere.high-water');
    const elsewhere = await openTestJournal(directory, {
      origin: `delmonicos/${identity.chainAccount.ss58}`,
      signer: identity,
      highWater: { file: mark },
    });
    await elsewhere.close();
    const before = readHighWater(mark);
    await (await open()).close();
    const config = path.join(directory, 'station.yaml');
    const example = readFileSync(
      path.resolve(import.meta.dirname, '../../docs/example-station.yaml'),
      'utf8',
    );
    writeFileSync(config, example.replace(/^journal: \{/m, `journal: { highWater: '${mark}',`));
    const args = ['journal', 'checkpoint', directory, '--config', config];
    const { size } = await productJson<{ size: number }>(args);
    expect(before).not.toMatchObject({ mark: { size } });
    expect(readHighWater(mark)).toMatchObject({ state: 'read', mark: { size } });
  });

  it.each([
    ['a session that is not there', ['--session', 'another'], 1, '[receipt.no_session]'],
    ['a session and entries at once', ['--session', SESSION_ID, '--index', '3'], 2, 'cannot be used'],
    ['neither', [], 2, '[usage.bad_option]'],
  ])('%s is refused', async (_what, args, status, said) => {
    const refused = await create(...args);
    expect(refused.stderr).toContain(said);
    expect(refused.status).toBe(status);
  });

  it('still proves begin and end, and says what has gone, once readings gave way to the log’s bound', async () => {
    const journal = await open();
    const limits = { maxBytes: 60 * 1024, anchoredSize: end + 1, exportedSize: end + 1 };
    const { dropped } = await journal.keepWithin(limits);
    expect(dropped).toBeGreaterThan(200);
    await journal.close();
    const made = await create('--session', SESSION_ID);
    expect(made.stderr).toMatch(/\d+ entries from that time are not in the journal any more/);
    const { status } = await verify();
    expect(status).toBe(0);
    expect(made.stderr).toContain(`360 of the session's ${MINUTES - 1 - dropped} readings`);
    const { entries } = JSON.parse(readFileSync(file, 'utf8')) as Receipt;
    const gaps = entries
      .map(({ cose }) => decodeEntry(Buffer.from(cose, 'base64')).entry)
      .filter(({ kind }) => kind === 'gap');
    expect(gaps.length).toBeGreaterThan(0);
    const reader = openJournalReader(directory);
    const [hole] = reader.holes();
    reader.close();
    const pruned = await create('--index', String(hole?.from));
    expect(pruned.stderr).toContain('[journal.pruned]');
    expect(pruned.status).toBe(1);
  });
});
