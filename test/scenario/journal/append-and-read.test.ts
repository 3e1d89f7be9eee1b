import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  leafHash,
  openJournal,
  openJournalReader,
  verifyCheckpoint,
  verifyConsistency,
  verifyEntry,
  verifyInclusion,
  verifyJournal,
  type EntryKind,
  type Journal,
  type JournalSigner,
} from '../../../src/journal/index.ts';
import {
  journalOptions,
  JournalVirtualClock,
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  START_MS,
  temporaryDirectory,
  writeTestLog,
} from '../../support/journal/journal-fixture.ts';

const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;

let directory: string;
let remove: () => void;
let opened: Journal[] = [];
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(async () => {
  for (const journal of opened) await journal.close();
  opened = [];
  remove();
});

async function open(options: Parameters<typeof openTestJournal>[1] = {}): Promise<Journal> {
  const journal = await openTestJournal(directory, options);
  opened.push(journal);
  return journal;
}

/** How many entries another process would find on disk now. */
function committed(): number {
  const reader = openJournalReader(directory);
  try {
    return reader.size;
  } finally {
    reader.close();
  }
}

describe('a new journal', () => {
  it('begins with the birth of its identity', async () => {
    await open();
    const reader = openJournalReader(directory);
    const entry = verifyEntry(reader.entry(0).cose, SIGNER.publicKey);
    expect(entry).toMatchObject({
      station: ORIGIN,
      index: 0,
      kind: 'boot',
      bootCount: 1,
      clock: 'S',
      body: {
        software: 'test 1.0',
        birthKey: SIGNER.publicKey,
        birth: { chainAccount: SIGNER.chainAccount.publicKey, ocmfKey: SIGNER.ocmf.publicKey },
      },
    });
    expect(reader.origin).toBe(ORIGIN);
    expect(reader.publicKey).toEqual(SIGNER.publicKey);
    reader.close();
  });

  it('takes nothing before the boot is recorded', async () => {
    const journal = await openJournal(journalOptions(directory));
    opened.push(journal);
    await expect(journal.append('reading', reading(1), 'billing')).rejects.toThrow(/recordBoot/);
    await journal.recordBoot('test 1.0');
    await expect(journal.recordBoot('test 1.0')).rejects.toThrow(/once/);
    expect(await journal.append('reading', reading(1), 'billing')).toBe(1);
  });
});

