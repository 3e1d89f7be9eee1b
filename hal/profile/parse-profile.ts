import type { MeterProfile } from '../contract/index.ts';
import { parseStrictYaml, type StrictYaml } from '../strict-yaml/index.ts';
import { PROFILE_FILE } from './schema.ts';

/** YAML text to a profile of the right shape. Never throws: what is wrong is in `problems`. */
export function parseProfile(text: string): StrictYaml<MeterProfile> {
  return parseStrictYaml(text, PROFILE_FILE);
}
