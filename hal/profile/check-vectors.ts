import { compareDecimal, parseDecimal, type MeterProfile, type ProfileVector } from '../contract/index.ts';
import type { Locate, Problem } from '../strict-yaml/index.ts';

/**
 * What a driver makes of a vector's frames: every field of the profile within them, by OBIS code, `serial` or `firmware`,
 * as `<decimal> <unit>`, text or `absent`. Throws when the frames are not valid.
 */
export type VectorDecoder = (
  profile: MeterProfile,
  vector: Pick<ProfileVector, 'request' | 'response'>,
) => Readonly<Record<string, string>>;

/** Runs every golden vector of the profile through the decoder. Never throws. */
export function checkVectors(profile: MeterProfile, decode: VectorDecoder, locate: Locate): Problem[] {
  return profile.vectors.flatMap((vector, index) => {
    let found: Readonly<Record<string, string>>;
    try {
      found = decode(profile, vector);
    } catch (error) {
      return [locate(['vectors', index], error instanceof Error ? error.message : String(error))];
    }
    return differences(vector.expect, found).map(({ name, message }) =>
      locate(['vectors', index, 'expect', name], message),
    );
  });
}

function differences(expected: Readonly<Record<string, string>>, found: Readonly<Record<string, string>>) {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].flatMap((name) => {
    const [want, got] = [expected[name], found[name]];
    if (want === undefined) return [{ name, message: `is not expected, but the frames hold it: ${got}` }];
    if (got === undefined) return [{ name, message: 'the frames do not hold it' }];
    return sameValue(want, got) ? [] : [{ name, message: `expected ${want}, the frames say ${got}` }];
  });
}

/** `230.20 V` and `230.2 V` are the same value; texts have to be equal. */
function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  const [numberA = '', unitA, ...restA] = a.split(' ');
  const [numberB = '', unitB, ...restB] = b.split(' ');
  if (unitA === undefined || unitA !== unitB || restA.length + restB.length > 0) return false;
  try {
    return compareDecimal(parseDecimal(numberA), parseDecimal(numberB)) === 0;
  } catch {
    return false;
  }
}
