import { setTimeout as pause } from 'node:timers/promises';
import type { Appender, AppenderProgram, AppenderTask } from './appender-process.ts';
import { Promises } from './crashed-log.ts';
import { makePowerCutDisk, type Cut, type PowerCutDisk } from './power-cut-disk.ts';
import type { SeededRandom } from '../seeded-random.ts';

export interface PowerCutPlan {
  readonly cuts: number;
  /** After so many cuts on one log a new disk is taken. */
  readonly cutsPerDisk: number;
  readonly random: SeededRandom;
  readonly kinds: readonly Cut[];
  /** At which readings give way. */
  readonly retainBytes?: number;
  /** What makes it lose data, for the runs that show it can be seen. */
  readonly synchronous?: AppenderTask['synchronous'];
  readonly barriers?: boolean;
}

export interface PowerCutReport {
  cuts: number;
  /** Cuts while the service was starting: nothing acknowledged since the last one. */
  duringStart: number;
  acknowledged: number;
  lost: number;
  /** Logs that did not verify, could not be opened or could not be continued, and why. */
  readonly bad: string[];
  seconds: number;
}

/**
 * A writer on a disk whose power is cut again and again. After each cut the file system is mounted as it was left, the log
 * is audited, every entry that was ever acknowledged on it is looked for, and the next writer goes on with it.
 */
export async function cutPowerAgainAndAgain(
  plan: PowerCutPlan,
  appenders: AppenderProgram,
): Promise<PowerCutReport> {
  const startedAt = performance.now();
  const report: PowerCutReport = { cuts: 0, duringStart: 0, acknowledged: 0, lost: 0, bad: [], seconds: 0 };
  while (report.cuts < plan.cuts) {
    const disk = makePowerCutDisk(plan.barriers === undefined ? {} : { barriers: plan.barriers });
    try {
      const promises = new Promises();
      const left = Math.min(plan.cutsPerDisk, plan.cuts - report.cuts);
      for (let cut = 0, from = 0; cut < left; cut++, from += 100_000) {
        const bad = await oneCut(plan, disk, appenders.start, { from, promises }, report);
        if (bad !== undefined) {
          report.bad.push(`cut ${report.cuts}: ${bad}`);
          break;
        }
      }
    } finally {
      disk.remove();
    }
  }
  report.seconds = Math.round((performance.now() - startedAt) / 1_000);
  return report;
}

/** Why this log cannot be believed or continued after it; undefined when all is well. */
async function oneCut(
  { random, kinds, synchronous, retainBytes }: PowerCutPlan,
  disk: PowerCutDisk,
  start: AppenderProgram['start'],
  { from, promises }: { from: number; promises: Promises },
  report: PowerCutReport,
): Promise<string | undefined> {
  const appender = start({
    ...{ directory: disk.directory, groupEntries: 8, from },
    ...(synchronous && { synchronous }),
    ...(retainBytes && { retainBytes }),
  });
  await atARandomMoment(appender, random);
  appender.child.kill('SIGSTOP');
  // What is acknowledged by now counts; what comes while the process is being stopped may be on the disk or not.
  const now = appender.acknowledged();
  const image = disk.imageAfter(kinds[random.below(kinds.length)] ?? 'page-cache', random);
  appender.child.kill('SIGKILL');
  const { signal } = await appender.ended;
  report.cuts++;
  if (signal !== 'SIGKILL') return `the writer ended by itself: ${appender.complaints()}`;
  if (now.entries.size === 0) report.duringStart++;
  report.acknowledged += now.entries.size;
  promises.add(now);
  try {
    disk.restartWith(image);
  } catch (error) {
    report.lost += promises.entries.size;
    return `the file system cannot be mounted: ${String(error)}`;
  }
  const { lost, bad } = await promises.inspect(disk.directory);
  report.lost += lost;
  return bad;
}

/** While it starts (opening, recovery, its first entries), or after so many entries; and then a little later. */
export async function atARandomMoment(
  { child, acknowledged }: Appender,
  random: SeededRandom,
  maxEntries = 150,
): Promise<void> {
  if (random.below(4) === 0) return void (await pause(random.below(250)));
  const entries = 1 + random.below(maxEntries);
  while (acknowledged().entries.size < entries && child.exitCode === null) await pause(1);
  await pause(random.below(12));
}
