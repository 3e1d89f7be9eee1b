import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS, FAULTS, type FaultCode } from '../../../src/health/index.ts';
import { FAULT_ROWS } from '../../support/faults-page.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const PAGE = readFileSync(path.join(ROOT, 'docs/faults.md'), 'utf8');

const cells = (row: string): string[] =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

describe('docs/faults.md', () => {
  it('has a row for every fault of the catalogue, and no other, as the code has it', () => {
    const documented = PAGE.split('\n')
      .filter((line) => line.startsWith('| `'))
      .map(cells);
    const order = (rows: readonly string[][]): string[][] =>
      [...rows].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
    expect(order(documented)).toEqual(order(FAULT_ROWS));
  });

  it('lists each fault under its check', () => {
    for (const section of PAGE.split('\n## ').slice(1)) {
      const [check = ''] = section.split('\n');
      expect(CHECKS).toContain(check);
      const codes = [...section.matchAll(/^\| `([a-z._]+)`/gm)].map((match) => match[1] as FaultCode);
      expect(codes.map((code) => FAULTS[code].check)).toEqual(codes.map(() => check));
      expect(codes.length).toBeGreaterThan(0);
    }
  });
});

describe('the catalogue', () => {
  it('says of each fault in a sentence what it means and what to do', () => {
    for (const [code, fault] of Object.entries(FAULTS)) {
      expect(code).toMatch(/^[a-z]+\.[a-z_]+$/);
      expect(fault.advice, code).toMatch(/^(?:[A-Z]|delmonicos ).*[.?]$/);
      expect(fault.means.length, code).toBeGreaterThan(10);
      for (const text of [fault.raisedWhen, fault.clearedWhen, fault.means, fault.advice])
        expect(text).not.toContain('|');
    }
  });
});
