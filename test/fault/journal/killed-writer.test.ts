import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildAppender, type AppenderProgram } from '../../support/journal/appender-process.ts';
import { killAgainAndAgain } from '../../support/journal/kill-loop.ts';
import { seededRandom } from '../../support/seeded-random.ts';

// The long form is test/soak/journal-kill.test.ts.

let appenders: AppenderProgram;
beforeAll(async () => {
  appenders = await buildAppender();
});
afterAll(() => appenders.remove());

const random = seededRandom('kill');

it.each([
  ['', {}, 150],
  [' while readings give way', { retainBytes: 16 * 1024 }, 600],
])(
  `loses no acknowledged entry when the writer is killed again and again%s ${random.note}`,
  async (_what, task, maxEntries) => {
    const report = await killAgainAndAgain({ kills: 8, killsPerLog: 8, random, task, maxEntries }, appenders);
    expect(report).toMatchObject({ kills: 8, lost: 0, bad: [] });
    expect(report.acknowledged).toBeGreaterThan(50);
    expect(report.gone > 0).toBe('retainBytes' in task);
  },
  60_000,
);
