import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAppender, type AppenderProgram } from '../support/journal/appender-process.ts';
import { killAgainAndAgain } from '../support/journal/kill-loop.ts';
import { seededRandom } from '../support/seeded-random.ts';

const KILLS = Number(process.env['SOAK_KILLS'] ?? 500);

let appenders: AppenderProgram;
beforeAll(async () => {
  appenders = await buildAppender();
});
afterAll(() => appenders.remove());

const random = seededRandom('kill');

describe(`kills of the writer ${random.note}`, { timeout: 1_800_000 }, () => {
  it.each([
    ['appending', 0.8, {}, 150],
    ['appending, and readings give way', 0.2, { retainBytes: 16 * 1024 }, 600],
  ])('while it is %s: no acknowledged entry is lost', async (what, share, task, maxEntries) => {
    const kills = Math.round(KILLS * share);
    const report = await killAgainAndAgain({ kills, killsPerLog: 20, random, task, maxEntries }, appenders);
    const { duringStart, acknowledged, lost, gone, bad, seconds } = report;
    process.stdout.write(
      `kill -9 while ${what}: ${report.kills} kills (${duringStart} during a start), ${acknowledged} entries acknowledged, ` +
        `${gone} gave way, ${lost} lost, ${bad.length} logs bad, ${seconds} s ${random.note}\n`,
    );
    expect(report).toMatchObject({ kills, lost: 0, bad: [] });
    expect(report.acknowledged).toBeGreaterThan(10 * kills);
    expect(report.gone > 0).toBe('retainBytes' in task);
  });
});
