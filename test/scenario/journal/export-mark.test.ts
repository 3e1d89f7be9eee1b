// `journal export --mark-exported` says what is kept elsewhere; retention believes it, so it must never say too much.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readExportMark, writeExportMark } from '../../../src/journal/index.ts';
import { SIGNER, temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';

let directory: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
});
afterEach(() => remove());

describe('the mark of what was exported', () => {
  it('is 0 until someone sets it, and then holds what was said', async () => {
    await writeTestLog(directory, 20);
    expect(readExportMark(directory)).toBe(0);
    expect(existsSync(path.join(directory, 'journal.exported'))).toBe(false);
    expect(writeExportMark(directory, 12)).toBe(12);
    expect(readExportMark(directory)).toBe(12);
  });

  it('never goes back, and never jumps over entries that were not exported', async () => {
    await writeTestLog(directory, 20);
    writeExportMark(directory, 12);
    expect(writeExportMark(directory, 5)).toBe(12);
    expect(writeExportMark(directory, 20, 13)).toBe(12);
    expect(writeExportMark(directory, 20, 12)).toBe(20);
  });

  it('refuses to mark entries that are not there', async () => {
    await writeTestLog(directory, 20);
    expect(() => writeExportMark(directory, 21)).toThrow(
      expect.objectContaining({ code: 'journal.out_of_range' }) as Error,
    );
    expect(readExportMark(directory)).toBe(0);
  });

  it('does not hold for another log in the same directory', async () => {
    await writeTestLog(directory, 20);
    writeExportMark(directory, 20);
    const other = temporaryDirectory();
    await writeTestLog(other.directory, 30, { bootId: new Uint8Array(16).fill(9), signer: SIGNER });
    writeFileSync(
      path.join(other.directory, 'journal.exported'),
      readFileSync(path.join(directory, 'journal.exported')),
    );
    expect(readExportMark(other.directory)).toBe(0);
    other.remove();
  });

  it.each(['', '{', '{"exported":7}\n', '{"exported":7,"log":"00"}\n', 'x'.repeat(100)])(
    'that makes no sense (%j) marks nothing',
    async (content) => {
      await writeTestLog(directory, 20);
      writeFileSync(path.join(directory, 'journal.exported'), content);
      expect(readExportMark(directory)).toBe(0);
    },
  );
});
