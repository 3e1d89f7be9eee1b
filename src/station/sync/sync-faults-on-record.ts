import type { Log } from '../../../hal/contract/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';
import type { FaultEffect } from '../../sync/index.ts';

/** Puts faults of syncing into the journal: with the next group, because nothing is billed by them and flash wears out. */
export function syncFaultsOnRecord(evidence: EvidenceLog, log: Log): (effect: FaultEffect) => void {
  return ({ type, code, facts }) => {
    const message = type === 'raise' ? 'raised' : 'cleared';
    const body = { code, message, facts: type === 'raise' ? facts : [] };
    evidence.append('fault', body, 'sample').catch((error: unknown) => {
      log('error', 'journal.append_failed', { kind: 'fault', error });
    });
  };
}
