import type { ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readExportMark } from '../../../src/journal/index.ts';
import { startExport } from '../../support/journal/export-process.ts';
import { temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';
import { runProduct } from '../../support/product.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import {
  mountSmallFileSystem,
  SMALL_FILE_SYSTEM_NOTE,
  WHY_NO_SMALL_FILE_SYSTEM,
} from '../../support/journal/small-file-system.ts';

const SIZE = 6_000;
const FORMATS = ['cbor-seq', 'jsonl', 'csv'] as const;
let directory: string;
let remove: () => void;
let state: string;
const whole: Record<string, Buffer> = {};

beforeAll(async () => {
  ({ directory, remove } = temporaryDirectory());
  state = path.join(directory, 'state');
  await writeTestLog(state, SIZE);
  for (const format of FORMATS) {
    const file = path.join(directory, `whole.${format}`);
    expect((await runProduct(['journal', 'export', state, '--format', format, '-o', file])).status).toBe(0);
    whole[format] = readFileSync(file);
  }
});
afterAll(() => remove());

describe('an export that is killed (SIGKILL) again and again', () => {
  const random = seededRandom('export');

  it.each(FORMATS)(`and resumed gives the same %s file, byte for byte ${random.note}`, async (format) => {
    const file = path.join(directory, `killed.${format}`);
    const expected = whole[format] ?? Buffer.alloc(0);
    let kills = 0;
    // One that is done before it is killed is cut off and tried again; the last one runs to its end.
    for (let attempt = 0; kills < 3 && attempt < 20; attempt++) {
      const size = existsSync(file) ? statSync(file).size : 0;
      const { child, ended } = startExport([state, '--format', format, '-o', file, '--resume']);
      void killBehind(child, file, size + random.below((expected.length - size) / 2));
      const { status, signal } = await ended;
      if (signal === 'SIGKILL') kills++;
      else expect(status).toBe(0);
      const written = statSync(file).size;
      expect(readFileSync(file).equals(expected.subarray(0, written))).toBe(true);
      // A power cut takes more than a kill: what was not on the disk yet, in the middle of a record.
      truncateSync(file, written - random.below(Math.min(written, status === 0 ? expected.length : 5_000)));
    }
    expect((await startExport([state, '--format', format, '-o', file, '--resume']).ended).status).toBe(0);
    expect(readFileSync(file).equals(expected)).toBe(true);
    expect(kills).toBeGreaterThan(0);
  });
});

/** Once the file has that many bytes. */
async function killBehind(child: ChildProcess, file: string, bytes: number): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    if (existsSync(file) && statSync(file).size > bytes) return void child.kill('SIGKILL');
    await new Promise(setImmediate);
  }
}

const WHY_NO_PROC = existsSync('/proc/self/io') ? undefined : ' (skipped: no /proc/PID/io here)';

describe('an export to a pipe', () => {
  it.skipIf(WHY_NO_PROC)(
    `reads on only as its reader takes what it has written${WHY_NO_PROC ?? ''}`,
    async () => {
      const { child, ended } = startExport([state, '--format', 'jsonl'], 'pipe');
      const output = child.stdout!;
      const stopped = await settled(child);
      // A pipe's buffer and a batch, of several megabytes.
      expect(stopped.written).toBeLessThan(whole['jsonl']!.length / 4);
      const taken: Buffer[] = [];
      while (Buffer.concat(taken).length < 1024 * 1024) {
        const part = output.read() as Buffer | null;
        if (part === null) await new Promise((resolve) => output.once('readable', resolve));
        else taken.push(part);
      }
      const later = await settled(child);
      expect(later.written - stopped.written).toBeGreaterThan(512 * 1024);
      expect(later.written).toBeLessThan(whole['jsonl']!.length / 2);
      expect(later.read).toBeGreaterThan(stopped.read);
      for await (const part of output) taken.push(part as Buffer);
      expect(await ended).toMatchObject({ status: 0, stderr: '' });
      expect(Buffer.concat(taken).equals(whole['jsonl']!)).toBe(true);
    },
  );

  it('that is closed before its end says so with status 1', async () => {
    const { child, ended } = startExport([state, '--format', 'jsonl'], 'pipe');
    child.stdout!.once('data', () => child.stdout!.destroy());
    const { status, stderr } = await ended;
    expect(status).toBe(1);
    expect(stderr).toContain('export.no_reader');
  });

  /** What the process has read and written, once both stand still. */
  async function settled({ pid }: ChildProcess): Promise<{ read: number; written: number }> {
    let [last, still] = ['', 0];
    while (still < 8) {
      const io = readFileSync(`/proc/${pid}/io`, 'utf8');
      still = io === last && !/^wchar: 0$/m.test(io) ? still + 1 : 0;
      last = io;
      await pause(25);
    }
    const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(last)?.[1]);
    return { read: count('rchar'), written: count('wchar') };
  }
});

describe('an export to a disk that is full', () => {
  it.skipIf(!existsSync('/dev/full'))('says so with status 1', async () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = await startExport([state], full).ended;
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toContain('export.disk_full');
  });

  it.skipIf(WHY_NO_SMALL_FILE_SYSTEM)(
    `keeps what had room, and is resumed when there is more${SMALL_FILE_SYSTEM_NOTE}`,
    async () => {
      const small = mountSmallFileSystem('3m');
      try {
        const ballast = path.join(small.directory, 'ballast');
        writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024 + 4_096));
        const file = path.join(small.directory, 'export');
        const first = await startExport([state, '-o', file, '--resume', '--mark-exported']).ended;
        expect(first).toMatchObject({
          status: 1,
          stderr: expect.stringContaining('export.disk_full') as string,
        });
        expect(statSync(file).size).toBeGreaterThan(900_000);
        expect(readExportMark(state)).toBe(0);
        rmSync(ballast);
        expect(await startExport([state, '-o', file, '--resume']).ended).toMatchObject({ status: 0 });
        expect(readFileSync(file).equals(whole['cbor-seq']!)).toBe(true);
      } finally {
        small.remove();
      }
    },
  );

  it.skipIf(WHY_NO_SMALL_FILE_SYSTEM)(
    `by redirection fails as well, although the last write took a part${SMALL_FILE_SYSTEM_NOTE}`,
    async () => {
      const small = mountSmallFileSystem('64k');
      const file = openSync(path.join(small.directory, 'export'), 'w');
      const { status, stderr } = await startExport([state, '--to', '250'], file).ended;
      closeSync(file);
      small.remove();
      expect(status).toBe(1);
      expect(stderr).toContain('export.disk_full');
    },
  );
});
