// Entries of kind `command` as bytes: the kind came with version 0.2.0, and must not change once a station has written one.
// UPDATE_GOLDEN=1 writes the file anew; look at the difference before you believe it.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CSV } from '../../../src/cli/journal/export-csv.ts';
import {
  decodeEntry,
  encodeEntry,
  entryToJson,
  verifyEntry,
  type CommandBody,
  type JournalEntry,
} from '../../../src/journal/index.ts';
import { statementOf } from '../../../src/receipt/statement.ts';
import { SIGNER, START_MS } from '../../support/journal/journal-fixture.ts';

const FILE = new URL('command-entries.json', import.meta.url);
const digest = new Uint8Array(
  Buffer.from('51bc0e07345b7093c9af2e1706ecc3396ed9eb24aa990eb76e45985d1ea68154', 'hex'),
);
const BODIES: Readonly<Record<string, CommandBody>> = {
  'accepted, on record before it is carried out': {
    ...{ command: 'meter read', operator: 'support', digest, outcome: 'accepted' },
  },
  'refused, of a known key': {
    ...{ command: 'sync now', operator: 'support', digest, outcome: 'refused' },
    ...{ code: 'remote.not_allowed', count: 1 },
  },
  'refused, of nobody known, and many of them': {
    ...{ command: '', digest, outcome: 'refused', code: 'remote.malformed', count: 86_400 },
  },
};

interface Kept {
  readonly what: string;
  readonly cose: string;
  readonly json: unknown;
}

const MADE: readonly Kept[] = Object.entries(BODIES).map(([what, body], i) => {
  const entry: JournalEntry = {
    ...{ station: 'delmonicos/test', index: i + 7, previous: i + 5, kind: 'command', body },
    ...{ timeMs: START_MS + i, clock: 'S', bootCount: 3, sinceBootMs: 60_000 + i },
  };
  const cose = Buffer.from(encodeEntry(entry, SIGNER)).toString('hex');
  return { what, cose, json: entryToJson(entry) };
});
if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, `${JSON.stringify(MADE, null, 2)}\n`);
const KEPT = JSON.parse(readFileSync(FILE, 'utf8')) as readonly Kept[];

describe('an entry about a command', () => {
  it('is made as it was kept', () => {
    expect(KEPT).toEqual(MADE);
  });

  it.each(KEPT)('is read from its bytes, and told in JSON: $what', ({ cose, json }) => {
    const entry = verifyEntry(Buffer.from(cose, 'hex'), SIGNER.publicKey);
    expect(entryToJson(entry)).toEqual(json);
  });

  it('says in a receipt who asked for what, and what became of it', () => {
    const told = KEPT.map(({ cose }) => statementOf(decodeEntry(Buffer.from(cose, 'hex')).entry).tells);
    expect(told).toEqual([
      'meter read: accepted of support',
      'sync now: refused of support, remote.not_allowed',
      'unreadable command: refused of an unknown key, remote.malformed, 86400 times',
    ]);
  });

  it.each(KEPT)('is a row of a table, with what it says in the last column: $what', ({ cose }) => {
    const row = CSV.entry({ index: 0, cose: new Uint8Array(Buffer.from(cose, 'hex')) } as never) as string;
    expect(row.split(',')[1]).toBe('command');
    expect(row).toContain('outcome');
  });
});
