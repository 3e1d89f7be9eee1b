import { afterAll, beforeAll, expect, it } from 'vitest';
import { DiskFaults, SCENES } from '../../support/journal/disk-faults.ts';
import { FAILING_DISK_NOTE, FAULT_KINDS, WHY_NO_FAILING_DISK } from '../../support/journal/failing-disk.ts';
import { seededRandom } from '../../support/seeded-random.ts';

// Some calls, chosen at random; every call and every way to fail is in test/soak/journal-failing-calls.test.ts.

const random = seededRandom('failing calls');
const CALLS_PER_SCENE = 4;

let faults: DiskFaults | undefined;
beforeAll(async () => {
  if (WHY_NO_FAILING_DISK === undefined) faults = await DiskFaults.prepare(random);
});
afterAll(() => faults?.remove());

it.skipIf(WHY_NO_FAILING_DISK).each(SCENES)(
  `a system call that fails while %s is written loses nothing acknowledged, also if the power goes then ${random.note}${FAILING_DISK_NOTE}`,
  { timeout: 120_000 },
  async (scene) => {
    const calls = await faults!.countCalls(scene);
    expect(calls).toBeGreaterThan(50);
    for (let i = 0; i < CALLS_PER_SCENE; i++) {
      const kind = FAULT_KINDS[random.below(FAULT_KINDS.length)]!;
      const at = 1 + random.below(calls);
      const { failed, wrong } = await faults!.failCall(scene, at, kind);
      expect({ at, kind, failed, wrong }).toEqual({ at, kind, failed, wrong: [] });
    }
  },
);

it.skipIf(WHY_NO_FAILING_DISK)(
  `and the same look sees what a store loses that does not wait for the disk${FAILING_DISK_NOTE}`,
  async () => {
    const calls = await faults!.countCalls('a new log');
    const { wrong, acknowledged } = await faults!.failCall('a new log', calls - 20, 'die', 'OFF');
    expect(acknowledged).toBeGreaterThan(0);
    expect(wrong.join()).toContain('a power cut that left nothing');
  },
);
