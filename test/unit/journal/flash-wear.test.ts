import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bytesPerEntry,
  emmcHealth,
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
