import type {
  AbsentByType,
  FixedLengthType,
  MeterProfile,
  ProfilePoint,
  RegisterField,
  RegisterPart,
} from '../contract/index.ts';
import { parseStrictYaml, type StrictYaml } from '../strict-yaml/index.ts';
import { PROFILE_FILE } from './schema.ts';

/**
 * YAML text to a profile of the right shape, in which every field says for itself what "no value" is. Never throws: what is
 * wrong is in `problems`.
 */
export function parseProfile(text: string): StrictYaml<MeterProfile> {
  const parsed = parseStrictYaml(text, PROFILE_FILE);
  return parsed.value === undefined ? parsed : { ...parsed, value: resolved(parsed.value) };
}

/** `absentByType` handed down to the fields that list no contents of their own. */
function resolved(profile: MeterProfile): MeterProfile {
  const byType = profile.absentByType;
  if (byType === undefined) return profile;
  const { identity, probe, points, quality } = profile;
  return {
    ...profile,
    identity: {
      ...identity,
      ...(identity.serial === undefined ? {} : { serial: field(identity.serial, byType) }),
      ...(identity.firmware === undefined ? {} : { firmware: field(identity.firmware, byType) }),
    },
    ...(probe === undefined ? {} : { probe: probe.map((rule) => field(rule, byType)) }),
    ...(quality === undefined ? {} : { quality: quality.map((rule) => field(rule, byType)) }),
    points: points.map((point) => field(point, byType)),
  };
}

function field<Field extends RegisterField>(given: Field, byType: AbsentByType): Field {
  const { lowPart, decimalExponentFrom } = given as Field & Partial<ProfilePoint>;
  return {
    ...part(given, byType),
    ...(lowPart === undefined ? {} : { lowPart: part(lowPart, byType) }),
    ...(decimalExponentFrom === undefined ? {} : { decimalExponentFrom: part(decimalExponentFrom, byType) }),
  };
}

function part<Part extends RegisterPart>(given: Part, byType: AbsentByType): Part {
  const absent = given.absent ?? byType[given.type as FixedLengthType];
  return absent === undefined ? given : { ...given, absent };
}
