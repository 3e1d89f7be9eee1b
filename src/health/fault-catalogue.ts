import { CONFIGURATION_FAULTS } from './faults-of-configuration.ts';
import { METER_FAULTS, STORAGE_FAULTS } from './faults-of-evidence.ts';
import { HOST_FAULTS, LINK_FAULTS } from './faults-of-surroundings.ts';
import type { FaultEntry } from './fault-entry.ts';

/** Every condition that the health list can show, by its stable code. docs/faults.md repeats it, checked by a test. */
export const FAULTS = {
  ...CONFIGURATION_FAULTS,
  ...METER_FAULTS,
  ...STORAGE_FAULTS,
  ...HOST_FAULTS,
  ...LINK_FAULTS,
} as const satisfies Readonly<Record<string, FaultEntry>>;

export type FaultCode = keyof typeof FAULTS;

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text);
}

export function faultOf(code: FaultCode): FaultEntry {
  return FAULTS[code];
}
