// The disk is full, because something else filled it: readings stop, every other entry goes on, and all recovers by itself.
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { verifyJournal, type CommandBody, type Journal } from '../../../src/journal/index.ts';
import { openTestJournal, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/journal/recovering-journal.ts';
import { mountProblem, mountSmall, type FileSystemKind } from '../../support/journal/full-disk.ts';

const RESERVE_BYTES = 1024 * 1024;
const command: CommandBody = {
  ...({ command: 'doctor', operator: 'o', outcome: 'accepted' } as const),
  digest: new Uint8Array(32),
};
const fault = { code: 'meter.timeout', message: 'x'.repeat(400) };

/** Groups of readings until one is refused. */
async function appendUntilRefused(journal: Journal): Promise<unknown> {
  for (let n = 0; ; n += 8) {
    const group = Array.from({ length: 8 }, (_, i) =>
      journal.append('reading', reading(n + i, 20), 'sample'),
    );
    const flushed = journal.flush().then(
      () => undefined,
      (error: unknown) => error,
    );
    const refused = (await Promise.allSettled(group)).find(({ status }) => status === 'rejected');
    if ((await flushed) !== undefined || refused !== undefined)
      return (refused as PromiseRejectedResult).reason;
  }
}
const eventually = async (what: () => boolean): Promise<void> => {
  while (!what()) await new Promise(setImmediate);
};

describe.each<[FileSystemKind, number]>([
  ['tmpfs', 8],
  ['ext4', 16],
])('on a full %s', (kind, megabytes) => {
  const problem = mountProblem(kind);
  const mounted = async (test: (disk: ReturnType<typeof mountSmall>, state: string) => Promise<void>) => {
    const disk = mountSmall(kind, megabytes);
    try {
      await test(disk, path.join(disk.directory, 'state'));
    } finally {
      disk.unmount();
    }
  };
  const reserveFile = (state: string): string => path.join(state, 'journal.reserve');
  const open = (state: string) => openTestJournal(state, { reserveBytes: RESERVE_BYTES });

  it.skipIf(problem !== undefined)(
    `readings are refused, billing entries go on, a restart works, and with room again all does${problem ?? ''}`,
    () =>
      mounted(async (disk, state) => {
        let journal = await open(state);
        await eventually(() => existsSync(reserveFile(state)));
        await journal.append('reading', reading(1), 'billing');
        let giveBack = disk.fillUp('other');
        expect(await appendUntilRefused(journal)).toMatchObject({
          code: 'journal.disk_full',
          effect: 'none',
        });
        expect(existsSync(reserveFile(state))).toBe(true);

        // Whoever looks what is wrong uses up nothing of what billing needs.
        const looks = journal.append('command', command, 'sample');
        const [asked] = await Promise.allSettled([looks, journal.flush()]);
        expect(asked).toMatchObject({ status: 'rejected', reason: { code: 'journal.disk_full' } });
        expect(existsSync(reserveFile(state))).toBe(true);
        await journal.append('command', { ...command, command: 'sync now' }, 'billing');

        for (let n = 0; n < 300; n++) await journal.append('fault', fault, 'billing');
        expect(existsSync(reserveFile(state))).toBe(false);
        await expect(journal.append('reading', reading(2), 'sample')).rejects.toMatchObject({
          code: 'journal.disk_full',
        });
        const { size } = journal;
        await journal.close();

        // The boot entry and SQLite's own files find room in what is left of the reserve.
        journal = await open(state);
        expect(journal.size).toBe(size + 1);
        await expect(journal.append('reading', reading(3), 'sample')).rejects.toMatchObject({
          code: 'journal.disk_full',
        });
        expect(await journal.append('fault', fault, 'billing')).toBe(size + 1);

        giveBack();
        await expect(journal.append('reading', reading(4), 'sample')).rejects.toMatchObject({
          code: 'journal.disk_full',
        });
        await eventually(() => existsSync(reserveFile(state)));
        expect(await journal.append('reading', reading(5), 'billing')).toBe(size + 2);
        await journal.close();

        // With the reserve there, a start on a disk that is full to the last byte works too.
        giveBack = disk.fillUp('other');
        journal = await open(state);
        expect(await journal.append('fault', fault, 'billing')).toBe(size + 4);
        await journal.close();
        giveBack();
        expect(await verifyJournal(state)).toMatchObject({ ok: true, size: size + 5 });
      }),
    60_000,
  );

  it.skipIf(problem !== undefined)(
    `a damaged journal does not keep the station from writing: the reserve is for its recovery too${problem ?? ''}`,
    () =>
      mounted(async (disk, state) => {
        let journal = await open(state);
        await eventually(() => existsSync(reserveFile(state)));
        for (let n = 0; n < 100; n++) await journal.append('reading', reading(n), 'billing');
        await journal.close();
        const fd = openSync(path.join(state, 'journal.db'), 'r+');
        writeSync(fd, Buffer.alloc(4_096, 0xff), 0, 4_096, 0);
        closeSync(fd);
        disk.fillUp('other');
        const recovered = await openRecovered(state, { reserveBytes: RESERVE_BYTES });
        ({ journal } = recovered);
        expect(recovered.noticed).toEqual(['journal.corrupt']);
        await journal.append('fault', fault, 'billing');
        await journal.close();
        expect(await verifyJournal(state)).toMatchObject({ ok: true, size: 3 });
        expect(faultsOf(state)[0]?.message).toContain('no room');
      }),
    60_000,
  );

  it.skipIf(problem !== undefined)(
    `without a reserve, every entry is refused, and nothing of the log is lost${problem ?? ''}`,
    () =>
      mounted(async (disk, state) => {
        const journal = await openTestJournal(state);
        disk.fillUp('other');
        expect(await appendUntilRefused(journal)).toMatchObject({ code: 'journal.disk_full' });
        const { size } = journal;
        const refused = await Promise.allSettled(
          Array.from({ length: 200 }, () => journal.append('fault', fault, 'billing')),
        );
        expect(refused.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'journal.disk_full' } });
        await journal.close();
        const written = refused.filter(({ status }) => status === 'fulfilled').length;
        expect(await verifyJournal(state)).toMatchObject({ ok: true, size: size + written });
      }),
  );
});

describe('at the bound of the log', () => {
  it('readings stop, other entries pass it by the reserve, and readings come back when retention made room', async () => {
    const { directory, remove } = temporaryDirectory();
    const maxBytes = 1024 * 1024;
    const journal = await openTestJournal(directory, { maxBytes, reserveBytes: RESERVE_BYTES });
    await eventually(() => existsSync(path.join(directory, 'journal.reserve')));
    expect(await appendUntilRefused(journal)).toMatchObject({ code: 'journal.disk_full', effect: 'none' });
    const atBound = journal.size;
    expect(journal.diskBytes()).toBeLessThanOrEqual(maxBytes);
    const faults = Array.from({ length: 400 }, () => journal.append('fault', fault, 'sample'));
    await journal.flush();
    await Promise.all(faults);
    expect(journal.diskBytes()).toBeGreaterThan(maxBytes);
    await expect(journal.append('reading', reading(1), 'sample')).rejects.toMatchObject({
      code: 'journal.disk_full',
    });
    const limits = { maxBytes, anchoredSize: atBound, exportedSize: 0 };
    expect(await journal.keepWithin(limits)).toMatchObject({ dropped: expect.any(Number) as number });
    expect(await journal.append('reading', reading(2), 'billing')).toBe(journal.size - 1);
    await journal.close();
    expect(await verifyJournal(directory)).toMatchObject({ ok: true, size: journal.size });
    remove();
  });
});
