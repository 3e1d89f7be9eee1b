import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildAppender, type AppenderProgram } from '../../support/journal/appender-process.ts';
import { POWER_CUT_NOTE, WHY_NO_POWER_CUT } from '../../support/journal/power-cut-disk.ts';
import { cutPowerAgainAndAgain } from '../../support/journal/power-cuts.ts';
import { seededRandom } from '../../support/seeded-random.ts';

// The long form, with runs that show that it would see a loss, is test/soak/journal-power-cut.test.ts.

let appenders: AppenderProgram;
beforeAll(async () => {
  appenders = await buildAppender();
});
afterAll(() => appenders.remove());

const random = seededRandom('power cut');

it.skipIf(WHY_NO_POWER_CUT)(
  `loses no acknowledged entry when the power is cut, and the log verifies and goes on ${random.note}${POWER_CUT_NOTE}`,
  { timeout: 60_000 },
  async () => {
    const report = await cutPowerAgainAndAgain(
      { cuts: 5, cutsPerDisk: 5, random, kinds: ['page-cache', 'drive-cache'] },
      appenders,
    );
    expect(report).toMatchObject({ cuts: 5, lost: 0, bad: [] });
  },
);
