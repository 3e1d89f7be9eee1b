/**
 * What a value is worth: `G` good, otherwise the status letter of OCMF (Open Charge Metering Format, meter state `ST`)
 * that fits. A value that is not `G` is never counted as energy.
 */
export const QUALITIES = {
  G: 'good',
  T: 'timeout: the meter did not answer in time',
  D: 'disconnected: the meter is not reachable',
  R: 'not found: the register is not there',
  M: 'manipulated',
  X: 'exchanged: another meter than before',
  I: 'incompatible: the meter speaks otherwise than its profile',
  O: 'out of range: the value is not plausible',
  S: 'substitute value',
  F: 'read error',
  E: 'other error',
  N: 'not present: the meter says that it has no value',
} as const;
export type Quality = keyof typeof QUALITIES;
