import { afterAll, beforeAll, expect, it } from 'vitest';
import { DiskFaults, SCENES } from '../support/journal/disk-faults.ts';
import { FAILING_DISK_NOTE, FAULT_KINDS, WHY_NO_FAILING_DISK } from '../support/journal/failing-disk.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** 1 is every call; more is quicker. */
const STEP = Number(process.env['SOAK_STEP'] ?? 1);
const random = seededRandom('failing calls');

let faults: DiskFaults | undefined;
beforeAll(async () => {
  if (WHY_NO_FAILING_DISK === undefined) faults = await DiskFaults.prepare(random);
});
afterAll(() => faults?.remove());

const CASES = SCENES.flatMap((scene) => FAULT_KINDS.map((kind) => ({ scene, kind })));

it.skipIf(WHY_NO_FAILING_DISK).each(CASES)(
  `$scene, every system call in turn: $kind ${random.note}${FAILING_DISK_NOTE}`,
  { timeout: 1_800_000 },
  async ({ scene, kind }) => {
    const startedAt = performance.now();
    const calls = await faults!.countCalls(scene);
    const found: unknown[] = [];
    let acknowledged = 0;
    let failures = 0;
    // A recovery reads every page by itself: some 2,000 calls.
    const step = scene === 'a damaged log' ? 15 * STEP : STEP;
    for (let at = 1 + random.below(step); at <= calls; at += step) {
      const outcome = await faults!.failCall(scene, at, kind);
      acknowledged += outcome.acknowledged;
      if (outcome.failed !== undefined) failures++;
      if (outcome.wrong.length > 0) found.push({ at, ...outcome });
    }
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    process.stdout.write(
      `${scene}, ${kind}: ${failures} calls failed, one a run; ${acknowledged} entries acknowledged, each looked for in three ` +
        `states; ${found.length} runs wrong, ${seconds} s ${random.note}\n`,
    );
    expect(found).toEqual([]);
    expect(failures).toBeGreaterThan(50 / step);
  },
);
