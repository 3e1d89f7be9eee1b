import type { MeterProfile } from '../contract/index.ts';
import { checkVectors, type VectorDecoder } from './check-vectors.ts';
import { lintProfile } from './lint.ts';
import type { Problem } from '../strict-yaml/index.ts';
import { parseProfile } from './parse-profile.ts';

export interface ProfileCheck {
  readonly ok: boolean;
  /** Present when the text has the shape of a profile, even if something is wrong with it. */
  readonly profile: MeterProfile | undefined;
  readonly problems: readonly Problem[];
}

/** Everything that can be checked without a meter: shape, sense, and the golden vectors. Never throws. */
export function checkProfile(text: string, decode: VectorDecoder): ProfileCheck {
  const { value: profile, problems: malformed, locate } = parseProfile(text);
  if (profile === undefined) return { ok: false, profile, problems: malformed };
  const problems = [...lintProfile(profile, locate), ...checkVectors(profile, decode, locate)].sort(
    (a, b) => a.line - b.line,
  );
  return { ok: problems.length === 0, profile, problems };
}
