// What `systemctl status` shows of the station, in one line. Pure.
import { healthLine, type HealthItem } from '../../health/index.ts';
import type { StationPhase } from './station-phase.ts';

const MB = 1_000_000;

/** What is under way. */
export function phaseInWords(phase: StationPhase): string {
  switch (phase.phase) {
    case 'configuration':
      return 'starting: reading the configuration';
    case 'clock':
      return 'starting: asking what the clock is worth';
    case 'keys':
      return 'starting: opening the keys';
    case 'journal':
      return 'starting: opening the journal';
    case 'reading':
      return 'reading the meters';
    case 'stop':
      return `stopping: ${phase.what}`;
    case 'recovery':
      return `recovering the journal: ${recoveryInWords(phase.progress)}`;
  }
}

function recoveryInWords({
  step,
  done,
  total,
}: Extract<StationPhase, { phase: 'recovery' }>['progress']): string {
  switch (step) {
    case 'entries':
      return `${grouped(done)} of ${grouped(total)} entries`;
    case 'tree':
      return `the hashes of ${grouped(done)} of ${grouped(total)} entries`;
    case 'bytes':
      return `${Math.floor(done / MB)} of ${Math.ceil(total / MB)} MB searched for entries`;
    case 'keys':
      return `${Math.floor(done / MB)} of ${Math.ceil(total / MB)} MB searched for its keys`;
  }
}

/** While it reads. @param refusal why the newest configuration is not the one it runs with */
export function stationInWords(items: readonly HealthItem[], refusal?: string): string {
  const health = healthLine(items);
  return refusal === undefined ? health : `new configuration not in force (${refusal}); ${health}`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