describe('group commit', () => {
  it('keeps samples until the group interval has passed, counted from the first of them', async () => {
    const clock = new JournalVirtualClock();
    const journal = await open({ clock, groupCommitMs: 10_000 });
    const settled: number[] = [];
    const append = (n: number) =>
      void journal.append('reading', reading(n), 'sample').then((index) => settled.push(index));
    append(1);
    await clock.advance(6_000);
    append(2);
    await clock.advance(3_999);
    expect({ settled, onDisk: committed() }).toEqual({ settled: [], onDisk: 1 });
    await clock.advance(1);
    expect({ settled, onDisk: committed() }).toEqual({ settled: [1, 2], onDisk: 3 });
    append(3);
    await clock.advance(9_999);
    expect(committed()).toBe(3);
    await clock.advance(1);
    expect(settled).toEqual([1, 2, 3]);
  });

  it('is overtaken by a billing entry, which takes what was waiting along, in order', async () => {
    const journal = await open();
    const order: number[] = [];
    const first = journal.append('reading', reading(1), 'sample').then((index) => order.push(index));
    const second = journal
      .append('session-begin', session('s1'), 'billing')
      .then((index) => order.push(index));
    expect(committed()).toBe(3);
    await Promise.all([first, second]);
    expect(order).toEqual([1, 2]);
  });

  it('happens early when the group is full', async () => {
    const journal = await open({ groupCommitEntries: 3 });
    const appended = [1, 2, 3, 4].map((n) => journal.append('reading', reading(n), 'sample'));
    expect(await Promise.all(appended.slice(0, 3))).toEqual([1, 2, 3]);
    expect(committed()).toBe(4);
    await journal.flush();
    expect(await appended[3]).toBe(4);
  });

  it.each([
    ['on another thread', {}],
    ['here, because the signer has no other thread', { signInBackground: undefined }],
    ['here, because the other thread fails', { signInBackground: () => Promise.reject(new Error('broken')) }],
    [
      'here, because the other thread never answers',
      { signInBackground: () => new Promise<Uint8Array>(() => {}) },
    ],
  ])('has the same log when entries are signed %s', async (_where, change) => {
    const inBackground = (message: Uint8Array) => SIGNER.signInBackground(message);
    const { signInBackground } = { signInBackground: inBackground, ...change };
    const signer: JournalSigner = {
      publicKey: SIGNER.publicKey,
      keyId: SIGNER.keyId,
      sign: (message) => SIGNER.sign(message),
      ...(signInBackground === undefined ? {} : { signInBackground }),
    };
    const journal = await open({ signer, groupCommitEntries: 5 });
    const appended = Array.from({ length: 37 }, (_, i) => journal.append('reading', reading(i), 'sample'));
    await new Promise(setImmediate);
    await journal.flush();
    expect(await Promise.all(appended)).toEqual(Array.from({ length: 37 }, (_, i) => i + 1));
    const { root } = await journal.checkpoint();
    // Same keys, same clock, same readings: the same bytes, in every release.
    const expected = 'ff5fa1cd138ac9c83e3918c2a66dcbd39eeeb97e7cf7c2f920fb67541188ea5e';
    expect(Buffer.from(root).toString('hex')).toBe(expected);
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 38, root: expected });
  });

  it('is finished by close, and after that nothing is taken', async () => {
    const journal = await open();
    const waiting = journal.append('reading', reading(1), 'sample');
    await journal.close();
    expect(await waiting).toBe(1);
    await expect(journal.append('reading', reading(2), 'billing')).rejects.toThrow(code('closed'));
    await expect(journal.flush()).rejects.toThrow(code('closed'));
  });

  it('is not held up by an entry that cannot be written', async () => {
    const journal = await open();
    const before = journal.append('reading', reading(1), 'sample');
    const bad = journal.append('reading', { ...reading(2), readEndMonoMs: 0 }, 'sample');
    const after = journal.append('reading', reading(3), 'billing');
    await expect(bad).rejects.toThrow(code('entry_invalid'));
    expect(await Promise.all([before, after])).toEqual([1, 2]);
  });
});

describe('an entry', () => {
  it('has the time of its append, or the time its caller gives', async () => {
    const clock = new JournalVirtualClock(5_000);
    const journal = await open({ clock });
    await clock.advance(1_234);
    await journal.append('reading', reading(1), 'billing');
    await journal.append('reading', reading(2), 'billing', { clockStatus: 'U', sinceBootMs: 17.9 });
    const reader = openJournalReader(directory);
    const [first, second] = [1, 2].map((i) => decodeEntry(reader.entry(i).cose).entry);
    expect(first).toMatchObject({ timeMs: START_MS + 6_234, sinceBootMs: 6_234, clock: 'S' });
    expect(second).toMatchObject({ timeMs: START_MS + 6_234, sinceBootMs: 17, clock: 'U' });
    reader.close();
  });
});

