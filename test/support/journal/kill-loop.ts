import type { AppenderProgram, AppenderTask } from './appender-process.ts';
import { goneEntries, Promises } from './crashed-log.ts';
import { temporaryDirectory } from './journal-fixture.ts';
import { atARandomMoment } from './power-cuts.ts';
import type { SeededRandom } from '../seeded-random.ts';

export interface KillPlan {
  readonly kills: number;
  /** After so many kills a new log is begun. */
  readonly killsPerLog: number;
  readonly random: SeededRandom;
  readonly task?: Pick<AppenderTask, 'retainBytes'>;
  /** How many it may append in one life. */
  readonly maxEntries?: number;
}

export interface KillReport {
  kills: number;
  /** Kills while the writer was starting: nothing acknowledged since the last one. */
  duringStart: number;
  acknowledged: number;
  lost: number;
  /** Readings that gave way to newer ones. */
  gone: number;
  /** Logs that did not verify, could not be opened or could not be continued, and why. */
  readonly bad: string[];
  seconds: number;
}

/** A writer that is killed (SIGKILL) again and again; the next one goes on with its log. */
export async function killAgainAndAgain(plan: KillPlan, appenders: AppenderProgram): Promise<KillReport> {
  const startedAt = performance.now();
  const report: KillReport = {
    kills: 0,
    duringStart: 0,
    acknowledged: 0,
    lost: 0,
    gone: 0,
    bad: [],
    seconds: 0,
  };
  while (report.kills < plan.kills) {
    const { directory, remove } = temporaryDirectory();
    const promises = new Promises();
    const left = Math.min(plan.killsPerLog, plan.kills - report.kills);
    for (let kill = 0; kill < left; kill++) {
      const task = { directory, groupEntries: 8, from: kill * 100_000, ...plan.task };
      const bad = await killOnce(plan, appenders, task, promises, report);
      if (bad === undefined) continue;
      report.bad.push(`kill ${report.kills}: ${bad}`);
      break;
    }
    if (plan.task?.retainBytes !== undefined) report.gone += goneEntries(directory);
    remove();
  }
  report.seconds = Math.round((performance.now() - startedAt) / 1_000);
  return report;
}

async function killOnce(
  { random, maxEntries }: KillPlan,
  appenders: AppenderProgram,
  task: AppenderTask,
  promises: Promises,
  report: KillReport,
): Promise<string | undefined> {
  const appender = appenders.start(task);
  await atARandomMoment(appender, random, maxEntries);
  appender.child.kill('SIGKILL');
  const { signal } = await appender.ended;
  report.kills++;
  if (signal !== 'SIGKILL') return `the writer ended by itself: ${appender.complaints()}`;
  const now = appender.acknowledged();
  if (now.entries.size === 0) report.duringStart++;
  report.acknowledged += now.entries.size;
  promises.add(now);
  const { lost, bad } = await promises.inspect(task.directory);
  report.lost += lost;
  return bad;
}
