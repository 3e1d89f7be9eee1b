import type { FaultCode } from './fault-catalogue.ts';

/** What is looked at; `subject` says which one where there are several. */
export const CHECKS = [
  'configuration',
  'service',
  'meter',
  'line',
  'journal',
  'disk',
  'flash',
  'clock',
  'memory',
  'key',
  'chain',
  'broker',
  'control',
] as const;
export type CheckName = (typeof CHECKS)[number];

/** From good to bad. `unknown`: it was not, or cannot be looked at now. */
export const HEALTH_STATES = ['ok', 'unknown', 'warning', 'fault'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface HealthItem {
  readonly check: CheckName;
  readonly subject?: string;
  readonly state: HealthState;
  /** Of the catalogue (docs/faults.md); null for what is ok or unknown. */
  readonly code: FaultCode | null;
  /** For people, of this moment: it may differ from look to look while nothing has changed. */
  readonly detail: string;
  /** Since when it is so, in ms since boot; null: nobody watched. */
  readonly sinceMs: number | null;
  /** One sentence for whoever can act on it; null where there is nothing to do. */
  readonly advice: string | null;
}

/** Worst of all; `ok` for an empty list. */
export function worstState(items: readonly Pick<HealthItem, 'state'>[]): HealthState {
  return items.reduce<HealthState>((worst, { state }) => (rank(state) > rank(worst) ? state : worst), 'ok');
}

/** Faults first, then warnings, then what is not known, then what is good; each in the order that it came in. */
export function worstFirst(items: readonly HealthItem[]): HealthItem[] {
  return [...items].sort((one, other) => rank(other.state) - rank(one.state));
}

/** `meter evse1`, or `disk`. */
export function nameOf({ check, subject }: Pick<HealthItem, 'check' | 'subject'>): string {
  return subject === undefined ? check : `${check} ${subject}`;
}

/** What makes a list another one: not its figures. */
export function newsOf(items: readonly HealthItem[]): string {
  return JSON.stringify(items.map((item) => [nameOf(item), item.state, item.code]));
}

function rank(state: HealthState): number {
  return HEALTH_STATES.indexOf(state);
}
