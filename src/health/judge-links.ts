import { FAULTS, type FaultCode } from './fault-catalogue.ts';
import type { BrokerFacts, ChainFactsOfSync, ControlFacts } from './facts.ts';
import type { Condition, Look } from './look.ts';

/** What syncing itself says; its conditions have had their patience already. */
const OF_SYNC: readonly FaultCode[] = [
  'sync.anchor_overdue',
  'sync.low_balance',
  'sync.no_peers',
  'sync.finality_stale',
];

export function lookAtChain({ faults, words, backlog, notRunning }: ChainFactsOfSync): Look {
  const waiting = backlog === null ? '' : `; ${backlog} entries are not anchored`;
  const said = words?.text ?? 'nothing is known yet';
  const detail = `${said}${waiting}`;
  const raised = OF_SYNC.map((code): Condition => ({ code, holds: faults.includes(code), detail }));
  return {
    check: 'chain',
    normal: { state: words === null ? 'unknown' : 'ok', detail },
    conditions: [
      { code: 'sync.not_running', holds: notRunning !== null, detail: notRunning ?? '' },
      {
        code: 'sync.needs_action',
        holds: words === null ? undefined : words.severity === 'act',
        detail,
        advice: words?.advice ?? FAULTS['sync.needs_action'].advice,
      },
      ...raised,
    ],
  };
}

export function lookAtBroker({ connected, failure, notStarted }: BrokerFacts): Look {
  const why = failure === null ? 'no session yet' : `[${failure}] no session`;
  return {
    check: 'broker',
    normal: { state: connected ? 'ok' : 'unknown', detail: connected ? 'connected' : why },
    conditions: [
      { code: 'telemetry.not_started', holds: notStarted !== null, detail: notStarted ?? '' },
      { code: 'telemetry.disconnected', holds: notStarted === null && !connected, detail: why },
    ],
  };
}

export function lookAtControl({ failure, path }: ControlFacts): Look {
  return {
    check: 'control',
    normal: { state: 'ok', detail: `listens on ${path}` },
    conditions: [{ code: 'control.unavailable', holds: failure !== null, detail: failure ?? '' }],
  };
}
