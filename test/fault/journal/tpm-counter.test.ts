// The counter that no copy of a directory brings back, in a software TPM of its own.
import { cpSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tpmCounter, type MonotonicCounter } from '../../../src/journal/index.ts';
import { ORIGIN, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';
import { faultsOf, openRecovered } from '../../support/journal/recovering-journal.ts';
import { missingTpmTools, SoftwareTpm } from '../../support/keys/swtpm.ts';

const missing = missingTpmTools();

describe.skipIf(missing !== undefined)(
  `a journal with a TPM counter${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let tpm: SoftwareTpm;
    let stopped = false;
    let tcti: string;
    let state: { directory: string; remove: () => void };
    let directory: string;
    let remove: () => void;
    let counter: MonotonicCounter;

    beforeEach(async () => {
      state = temporaryDirectory();
      ({ directory, remove } = temporaryDirectory());
      tpm = await new SoftwareTpm(state.directory).start();
      ({ tcti } = tpm);
      counter = tpmCounter({ tcti });
    });
    afterEach(async () => {
      if (!stopped) await tpm.stop();
      stopped = false;
      state.remove();
      remove();
    });

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
      const real = counter;
      const other = {
        name: 'another TPM',
        read: () => Promise.resolve(1),
        increment: () => real.increment(),
      };
      // Many openings ahead of what the other one shows.
      for (let i = 0; i < 3; i++) await run(1);
      counter = other;
      expect(await run(1)).toBe(ORIGIN);
      expect(faultsOf(directory).map(({ code }) => code)).toContain('journal.counter_reset');
    });

    it('that does not answer any more is recorded, and the log goes on with its file', async () => {
      await run(3);
      await tpm.stop();
      stopped = true;
      counter = tpmCounter({ tcti, timeoutMs: 500 });
      expect(await run(1)).toBe(ORIGIN);
      expect(faultsOf(directory).map(({ code }) => code)).toContain('journal.counter_failed');
      expect(statSync(path.join(directory, 'journal.high-water')).size).toBeGreaterThan(0);
    });
  },
);
