import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAppender, type AppenderProgram } from '../support/journal/appender-process.ts';
import { POWER_CUT_NOTE, WHY_NO_POWER_CUT } from '../support/journal/power-cut-disk.ts';
import {
  cutPowerAgainAndAgain,
  type PowerCutPlan,
  type PowerCutReport,
} from '../support/journal/power-cuts.ts';
import { seededRandom } from '../support/seeded-random.ts';

const CUTS = Number(process.env['SOAK_CUTS'] ?? 100);
const CONTROL_CUTS = 20;

let appenders: AppenderProgram;
beforeAll(async () => {
  appenders = await buildAppender();
});
afterAll(() => appenders.remove());

const random = seededRandom('power cut');

async function cutPower(name: string, plan: Omit<PowerCutPlan, 'random'>): Promise<PowerCutReport> {
  const report = await cutPowerAgainAndAgain({ ...plan, random }, appenders);
  const { cuts, duringStart, acknowledged, lost, bad, seconds } = report;
  process.stdout.write(
    `${name}: ${cuts} cuts (${duringStart} during a start), ${acknowledged} entries acknowledged, ${lost} lost, ` +
      `${bad.length} logs bad, ${seconds} s ${random.note}\n`,
  );
  return report;
}

describe.skipIf(WHY_NO_POWER_CUT)(
  `power cuts ${random.note}${POWER_CUT_NOTE}`,
  { timeout: 1_800_000 },
  () => {
    it(`lose no acknowledged entry in ${CUTS}, and every log verifies and goes on`, async () => {
      const report = await cutPower('journal', {
        cuts: CUTS,
        cutsPerDisk: 10,
        kinds: ['page-cache', 'drive-cache'],
      });
      expect(report).toMatchObject({ cuts: CUTS, lost: 0, bad: [] });
      expect(report.acknowledged).toBeGreaterThan(20 * CUTS);
    });

    it('lose none either while readings give way', async () => {
      const cuts = Math.ceil(CUTS / 5);
      const kinds = ['page-cache', 'drive-cache'] as const;
      const plan = { cuts, cutsPerDisk: 10, kinds, retainBytes: 16 * 1024 };
      expect(await cutPower('journal, and readings give way', plan)).toMatchObject({
        cuts,
        lost: 0,
        bad: [],
      });
    });

    // The same harness must see what it is there to see.
    it.each<[string, Omit<PowerCutPlan, 'random' | 'cuts' | 'cutsPerDisk'>]>([
      ['control, synchronous=OFF', { kinds: ['page-cache'], synchronous: 'OFF' }],
      ['control, synchronous=NORMAL', { kinds: ['page-cache'], synchronous: 'NORMAL' }],
      ['control, ext4 without barriers', { kinds: ['drive-cache'], barriers: false }],
    ])('%s: entries are lost', async (name, plan) => {
      const report = await cutPower(name, { cuts: CONTROL_CUTS, cutsPerDisk: 1, ...plan });
      expect(report.lost).toBeGreaterThan(0);
    });
  },
);
