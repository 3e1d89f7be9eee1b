import type { Log } from '../../../hal/contract/index.ts';
import { FAULTS, type FaultCode, type HealthItem } from '../../health/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';

/** A fault that comes and goes is recorded this often at most: 48 entries a day and code, whatever happens. */
export const RECORD_REST_MS = 60 * 60_000;
const TRY_AGAIN_MS = 60_000;
/** More than a sentence of it is not worth flash. */
const MAX_DETAIL = 200;

/** The conditions whose coming and going is evidence, and that no other room records. */
export const RECORDED_BY_HEALTH = (Object.keys(FAULTS) as FaultCode[]).filter(
  (code) => FAULTS[code].onRecord === 'health',
);

export interface FaultRecorder {
  /** Called with each list: what is raised and not on record is recorded, and what is on record and no more raised. */
  follow(items: readonly HealthItem[], nowMonoMs: number): void;
}

/**
 * Puts faults of the health list into the journal: with the next group, because nothing is billed by them and flash wears out.
 * @param raised what the journal has as raised from before this start
 */
export function faultsOnRecord(evidence: EvidenceLog, log: Log, raised: ReadonlySet<string>): FaultRecorder {
  const onRecord = new Set<string>(RECORDED_BY_HEALTH.filter((code) => raised.has(code)));
  const notBefore = new Map<FaultCode, number>();
  const record = (code: FaultCode, detail: string | undefined, nowMonoMs: number): void => {
    const isRaise = detail !== undefined;
    if (isRaise) onRecord.add(code);
    else onRecord.delete(code);
    notBefore.set(code, isRaise ? -Infinity : nowMonoMs + RECORD_REST_MS);
    const facts = isRaise ? [{ name: 'detail', value: detail.slice(0, MAX_DETAIL) }] : [];
    evidence
      .append('fault', { code, message: isRaise ? 'raised' : 'cleared', facts }, 'sample')
      .catch((error: unknown) => {
        log('error', 'journal.append_failed', { kind: 'fault', code, error });
        if (isRaise) onRecord.delete(code);
        else onRecord.add(code);
        notBefore.set(code, nowMonoMs + TRY_AGAIN_MS);
      });
  };
  return {
    follow: (items, nowMonoMs) => {
      for (const code of RECORDED_BY_HEALTH) {
        const item = items.find((one) => one.code === code);
        if ((item !== undefined) === onRecord.has(code)) continue;
        if (nowMonoMs >= (notBefore.get(code) ?? -Infinity)) record(code, item?.detail, nowMonoMs);
      }
    },
  };
}
