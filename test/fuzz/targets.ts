import { COMMAND_TARGETS } from './command-target.ts';
import { EVIDENCE_TARGETS } from './evidence-targets.ts';
import { FRAME_TARGET } from './frame-target.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { METER_TARGETS } from './meter-targets.ts';

/** Every parser of the product that reads what somebody else wrote. */
export const TARGETS: readonly FuzzTarget[] = [
  ...METER_TARGETS,
  ...EVIDENCE_TARGETS,
  ...COMMAND_TARGETS,
  FRAME_TARGET,
];
