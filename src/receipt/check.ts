/** The checks of a receipt, in the order of the report. Names are stable; docs/receipts.md says what each one means. */
export const CHECK_NAMES = [
  'format',
  'trusted-key',
  'entry-signatures',
  'entry-positions',
  'checkpoint',
  'inclusion',
  'session',
  'energy',
  'times',
  'ocmf',
  'anchor-checkpoint',
  'anchor-call',
  'anchor-signer',
  'anchor-signature',
  'anchor-inclusion',
  'anchor-header',
  'finality',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export type CheckResult = 'pass' | 'fail' | 'not checked';

/** What one check found; `detail` is for people. */
export interface Finding {
  readonly result: CheckResult;
  readonly detail: string;
}

export interface Check extends Finding {
  readonly name: CheckName;
}

export const pass = (detail: string): Finding => ({ result: 'pass', detail });
export const fail = (detail: string): Finding => ({ result: 'fail', detail });
export const notChecked = (detail: string): Finding => ({ result: 'not checked', detail });
