import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { StationError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import { itemsOfOneLook, lookAtClock, lookAtDisk, lookAtFlash } from '../../health/index.ts';
import type { TimeReport } from '../../service/index.ts';
import { ownIdentity } from '../own-identity.ts';
import { found, ok, type Finding } from './finding.ts';

/** Asks the sources of time once, as the service does. */
export async function checkClock({ clock: { source, maxErrorMs } }: StationConfig): Promise<Finding[]> {
  const { openTimeStatus, systemMonotonicClock } = await import('../../service/index.ts');
  const nowWallMs = (): number => Date.now();
  const time = openTimeStatus({
    ...{ source, maxErrorMs, nowWallMs, log: () => {} },
    nowMonoMs: () => systemMonotonicClock.nowMonoMs(),
  });
  await time.poll();
  return judgeClock(time.report(), { source, shown: new Date(nowWallMs()).toISOString() });
}

/** As the service judges it, and with what the clock shows. */
export function judgeClock(
  report: TimeReport,
  { source, shown }: { readonly source: string; readonly shown: string },
): Finding[] {
  const items = itemsOfOneLook([lookAtClock(report)]);
  return items.map((item) => ({
    ...item,
    detail: `${shown}, ${item.detail}${report.detail === null ? '' : `: ${report.detail}`}`,
    advice:
      report.source === null && source !== 'auto'
        ? `clock.source is ${source}: ${item.advice ?? ''}`
        : item.advice,
  }));
}

/** Free space, flash, and whether this user may write. */
export async function checkDisk(directory: string, config: StationConfig): Promise<Finding[]> {
  try {
    await stat(directory);
  } catch {
    const advice = `Make it: delmonicos key init ${directory}`;
    return [found('disk', 'disk.not_writable', `there is no state directory ${directory}`, advice)];
  }
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch {
    const advice =
      'Run doctor as the user of the service, or give that user the directory (StateDirectory= in the unit).';
    return [found('disk', 'disk.not_writable', `this user may not write to ${directory}`, advice)];
  }
  const { diskFacts, flashFacts } = await import('../../station/index.ts');
  const [disk, flash] = [diskFacts(directory, config, false), flashFacts(config, undefined)];
  return itemsOfOneLook([lookAtDisk(disk, () => false), lookAtFlash(flash, () => false)]);
}

export async function checkKey(directory: string, config: StationConfig): Promise<Finding> {
  try {
    const identity = await ownIdentity(directory, {
      ...config.identity,
      ...(config.chain && { ss58Prefix: config.chain.ss58Prefix }),
    });
    return ok('key', `account ${identity.chainAccount.ss58}`);
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    const advice = error.hint ?? `Make one with delmonicos key init ${directory}, and back it up.`;
    return found('key', 'key.unusable', `[${error.code}] ${error.message}`, advice);
  }
}
