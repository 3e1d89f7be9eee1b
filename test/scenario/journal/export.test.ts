import { Sign1 } from '@auth0/cose';
import { decodeMultiple } from 'cbor-x';
import { createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decimal, obis, type MeterSample } from '../../../hal/contract/index.ts';
import { openJournalReader, readExportMark, verifyEntry } from '../../../src/journal/index.ts';
import {
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';
import { runProduct } from '../../support/product.ts';

const SIZE = 700;
let directory: string;
let remove: () => void;
const state = () => path.join(directory, 'state');
const out = (name: string) => path.join(directory, name);

const SAMPLE: MeterSample = {
  meterSerial: '=HYPERLINK("http://example.com")',
  profileId: 'sml',
  readBeginMonoMs: 1,
  readEndMonoMs: 2,
  values: [
    { obis: obis('1-0:1.8.0*255'), value: decimal(123_456_789_012_345_678n, -4), unit: 'Wh', quality: 'G' },
    { obis: obis('1-0:2.8.0*255'), value: decimal(5, 1), unit: 'Wh', quality: 'O' },
    { obis: obis('1-0:16.7.0*255'), value: decimal(-7_250, -1), unit: 'W', quality: 'G' },
    { obis: obis('1-0:1.8.1*255'), value: decimal(99, -1), unit: 'Wh', quality: 'G' },
    { obis: obis('1-0:14.7.0*255'), value: decimal(5_000, -2), unit: 'Hz', quality: 'G' },
  ],
};

beforeAll(async () => {
  ({ directory, remove } = temporaryDirectory());
  const journal = await openTestJournal(state());
  const appended = Array.from({ length: SIZE - 4 }, (_, i) =>
    journal.append('reading', reading(i), 'sample'),
  );
  appended.push(journal.append('reading', SAMPLE, 'sample'));
  appended.push(journal.append('fault', { code: 'meter.timeout', message: 'said "no", twice' }, 'billing'));
  appended.push(
    journal.append('session-begin', { sessionId: 's-1', evseId: 'evse1', reading: SAMPLE }, 'billing'),
  );
  await Promise.all(appended);
  await journal.close();
});
afterAll(() => remove());

async function exported(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runProduct(['journal', 'export', state(), ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

/** RFC 4180 §2, by the book. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let rest = text;
  while (rest !== '') {
    const [cell = ''] = /^"(?:[^"]|"")*"|^[^",\r\n]*/.exec(rest) ?? [];
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    rest = rest.slice(cell.length);
    if (rest.startsWith('\r\n')) rows.push([]);
    else expect(rest[0]).toBe(',');
    rest = rest.slice(rest.startsWith(',') ? 1 : 2);
  }
  expect(rows.pop()).toEqual([]);
  return rows;
}

describe('journal export as a CBOR sequence (RFC 8742)', () => {
  it('is read by an independent decoder, and each message in it verifies with an independent COSE library', async () => {
    await runProduct(['journal', 'export', state(), '-o', out('all.cbor')]);
    const messages = decodeMultiple(readFileSync(out('all.cbor'))) as Sign1[];
    const x = Buffer.from(SIGNER.publicKey).toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(messages).toHaveLength(SIZE);
    const indices: unknown[] = [];
    for (const message of messages) {
      expect(message).toBeInstanceOf(Sign1);
      await message.verify(key);
      const [payload] = decodeMultiple(Buffer.from(message.payload)) as Record<string, unknown>[];
      expect(payload?.['1']).toBe(ORIGIN);
      indices.push(payload?.['2']);
    }
    expect(indices).toEqual(Array.from({ length: SIZE }, (_, index) => index));
  });

  it('holds the bytes of the log and nothing else, and of a part of it that part', async () => {
    const reader = openJournalReader(state());
    const bytes = (from: number, to: number) =>
      Buffer.concat([...reader.entries(from, to)].map(({ cose }) => cose));
    await exported('--from', '255', '--to', '258', '-o', out('part.cbor'));
    expect(readFileSync(out('part.cbor')).equals(bytes(255, 258))).toBe(true);
    expect(readFileSync(out('all.cbor')).equals(bytes(0, SIZE))).toBe(true);
    reader.close();
  });
});

describe('journal export as JSON lines', () => {
  it('holds one document an entry with the signed message, and ends with a line end', async () => {
    const text = await exported('--format', 'jsonl');
    expect(text.endsWith('}\n')).toBe(true);
    const lines = text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as { index: number; cose: string });
    expect(lines.map(({ index }) => index)).toEqual(Array.from({ length: SIZE }, (_, index) => index));
    for (const { index, cose } of lines.slice(-5)) {
      expect(verifyEntry(Buffer.from(cose, 'base64'), SIGNER.publicKey).index).toBe(index);
    }
  });
});

describe('journal export as a table (RFC 4180)', () => {
  it('has one row an entry and one column a quantity, with exact numbers and no value that is not good', async () => {
    const [head = [], ...rows] = parseCsv(await exported('--format', 'csv'));
    expect(rows).toHaveLength(SIZE);
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    const records = rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]])));
    expect(records[SIZE - 3]).toMatchObject({
      index: String(SIZE - 3),
      kind: 'reading',
      'time UTC': '2026-01-01 00:00:01.000',
      clock: 'synchronised',
      'energy import Wh 1-0:1.8.0*255': '12345678901234.5678',
      'energy export Wh 1-0:2.8.0*255': '',
      'power W 1-0:16.7.0*255': '-725.0',
      'frequency Hz 1-0:14.7.0*255': '50.00',
      'other values': '1-0:1.8.1*255 9.9 Wh',
      'not good': '1-0:2.8.0*255 50 Wh O',
    });
    expect(records[SIZE - 2]).toMatchObject({ kind: 'fault', 'meter serial': '' });
    expect(records[SIZE - 2]?.['details']).toContain('meter.timeout');
    expect(records[SIZE - 1]).toMatchObject({
      kind: 'session-begin',
      'energy import Wh 1-0:1.8.0*255': '12345678901234.5678',
      details: '{"sessionId":"s-1","evseId":"evse1"}',
    });
  });

  it('lets no text of a meter become a formula', async () => {
    const rows = parseCsv(await exported('--format', 'csv', '--from', String(SIZE - 3)));
    expect(rows[1]?.[6]).toBe(`'${SAMPLE.meterSerial}`);
  });

  it('is one line a row, whatever a text holds', async () => {
    const text = await exported('--format', 'csv');
    expect(text.split('\r\n')).toHaveLength(SIZE + 2);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });
});

