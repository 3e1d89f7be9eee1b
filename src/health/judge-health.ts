import type { HealthFacts } from './facts.ts';
import { lookAtConfiguration } from './judge-configuration.ts';
import { lookAtClock, lookAtKey, lookAtMemory, lookAtService } from './judge-host.ts';
import { lookAtBroker, lookAtChain, lookAtControl } from './judge-links.ts';
import { lookAtLine, lookAtMeter } from './judge-meters.ts';
import { lookAtDisk, lookAtFlash, lookAtJournal } from './judge-storage.ts';
import type { IsRaised, Look } from './look.ts';
import { isRaised, stepHealth, type HealthMemory, type HealthStep } from './step-health.ts';

/** A look at everything there are facts of. Pure; what was raised matters only for leaving it. */
export function judgeHealth(facts: HealthFacts, wasRaised: IsRaised): Look[] {
  const { nowMonoMs, configuration, service, meters, lines, journal, disk, flash, clock, memory, key } =
    facts;
  const { chain, broker, control } = facts;
  return [
    ...(configuration ? [lookAtConfiguration(configuration)] : []),
    ...(service ? [lookAtService(service, nowMonoMs, wasRaised)] : []),
    ...(meters ?? []).map((meter) => lookAtMeter(meter, nowMonoMs)),
    ...(lines ?? []).map(lookAtLine),
    ...(journal ? [lookAtJournal(journal, nowMonoMs)] : []),
    ...(disk ? [lookAtDisk(disk, wasRaised)] : []),
    ...(flash ? [lookAtFlash(flash, wasRaised)] : []),
    ...(clock ? [lookAtClock(clock)] : []),
    ...(memory ? lookAtMemory(memory, wasRaised) : []),
    ...(key ? [lookAtKey(key)] : []),
    ...(chain ? [lookAtChain(chain)] : []),
    ...(broker ? [lookAtBroker(broker)] : []),
    ...(control ? [lookAtControl(control)] : []),
  ];
}

/** One round: facts in, list and news out. */
export function judgeAndStep(memory: HealthMemory, facts: HealthFacts): HealthStep {
  const looks = judgeHealth(facts, (code, subject) => isRaised(memory, code, subject));
  return stepHealth(memory, looks, facts.nowMonoMs);
}