describe('a journal opened again', () => {
  it('knows from how it was left why it is opened: closed in order or cut off, by the same kernel or another', async () => {
    const first = await open();
    const copies = ['crash', 'power-on'].map((name) => ({ name, copy: `${directory}-${name}` }));
    for (const { copy } of copies) cpSync(directory, copy, { recursive: true });
    await first.close();
    const again = await open();
    await again.close();
    const rebooted = await open({ bootId: new Uint8Array(16).fill(2) });
    expect([first, again, rebooted].map(({ startReason }) => startReason)).toEqual([
      'first',
      'restart',
      'reboot',
    ]);
    for (const { name, copy } of copies) {
      const bootId = new Uint8Array(16).fill(name === 'crash' ? 1 : 2);
      const journal = await openTestJournal(copy, { bootId });
      expect(journal.startReason).toBe(name);
      await journal.close();
      rmSync(copy, { recursive: true });
    }
  });

  it('goes on where it stopped, counts boots of the kernel and not starts of the service', async () => {
    const first = await writeTestLog(directory, 5);
    const again = await writeTestLog(directory, 9, {});
    const rebooted = await open({ bootId: new Uint8Array(16).fill(2) });
    expect([first.size, again.size, rebooted.size]).toEqual([5, 9, 10]);
    expect(rebooted.bootCount).toBe(2);
    const reader = openJournalReader(directory);
    const boots = [...reader.entries()]
      .filter(({ kind }) => kind === 'boot')
      .map(({ cose }) => decodeEntry(cose).entry);
    expect(boots.map(({ index, bootCount }) => [index, bootCount])).toEqual([
      [0, 1],
      [5, 1],
      [9, 2],
    ]);
    reader.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: 10 });
  });

  it.each([254, 255, 256, 257, 511, 512, 513, 700])(
    'has the same tree at %i entries as one never closed',
    async (size) => {
      await writeTestLog(directory, size, { groupCommitEntries: 100 });
      const journal = await open();
      const { text, root } = await journal.checkpoint();
      expect(verifyCheckpoint(text, { origin: ORIGIN, publicKey: SIGNER.publicKey })).toMatchObject({
        size: size + 1,
      });
      const audit = await verifyJournal(directory);
      expect(audit).toMatchObject({ ok: true, root: Buffer.from(root).toString('hex') });
    },
  );

  it('is refused to another key and to another log', async () => {
    await writeTestLog(directory, 3);
    const other = identityFromSeed(new Uint8Array(32).fill(9));
    await expect(openTestJournal(directory, { signer: other })).rejects.toThrow(code('wrong_key'));
    await expect(openTestJournal(directory, { origin: 'delmonicos/other' })).rejects.toThrow(
      code('wrong_origin'),
    );
    expect(committed()).toBe(3);
  });

  it('is refused when a newer release wrote it', async () => {
    await writeTestLog(directory, 3);
    const database = new Database(path.join(directory, 'journal.db'));
    database.exec('CREATE TABLE later (x); PRAGMA user_version = 99');
    database.close();
    await expect(openTestJournal(directory)).rejects.toThrow(code('newer_format'));
    expect(() => openJournalReader(directory)).toThrow(code('newer_format'));
  });
});

describe('the only writer', () => {
  it('keeps others out, names itself, and lets the next one in when it ends', async () => {
    const journal = await open();
    await expect(openTestJournal(directory)).rejects.toMatchObject({
      code: 'journal.locked',
      details: { pid: process.pid },
    });
    await journal.close();
    const next = await open();
    expect(next.size).toBe(2);
  });

  it.each<[string, () => string]>([
    ['below a file', () => file('plain', path.join('plain', 'state'))],
    ['whose lock is a directory', () => directoryOf('locked', 'journal.lock')],
    ['whose lock is no lock', () => file(path.join('odd', 'journal.lock'), 'odd')],
  ])('cannot be in a directory %s, and that is no damage to the log', async (_what, prepare) => {
    await expect(openTestJournal(prepare())).rejects.toThrow(code('io'));
  });

  it('is let in again after an attempt that failed', async () => {
    await writeTestLog(directory, 3);
    await expect(openTestJournal(directory, { origin: 'x' })).rejects.toThrow(code('wrong_origin'));
    expect((await open()).size).toBe(4);
    expect(readdirSync(directory)).toContain('journal.lock');
  });
});

