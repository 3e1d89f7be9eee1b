import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bytesPerEntry,
  emmcHealth,
  logPace,
  projectedLifeDays,
  writeRate,
  writtenBytes,
} from '../../../src/journal/index.ts';

const DAY_MS = 86_400_000;
const GROUP = { groupCommitMs: 10_000 };

describe('what is written to flash a day', () => {
  it('is what the running writer counts, once it has run for ten minutes', () => {
    const writer = { bytes: 1_000_000, sinceMs: DAY_MS / 4 };
    const log = { entries: 1_000, overMs: 1_000_000 };
    expect(writeRate({ ...GROUP, writer, log })).toEqual({
      ...{ bytesPerDay: 4_000_000, from: 'writer', overMs: DAY_MS / 4 },
    });
    expect(writeRate({ ...GROUP, writer: { bytes: 1, sinceMs: 599_999 }, log })).toMatchObject({
      from: 'log',
    });
  });

  it('is told by the pace of the log when no writer runs: entries a day, at the cost of their group', () => {
    // One entry a second, ten in a group.
    const rate = writeRate({ ...GROUP, writer: undefined, log: { entries: 3_600, overMs: 3_600_000 } });
    expect(rate).toEqual({ bytesPerDay: 86_400 * bytesPerEntry(10), from: 'log', overMs: 3_600_000 });
  });

  it.each([
    { entries: 0, overMs: 0 },
    { entries: 100, overMs: 59_999 },
    { entries: 100, overMs: -1 },
  ])('is not known from a log of %j', (log) => {
    expect(writeRate({ ...GROUP, writer: undefined, log })).toBeUndefined();
  });

  it('says how long a flash lasts that endures so much', () => {
    const rate = { bytesPerDay: 1024 ** 3, from: 'log', overMs: DAY_MS } as const;
    expect(projectedLifeDays(rate, 6 * 1024 ** 4)).toBe(6_144);
  });

  it('costs more for an entry alone than for one of many', () => {
    expect(bytesPerEntry(1)).toBeGreaterThan(5 * bytesPerEntry(10) - 5 * bytesPerEntry(512));
    expect(bytesPerEntry(0)).toBe(bytesPerEntry(1));
  });
});

describe('the pace of a log', () => {
  /** The service starts, and writes an entry a second. */
  const run = (from: number, entries: number, sinceBootMs: number) =>
    Array.from({ length: entries }, (_, i) => ({
      index: from + i,
      kind: i === 0 ? ('boot' as const) : ('reading' as const),
      sinceBootMs: sinceBootMs + i * 1_000,
      // Set back by an hour in mid-run: of no concern here.
      timeMs: i < 30 ? 7_200_000 + i * 1_000 : 3_600_000 + i * 1_000,
    }));
  const sinceBoot = (entry: { sinceBootMs: number }): number => entry.sinceBootMs;

  it('is one entry a second whatever was done to the wall clock', () => {
    expect(logPace(run(0, 101, 5_000), sinceBoot)).toEqual({ entries: 100, overMs: 100_000 });
  });

  it('leaves out the time between two runs, of the same boot or of another', () => {
    const runs = [...run(0, 61, 5_000), ...run(61, 61, 9_000_000), ...run(122, 61, 4_000)];
    expect(logPace(runs, sinceBoot)).toEqual({ entries: 180, overMs: 180_000 });
  });

  it('counts readings that gave way, and nothing where the boot between two runs was lost', () => {
    const thinned = run(0, 101, 5_000).filter(({ index }) => index % 10 === 0);
    expect(logPace(thinned, sinceBoot)).toEqual({ entries: 100, overMs: 100_000 });
    const lost = [...run(0, 50, 900_000), ...run(50, 50, 5_000).slice(1)];
    expect(logPace(lost, sinceBoot)).toEqual({ entries: 0, overMs: 0 });
  });

  it('asks only for the ends of each run', () => {
    let asked = 0;
    logPace([...run(0, 1_000, 5_000), ...run(1_000, 1_000, 9_000_000)], (entry) => {
      asked++;
      return entry.sinceBootMs;
    });
    expect(asked).toBe(4);
  });

  it('of a log without an entry is none', () => {
    expect(logPace([], sinceBoot)).toEqual({ entries: 0, overMs: 0 });
  });
});

describe('what the machine tells', () => {
  it('is read of a process, as far as it may be', () => {
    expect(writtenBytes('self')).toMatchObject({ bytes: expect.any(Number) as number });
    expect(writtenBytes('self')?.sinceMs).toBeGreaterThan(0);
    expect(writtenBytes(2 ** 30)).toBeUndefined();
  });

  it('is read of an eMMC, in its own steps of ten percent', () => {
    const block = mkdtempSync(path.join(tmpdir(), 'block-'));
    const device = (name: string, lifeTime?: string, preEol?: string): void => {
      mkdirSync(path.join(block, name, 'device'), { recursive: true });
      if (lifeTime !== undefined) writeFileSync(path.join(block, name, 'device/life_time'), lifeTime);
      if (preEol !== undefined) writeFileSync(path.join(block, name, 'device/pre_eol_info'), preEol);
    };
    device('mmcblk0', '0x02 0x03\n', '0x01\n');
    device('mmcblk0boot0', '0x01 0x01\n', '0x01\n');
    device('mmcblk1', '0x00 0x00\n', '0x03\n');
    device('mmcblk2');
    device('sda', '0x01 0x01\n');
    expect(emmcHealth(block)).toEqual([
      { device: 'mmcblk0', lifeUsedPercent: 30, reserveBlocks: 'normal' },
      { device: 'mmcblk1', lifeUsedPercent: null, reserveBlocks: 'urgent' },
    ]);
    rmSync(block, { recursive: true });
    expect(emmcHealth(block)).toEqual([]);
  });
});