describe('journal export -o FILE --resume', () => {
  const FORMATS = ['cbor-seq', 'jsonl', 'csv'];

  it.each(FORMATS)('continues a %s file cut off anywhere to the same bytes', async (format) => {
    const file = out(`resume.${format}`);
    await exportTo(file, '--format', format);
    const whole = readFileSync(file);
    const cuts = [1, 1_000, Math.floor(whole.length / 2), whole.length];
    for (const cut of cuts) {
      writeFileSync(file, whole.subarray(0, cut));
      expect((await exportTo(file, '--format', format, '--resume')).status, `cut at ${cut}`).toBe(0);
      expect(readFileSync(file).equals(whole), `cut at ${cut}`).toBe(true);
    }
  });

  it.each(FORMATS)('begins a %s file that is not there', async (format) => {
    const file = out(`fresh.${format}`);
    expect((await exportTo(file, '--format', format, '--resume', '--from', '3')).status).toBe(0);
    expect(existsSync(file)).toBe(true);
    const whole = readFileSync(file);
    await exportTo(file, '--format', format, '--from', '3');
    expect(readFileSync(file).equals(whole)).toBe(true);
  });

  it.each(FORMATS)('goes on from an earlier --to of a %s file', async (format) => {
    const file = out(`grown.${format}`);
    await exportTo(file, '--format', format);
    const whole = readFileSync(file);
    await exportTo(file, '--format', format, '--to', '300');
    await exportTo(file, '--format', format, '--resume');
    expect(readFileSync(file).equals(whole)).toBe(true);
  });

  it('leaves a file alone that is something else, and says so with status 2', async () => {
    await exportTo(out('other.jsonl'), '--format', 'jsonl', '--from', '5', '--to', '9');
    const whole = readFileSync(out('other.jsonl'));
    const elsewhere = out('elsewhere');
    mkdirSync(elsewhere);
    const journal = await openTestJournal(path.join(elsewhere, 'state'), { bootId: new Uint8Array(16) });
    await Promise.all(
      Array.from({ length: 12 }, (_, i) => journal.append('reading', reading(i + 1), 'billing')),
    );
    await journal.close();
    const resume = ['--format', 'jsonl', '--resume'];
    const wrong: [string, string[], Buffer][] = [
      ['another format', ['--format', 'csv', '--resume', '--from', '5'], whole],
      ['another format', ['--format', 'cbor-seq', '--resume', '--from', '5'], whole],
      ['another beginning', [...resume, '--from', '4'], whole],
      ['another beginning', [...resume, '--from', '6'], whole],
      ['more than is asked for', [...resume, '--from', '5', '--to', '7'], whole],
      [
        'a tail that is not what follows',
        [...resume, '--from', '5'],
        Buffer.concat([whole, Buffer.from('{"x')]),
      ],
      ['a line of nobody', [...resume, '--from', '5'], Buffer.concat([whole, Buffer.from('hello\n')])],
      ['no records at all', ['--resume'], Buffer.alloc(5_000)],
      ['a changed digit', [...resume, '--from', '5'], changedDigit(whole)],
    ];
    for (const [what, args, content] of wrong) {
      writeFileSync(out('other.jsonl'), content);
      const { status, stderr } = await exportTo(out('other.jsonl'), ...args);
      expect({ what, status }).toEqual({ what, status: 2 });
      expect(stderr).toContain('usage.not_resumable');
      expect(readFileSync(out('other.jsonl')).equals(content), what).toBe(true);
    }
    writeFileSync(out('other.jsonl'), whole);
    const { status, stderr } = await runProduct([
      ...['journal', 'export', path.join(elsewhere, 'state'), '-o', out('other.jsonl')],
      ...['--format', 'jsonl', '--from', '5', '--resume'],
    ]);
    expect({ status, is: stderr.includes('usage.not_resumable') }).toEqual({ status: 2, is: true });
  });

  function exportTo(file: string, ...args: string[]) {
    return runProduct(['journal', 'export', state(), '-o', file, ...args]);
  }

  /** In the last record. */
  function changedDigit(whole: Buffer): Buffer {
    const text = whole.toString('utf8');
    const at = text.lastIndexOf('10000.');
    return Buffer.from(`${text.slice(0, at)}2${text.slice(at + 1)}`);
  }
});

