import type { ClockFacts, KeyFacts, MemoryFacts, ProcessMemory, ServiceFacts } from './facts.ts';
import type { IsRaised, Look } from './look.ts';
import {
  isAbove,
  isBelow,
  LOOP_BLOCKED,
  LOOP_LATE,
  MEMORY_AT_LIMIT,
  MEMORY_NEAR_LIMIT,
  MEMORY_SYSTEM_LOW,
} from './thresholds.ts';
import { durationInWords, mebibytes } from './words.ts';

export function lookAtService(
  { version, startedMonoMs, loopDelay }: ServiceFacts,
  nowMonoMs: number,
  isRaised: IsRaised,
): Look {
  const delay =
    loopDelay === null
      ? ''
      : `, timers at most ${Math.round(loopDelay.maxMs)} ms late (99 of 100: ${Math.round(loopDelay.p99Ms)} ms)`;
  const detail = `version ${version} runs for ${durationInWords(nowMonoMs - startedMonoMs)}${delay}`;
  const holds = (code: 'service.loop_late' | 'service.loop_blocked'): boolean | undefined =>
    loopDelay === null
      ? undefined
      : isAbove(loopDelay.maxMs, code === 'service.loop_late' ? LOOP_LATE : LOOP_BLOCKED, isRaised(code));
  return {
    check: 'service',
    normal: { state: 'ok', detail },
    conditions: [
      { code: 'service.loop_late', holds: holds('service.loop_late'), detail },
      { code: 'service.loop_blocked', holds: holds('service.loop_blocked'), detail },
    ],
  };
}

export function lookAtMemory({ core, gateway, system }: MemoryFacts, isRaised: IsRaised): Look[] {
  const available = system === null ? undefined : (system.availableBytes / system.totalBytes) * 100;
  const ofSystem = system === null ? '' : `; the machine has ${mebibytes(system.availableBytes)} left`;
  const ofCore = lookAtProcess('core', core, ofSystem, isRaised);
  return [
    {
      ...ofCore,
      conditions: [
        ...ofCore.conditions,
        {
          code: 'memory.system_low',
          holds:
            available === undefined
              ? undefined
              : isBelow(available, MEMORY_SYSTEM_LOW, isRaised('memory.system_low', 'core')),
          detail:
            system === null
              ? ''
              : `${mebibytes(system.availableBytes)} of ${mebibytes(system.totalBytes)} are available`,
        },
      ],
    },
    // Gone between two syncs: then nothing of it can be too big.
    lookAtProcess('gateway', gateway, '', isRaised),
  ];
}

function lookAtProcess(
  subject: 'core' | 'gateway',
  memory: ProcessMemory | null,
  besides: string,
  isRaised: IsRaised,
): Look {
  const told = memory?.limit ?? null;
  const limit = told === 'no limit' ? null : told;
  const percent = limit === null ? 0 : (limit.usedBytes / limit.maxBytes) * 100;
  const bound =
    limit === null
      ? told === null
        ? 'its limit cannot be seen from here'
        : 'no limit'
      : `${mebibytes(limit.usedBytes)} in use of ${mebibytes(limit.maxBytes)} (${Math.round(percent)} %)`;
  const detail =
    memory === null ? 'does not run now' : `${mebibytes(memory.rssBytes)} resident, ${bound}${besides}`;
  return {
    check: 'memory',
    subject,
    normal: { state: 'ok', detail },
    conditions: [
      {
        code: 'memory.near_limit',
        holds: isAbove(percent, MEMORY_NEAR_LIMIT, isRaised('memory.near_limit', subject)),
        detail,
      },
      {
        code: 'memory.at_limit',
        holds: isAbove(percent, MEMORY_AT_LIMIT, isRaised('memory.at_limit', subject)),
        detail,
      },
    ],
  };
}

export function lookAtClock({ status, why, source, maxErrorMs }: ClockFacts): Look {
  const bound = maxErrorMs === null ? '' : ` within ${Math.ceil(maxErrorMs)} ms`;
  const detail = `status ${status}: ${why}${bound}${source === null ? '' : ` (${source})`}`;
  const nobody =
    'Run chronyd or systemd-timesyncd, or install adjtimex: nothing here says whether the clock is right.';
  return {
    check: 'clock',
    normal: { state: status === 'U' ? 'unknown' : 'ok', detail },
    conditions: [
      { code: 'clock.unknown', holds: status === 'U', detail, ...(source === null && { advice: nobody }) },
      { code: 'clock.informative', holds: status === 'I', detail },
    ],
  };
}

/** A service that runs has its key. */
export function lookAtKey({ account }: KeyFacts): Look {
  return { check: 'key', normal: { state: 'ok', detail: `account ${account}` }, conditions: [] };
}
