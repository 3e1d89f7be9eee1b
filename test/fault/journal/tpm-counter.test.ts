// The counter that no copy of a directory brings back, in a software TPM of its own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tpmCounter, type MonotonicCounter } from '../../../src/journal/index.ts';
import { ORIGIN, reading, temporaryDirectory } from '../../support/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/recovering-journal.ts';

const installed = (tool: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(path.join(folder, tool)));
const hasTools = installed('swtpm') && installed('tpm2_nvincrement');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(!hasTools)('a journal with a TPM counter (skipped without swtpm and tpm2-tools)', () => {
  let tpm: ChildProcess;
  let tcti: string;
  let state: { directory: string; remove: () => void };
  let directory: string;
  let remove: () => void;
  let counter: MonotonicCounter;

  beforeEach(async () => {
    state = temporaryDirectory();
    ({ directory, remove } = temporaryDirectory());
    const port = await freePort();
    tpm = spawn('swtpm', [
      ...[
        'socket',
        '--tpm2',
        '--tpmstate',
        `dir=${state.directory}`,
        '--flags',
        'not-need-init,startup-clear',
      ],
      ...['--server', `type=tcp,port=${port}`, '--ctrl', `type=tcp,port=${port + 1}`],
    ]);
    tcti = `swtpm:host=127.0.0.1,port=${port}`;
    counter = tpmCounter({ tcti });
    await answering();
  });
  afterEach(async () => {
    tpm.kill();
    if (tpm.exitCode === null && tpm.signalCode === null)
      await new Promise((resolve) => tpm.once('exit', resolve));
    state.remove();
    remove();
  });

  async function answering(): Promise<void> {
    for (let left = 100; ; left--) {
      try {
        execFileSync('tpm2_getcap', ['-T', tcti, 'properties-fixed'], { stdio: 'ignore' });
        return;
      } catch (error) {
        if (left === 0) throw error;
        await delay(50);
      }
    }
  }

  const options = () => ({ highWater: { counter } });

  async function run(entries: number): Promise<string> {
    const { journal, noticed } = await openRecovered(directory, options());
    for (let i = 0; i < entries; i++) await journal.append('reading', reading(i), 'billing');
    const { origin } = journal;
    await journal.checkpoint();
    await journal.close();
    return [origin, ...noticed].join(' ');
  }

  it('counts up, is made once, and is found again', async () => {
    const first = await counter.read();
    expect(await counter.read()).toBe(first);
    expect(await counter.increment()).toBe(first + 1);
    expect(await tpmCounter({ tcti }).read()).toBe(first + 1);
  });

  it('notices an old copy of the whole directory, mark and all', async () => {
    expect(await run(3)).toBe(ORIGIN);
    const copy = temporaryDirectory();
    cpSync(directory, copy.directory, { recursive: true });
    expect(await run(3)).toBe(ORIGIN);
    rmSync(directory, { recursive: true });
    cpSync(copy.directory, directory, { recursive: true });
    copy.remove();
    expect(await run(1)).toBe(`${ORIGIN}/2 journal.rolled_back`);
    expect(faultsOf(directory)).toMatchObject([{ code: 'journal.rolled_back' }]);
    expect(await run(1)).toBe(`${ORIGIN}/2`);
  });

  it('that is not the one before is recorded, and the log goes on', async () => {
    await run(3);
    const { increment } = counter;
    const other = { name: 'another TPM', read: () => Promise.resolve(1), increment };
    // Many openings ahead of what the other one shows.
    for (let i = 0; i < 3; i++) await run(1);
    counter = other;
    expect(await run(1)).toBe(ORIGIN);
    expect(faultsOf(directory).map(({ code }) => code)).toContain('journal.counter_reset');
  });

  it('that does not answer any more is recorded, and the log goes on with its file', async () => {
    await run(3);
    tpm.kill();
    counter = tpmCounter({ tcti, timeoutMs: 500 });
    expect(await run(1)).toBe(ORIGIN);
    expect(faultsOf(directory).map(({ code }) => code)).toContain('journal.counter_failed');
    expect(statSync(path.join(directory, 'journal.high-water')).size).toBeGreaterThan(0);
  });
});
