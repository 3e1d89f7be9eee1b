import type { FaultCode } from './fault-catalogue.ts';
import type { CheckName } from './health-item.ts';

/** How one condition of the catalogue stands by the facts of this moment. */
export interface Condition {
  readonly code: FaultCode;
  /** Undefined: nobody can say at this moment, and what was known last still holds. */
  readonly holds: boolean | undefined;
  /** Said while it is raised. */
  readonly detail: string;
  /** In place of the catalogue's, where more is known. */
  readonly advice?: string | undefined;
}

/** One look at one thing: what is to be said of it when nothing is raised, and every condition that it can be in. */
export interface Look {
  readonly check: CheckName;
  readonly subject?: string;
  readonly normal: { readonly state: 'ok' | 'unknown'; readonly detail: string };
  readonly conditions: readonly Condition[];
}

/** Whether a code is raised already: thresholds to leave it are others than those to enter it. */
export type IsRaised = (code: FaultCode, subject?: string) => boolean;