describe('journal export of a log from which readings gave way', () => {
  let thinned: { directory: string; remove: () => void };
  let size = 0;
  let gone = 0;
  beforeAll(async () => {
    thinned = temporaryDirectory();
    const journal = await openTestJournal(path.join(thinned.directory, 'state'));
    for (let i = 0; i < 2_000; i++) void journal.append('reading', reading(i), 'sample');
    await journal.append('fault', { code: 'test', message: 'raised' }, 'billing');
    const { size: safe } = journal;
    const maxBytes = 256 * 1024;
    const { dropped } = await journal.keepWithin({ maxBytes, anchoredSize: safe, exportedSize: safe });
    expect(dropped).toBeGreaterThan(100);
    [size, gone] = [journal.size, dropped];
    await journal.close();
  });
  afterAll(() => thinned.remove());

  async function lines(format: string): Promise<string[]> {
    const args = ['journal', 'export', path.join(thinned.directory, 'state'), '--format', format];
    const { status, stdout } = await runProduct(args);
    expect(status).toBe(0);
    return stdout.split(format === 'csv' ? '\r\n' : '\n').slice(0, -1);
  }

  it('names every entry or says that it is missing, once and in order, as JSON lines and as a table', async () => {
    const asJson = (await lines('jsonl')).map((line) => JSON.parse(line) as Record<string, unknown>);
    let next = 0;
    let missing = 0;
    for (const line of asJson) {
      const run = line['missing'] as { from: number; to: number } | undefined;
      expect(run?.from ?? line['index']).toBe(next);
      next = run?.to ?? next + 1;
      missing += run === undefined ? 0 : run.to - run.from;
    }
    expect({ next, missing }).toEqual({ next: size, missing: gone });
    const rows = (await lines('csv')).slice(1);
    expect(rows.map((row) => row.split(',', 1)[0])).toEqual(
      asJson.map((line) => String((line['missing'] as { from: number } | undefined)?.from ?? line['index'])),
    );
    expect(rows.filter((row) => row.split(',', 2)[1] === 'missing').length).toBeGreaterThan(0);
  });

  it.each(['cbor-seq', 'jsonl', 'csv'])(
    'resumes a %s file that was cut off beside what is missing',
    async (format) => {
      const file = path.join(thinned.directory, `holes.${format}`);
      const run = (...args: string[]) =>
        runProduct([
          ...['journal', 'export', path.join(thinned.directory, 'state'), '--format', format, '-o', file],
          ...args,
        ]);
      await run();
      const whole = readFileSync(file);
      const mark = format === 'jsonl' ? '{"missing"' : ',missing,';
      const at = Math.max(10, whole.indexOf(mark));
      for (const cut of [at - 1, at + 5, whole.indexOf('\n', at) + 1, Math.floor(whole.length / 2)]) {
        writeFileSync(file, whole.subarray(0, cut));
        expect({ cut, status: (await run('--resume')).status }).toEqual({ cut, status: 0 });
        expect(readFileSync(file).equals(whole)).toBe(true);
      }
    },
  );
});

