// What one entry costs the flash: bytes that this process hands to the kernel for the disk, and bytes that reach the block
// device of a real ext4, its own journal included. Printed; the assertions only hold what retention and `journal stat` build on.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { Journal } from '../../../src/journal/index.ts';
import { bytesPerEntry, writtenBytes } from '../../../src/journal/index.ts';
import { mountProblem, mountSmall } from '../../support/journal/full-disk.ts';
import { openTestJournal, reading } from '../../support/journal/journal-fixture.ts';

const problem = mountProblem('ext4');
/** As a three-phase meter is read: energy, power, voltage and current of each phase. */
const VALUES = 9;

/** Bytes that reached the device since it was set up; sectors of 512 bytes (Documentation/admin-guide/iostats). */
function deviceBytes(directory: string): number {
  execFileSync('sync', ['-f', directory]);
  const device = execFileSync('findmnt', ['-n', '-o', 'SOURCE', '--target', directory], { encoding: 'utf8' });
  const fields = readFileSync(`/sys/block/${path.basename(device.trim())}/stat`, 'utf8')
    .trim()
    .split(/ +/);
  return Number(fields[6]) * 512;
}

/** The figures are what one runs this for. */
function tell(lines: readonly string[]): void {
  process.stdout.write(['bytes per entry', ...lines, ''].join('\n  '));
}

async function appendInGroups(journal: Journal, entries: number, group: number): Promise<void> {
  for (let n = 0; n < entries; n += group) {
    const appended = Array.from({ length: group }, (_, i) =>
      journal.append('reading', reading(n + i, VALUES), 'sample'),
    );
    await journal.flush();
    await Promise.all(appended);
  }
}

it.skipIf(problem !== undefined)(
  `an entry costs the flash less the larger its group, and about as much as journal stat assumes${problem ?? ''}`,
  async () => {
    const table: Record<string, { process: number; device: number; assumed: number }> = {};
    for (const group of [1, 10, 100, 512]) {
      const disk = mountSmall('ext4', 64);
      try {
        const state = path.join(disk.directory, 'state');
        const journal = await openTestJournal(state);
        const entries = group === 1 ? 1_024 : 4_096;
        const before = { process: writtenBytes('self')?.bytes ?? 0, device: deviceBytes(disk.directory) };
        await appendInGroups(journal, entries, group);
        const byProcess = ((writtenBytes('self')?.bytes ?? 0) - before.process) / entries;
        await journal.close();
        const device = (deviceBytes(disk.directory) - before.device) / entries;
        table[`groups of ${group}`] = {
          process: Math.round(byProcess),
          device: Math.round(device),
          assumed: Math.round(bytesPerEntry(group)),
        };
      } finally {
        disk.unmount();
      }
    }
    tell(Object.entries(table).map(([groups, cost]) => `${groups}: ${JSON.stringify(cost)}`));
    const costs = Object.values(table);
    for (const [i, cost] of costs.entries()) {
      expect(cost.device).toBeLessThan(costs[i - 1]?.device ?? Infinity);
      // Within a factor of two: what a meter says, and how a file system works, differ more than that.
      expect(cost.assumed / cost.device).toBeGreaterThan(0.5);
      expect(cost.assumed / cost.device).toBeLessThan(2);
    }
  },
  60_000,
);

it.skipIf(problem !== undefined)(
  `an entry that gives way costs the flash less than it cost to write it${problem ?? ''}`,
  async () => {
    const disk = mountSmall('ext4', 96);
    try {
      const journal = await openTestJournal(path.join(disk.directory, 'state'));
      const before = deviceBytes(disk.directory);
      await appendInGroups(journal, 20_000, 100);
      const appended = deviceBytes(disk.directory);
      const { dropped } = await journal.keepWithin({
        maxBytes: 64 * 1024,
        anchoredSize: 20_000,
        exportedSize: 20_000,
      });
      await journal.close();
      const costs = {
        append: Math.round((appended - before) / 20_000),
        drop: Math.round((deviceBytes(disk.directory) - appended) / dropped),
      };
      tell([`readings in groups of 100, then given way: ${JSON.stringify(costs)}`]);
      expect(costs.drop).toBeLessThan(costs.append);
    } finally {
      disk.unmount();
    }
  },
  60_000,
);
