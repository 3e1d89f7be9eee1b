import { FAULTS, type FaultEntry } from '../../src/health/index.ts';

/** The cells of a fault's row in docs/faults.md. */
export function faultRow(code: string, fault: FaultEntry): string[] {
  const { severity, raiseMs, clearMs, raisedWhen, clearedWhen, means, advice, onRecord, byDoctorOnly } =
    fault;
  const after = (ms: number): string =>
    ms === 0 ? '' : `, for ${ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`}`;
  const by = byDoctorOnly === true ? ' (doctor only)' : '';
  const record = { no: 'no', 'own room': 'yes', health: 'yes, once an hour at most' }[onRecord];
  return [
    `\`${code}\``,
    severity,
    `${raisedWhen}${after(raiseMs)}${by}`,
    `${clearedWhen}${after(clearMs)}`,
    means,
    advice,
    record,
  ];
}

export const FAULT_ROWS: readonly string[][] = Object.entries<FaultEntry>(FAULTS).map(([code, fault]) =>
  faultRow(code, fault),
);