describe('journal export --mark-exported', () => {
  it('tells the station what is kept elsewhere, and never that of entries which are not', async () => {
    const run = (...args: string[]) =>
      runProduct(['journal', 'export', state(), '--mark-exported', '-o', out('marked'), ...args]);
    const { status, stderr } = await run('--from', '1');
    expect({ status, is: stderr.includes('usage.bad_option') }).toEqual({ status: 2, is: true });
    expect(existsSync(out('marked'))).toBe(false);
    expect(readExportMark(state())).toBe(0);
    expect((await run('--to', '300')).status).toBe(0);
    expect(readExportMark(state())).toBe(300);
    expect((await run('--from', '301')).status).toBe(2);
    expect((await run('--from', '300', '--format', 'jsonl')).status).toBe(0);
    expect(readExportMark(state())).toBe(SIZE);
    // One that is exported again takes nothing back.
    expect((await run('--to', '10')).status).toBe(0);
    expect(readExportMark(state())).toBe(SIZE);
  });

  it.skipIf(!existsSync('/dev/full'))('marks nothing when the file could not be written', async () => {
    const fresh = temporaryDirectory();
    const journal = await openTestJournal(fresh.directory);
    await journal.close();
    const { status } = await runProduct([
      ...['journal', 'export', fresh.directory, '--mark-exported', '-o', '/dev/full'],
    ]);
    expect({ status, mark: readExportMark(fresh.directory) }).toEqual({ status: 2, mark: 0 });
    fresh.remove();
  });
});

describe('journal export with options that cannot be', () => {
  it.each([
    ['--resume without a file', ['--resume']],
    ['--mark-exported without a file', ['--mark-exported']],
    [
      '--mark-exported of a table, which holds no signatures',
      ['--mark-exported', '--format', 'csv', '-o', 'x.csv'],
    ],
    ['an end in front of the beginning', ['--from', '5', '--to', '4']],
    ['a directory as its file', ['-o', '/']],
    ['no file at all as its file', ['-o', '/dev/null']],
  ])('%s: status 2, and nothing happens', async (_what, args) => {
    const { status, stdout } = await runProduct(['journal', 'export', state(), ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('never writes into the state directory', async () => {
    const before = readFileSync(path.join(state(), 'journal.db'));
    for (const name of ['journal.db', 'new.cbor']) {
      const { status } = await runProduct(['journal', 'export', state(), '-o', path.join(state(), name)]);
      expect(status).toBe(2);
    }
    expect(readFileSync(path.join(state(), 'journal.db')).equals(before)).toBe(true);
    expect(existsSync(path.join(state(), 'new.cbor'))).toBe(false);
  });
});