describe('a reader beside the writer', () => {
  it('proves every entry against checkpoints made while the log grew', async () => {
    const journal = await open({ groupCommitEntries: 64 });
    const checkpoints = [];
    for (const size of [2, 100, 256, 300, 600]) {
      const missing = size - journal.size;
      const appended = Array.from({ length: missing }, (_, i) =>
        journal.append('reading', reading(i), 'sample'),
      );
      await journal.flush();
      await Promise.all(appended);
      checkpoints.push(await journal.checkpoint());
    }
    const reader = openJournalReader(directory);
    const last = checkpoints.at(-1)!;
    for (const { size, root } of checkpoints) {
      expect(reader.rootAt(size)).toEqual(root);
      const proof = reader.consistencyProof(size, last.size);
      expect(verifyConsistency({ size1: size, root1: root, size2: last.size, root2: last.root, proof })).toBe(
        true,
      );
      for (let index = 0; index < size; index += 37) {
        const hash = leafHash(reader.entry(index).cose);
        const claim = { leafIndex: index, treeSize: size, leafHash: hash, rootHash: root };
        expect(verifyInclusion({ ...claim, proof: reader.inclusionProof(index, size) })).toBe(true);
      }
    }
    expect(reader.stat()).toMatchObject({ origin: ORIGIN, size: 600, bootCount: 1, newest: { index: 599 } });
    reader.close();
  });

  it('sees entries as they are committed, and refuses what is not there yet', async () => {
    const journal = await open();
    const reader = openJournalReader(directory);
    expect(reader.size).toBe(1);
    void journal.append('reading', reading(1), 'sample');
    expect(reader.size).toBe(1);
    await journal.flush();
    expect(reader.size).toBe(2);
    expect([...reader.entries(1)].map(({ kind }) => kind)).toEqual(['reading']);
    expect(() => reader.entry(2)).toThrow(code('out_of_range'));
    expect(() => reader.rootAt(3)).toThrow(code('out_of_range'));
    expect(() => reader.inclusionProof(2, 2)).toThrow(code('out_of_range'));
    expect(() => [...reader.entries(0, 3)]).toThrow(code('out_of_range'));
    reader.close();
  });

  it('finds the entries of a rare kind newest first, however many others there are', async () => {
    const journal = await open();
    const faults: number[] = [];
    for (let i = 0; i < 600; i++) {
      void journal.append('reading', reading(i), 'sample');
      if (i % 2 === 0) faults.push(await journal.append('fault', { code: 'test', message: '' }, 'billing'));
    }
    await journal.flush();
    const reader = openJournalReader(directory);
    const found = [...reader.newestOfKind('fault')];
    expect(found.map(({ index }) => index)).toEqual(faults.reverse());
    expect(found.every(({ kind, cose }) => kind === decodeEntry(cose).entry.kind)).toBe(true);
    expect([...reader.newestOfKind('session-begin')]).toEqual([]);
    reader.close();
  });

  it('finds the entries of chosen kinds in order, each once, whichever of them are many', async () => {
    const journal = await open();
    // More of each kind than are looked up at once, in runs, alternating, and one kind that ends long before the others.
    const session = (n: number) => ({ sessionId: `s${n}`, evseId: 'evse1', reading: reading(n) });
    const appended = Array.from({ length: 300 }, (_, n) => {
      if (n % 100 < 45) return journal.append('fault', { code: 'test', message: `fault ${n}` }, 'sample');
      if (n < 100 && n % 3 === 0) return journal.append('session-begin', session(n), 'sample');
      return journal.append('reading', reading(n), 'sample');
    });
    await journal.flush();
    await Promise.all(appended);
    const reader = openJournalReader(directory);
    const all = [...reader.entries()];
    const choices: EntryKind[][] = [
      ['fault'],
      ['session-begin', 'fault'],
      ['boot', 'fault', 'session-begin', 'tariff'],
      ['reading', 'fault'],
      ['tariff'],
      [],
    ];
    for (const kinds of choices) {
      for (const [from, to] of [[undefined, undefined] as const, [46, 233] as const, [5, 5] as const]) {
        const wanted = all.filter(
          ({ index, kind }) => kinds.includes(kind) && index >= (from ?? 0) && index < (to ?? reader.size),
        );
        expect([...reader.entriesOfKinds(kinds, from, to)]).toEqual(wanted);
      }
    }
    expect([...reader.entriesOfKinds(['fault', 'session-begin'])].length).toBeGreaterThan(140);
    reader.close();
  });

  it('says so when there is no journal', async () => {
    expect(() => openJournalReader(directory)).toThrow(code('missing'));
    await expect(verifyJournal(directory)).rejects.toThrow(code('missing'));
    expect(existsSync(path.join(directory, 'journal.db'))).toBe(false);
  });
});

/** A file of noise in the test's directory; returns another path there. */
function file(name: string, returned: string): string {
  mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
  writeFileSync(path.join(directory, name), 'neither a directory nor a database, but long enough'.repeat(99));
  return path.join(directory, returned);
}

function directoryOf(name: string, inside: string): string {
  mkdirSync(path.join(directory, name, inside), { recursive: true });
  return path.join(directory, name);
}

function session(sessionId: string) {
  return { sessionId, evseId: 'evse1', reading: reading(1) };
}
