import type { LineStatistics, ListeningLineStatistics, PeerStatistics } from '../../../hal/contract/index.ts';
import type { MeterConfig } from '../../config/index.ts';
import type { MeterFacts, MeterStatus } from '../../metering/index.ts';
import type { MeterStatusDocument } from '../../telemetry/index.ts';

export interface MeterParts {
  readonly config: MeterConfig;
  readonly status: MeterStatus;
  readonly facts: Pick<MeterFacts, 'implausibleNow'> | undefined;
  /** Of its line. */
  readonly line: LineStatistics | ListeningLineStatistics | undefined;
}

/** What a meter is, whether it answers, and what its line knows of it. Pure. */
export function meterDocument({ config, status, facts, line }: MeterParts): MeterStatusDocument {
  const { meterId, serial, profileId, lastSampleMonoMs, errorCode, state } = status;
  const { samples, failures, skippedSlots, implausible, missing } = status;
  return {
    meter: { id: meterId, serial, profile: profileId },
    ...{ state, failure: errorCode, samples, failures, skippedSlots, implausible },
    lastSampleMs: lastSampleMonoMs === null ? null : Math.round(lastSampleMonoMs),
    line: config.line,
    unitId: config.kind === 'modbus' ? config.unitId : null,
    everyMs: config.everyMs,
    missing,
    implausibleNow: facts?.implausibleNow ?? 0,
    unit: unitOf(config, line),
  };
}

/** What is told at once: who it is, whether it answers, and why not; not what is counted. Pure. */
export function meterNews({ config, status, line }: MeterParts): string {
  const { serial, profileId, state, errorCode } = status;
  return JSON.stringify([serial, profileId, state, errorCode, unitOf(config, line)?.breaker]);
}

function unitOf(config: MeterConfig, line: MeterParts['line']): MeterStatusDocument['unit'] {
  if (config.kind !== 'modbus' || line === undefined || !('peers' in line)) return null;
  const peer: PeerStatistics | undefined = line.peers[String(config.unitId)];
  if (peer === undefined) return null;
  const { answers, failures, consecutiveFailures, state } = peer;
  return { answers, failures, consecutiveFailures, breaker: state };
}
