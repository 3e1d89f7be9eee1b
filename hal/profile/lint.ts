import {
  registerCountOf,
  type MeterProfile,
  type ProfilePoint,
  type RegisterField,
} from '../contract/index.ts';
import { obisRule } from './obis-rules.ts';
import type { Locate, Path, Problem } from '../strict-yaml/index.ts';

/** What a profile of the right shape may still have wrong. Pure; golden vectors are checked in check-vectors.ts. */
export function lintProfile(profile: MeterProfile, locate: Locate): Problem[] {
  const fields = namedFields(profile);
  return [
    ...fields.flatMap(({ path, field }) => lintField(field, path, profile, locate)),
    ...profile.points.flatMap((point, index) => lintPoint(point, index, profile.points, locate)),
    ...lintCoverage(profile, locate),
  ];
}

function namedFields({ identity, probe, points }: MeterProfile): { path: Path; field: RegisterField }[] {
  return [
    { path: ['identity', 'serial'], field: identity.serial },
    ...(identity.firmware === undefined
      ? []
      : [{ path: ['identity', 'firmware'], field: identity.firmware }]),
    ...(probe ?? []).map((field, index) => ({ path: ['probe', index], field })),
    ...points.map((field, index) => ({ path: ['points', index], field })),
  ];
}

function lintField(field: RegisterField, path: Path, profile: MeterProfile, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const registers = registerCountOf(field);
  const needsCount = field.type === 'bcd' || field.type === 'string';
  if (needsCount && field.registerCount === undefined) {
    problems.push(locate([...path, 'registerCount'], `is missing: a ${field.type} has no length of its own`));
  }
  if (!needsCount && field.registerCount !== undefined) {
    problems.push(locate([...path, 'registerCount'], `is given by the type ${field.type}: ${registers}`));
  }
  if (field.registerAddress + registers > 0x10000) {
    problems.push(locate([...path, 'registerAddress'], 'the field ends beyond register 65535'));
  }
  if (registers > profile.link.maxRegistersPerRead) {
    problems.push(locate(path, `needs ${registers} registers, but maxRegistersPerRead is lower`));
  }
  for (const [index, content] of (field.absent ?? []).entries()) {
    if (content.length !== 2 + 4 * registers) {
      problems.push(locate([...path, 'absent', index], `must have ${4 * registers} digits after 0x`));
    }
  }
  return problems;
}

function lintPoint(
  point: ProfilePoint,
  index: number,
  points: readonly ProfilePoint[],
  locate: Locate,
): Problem[] {
  const at = (key: string, message: string): Problem => locate(['points', index, key], message);
  const problems: Problem[] = [];
  const earlier = points.slice(0, index);
  if (earlier.some(({ obis }) => obis === point.obis)) {
    problems.push(at('obis', `${point.obis} is there twice`));
  }
  const overlapped = earlier.find((other) => overlap(point, other));
  if (overlapped !== undefined) {
    problems.push(at('registerAddress', `overlaps the registers of ${overlapped.obis}`));
  }
  if (point.type === 'string') problems.push(at('type', 'a measured quantity is no text'));
  const rule = obisRule(point.obis);
  if (rule === undefined) return problems;
  if (point.unit !== rule.unit) problems.push(at('unit', `${point.obis} is measured in ${rule.unit}`));
  if (rule.direction === 'none' && point.direction !== undefined) {
    problems.push(at('direction', `${point.obis} has no direction`));
  }
  if (rule.direction === 'either' && point.direction === undefined) {
    problems.push(at('direction', 'is missing: say what a positive value means'));
  }
  if ((rule.direction === 'import' || rule.direction === 'export') && point.direction !== rule.direction) {
    problems.push(at('direction', `must be ${rule.direction}: that is what ${point.obis} counts`));
  }
  return problems;
}

function overlap(a: RegisterField, b: RegisterField): boolean {
  return (
    a.table === b.table &&
    a.registerAddress < b.registerAddress + registerCountOf(b) &&
    b.registerAddress < a.registerAddress + registerCountOf(a)
  );
}

/** A point that no vector mentions was never checked against anything. */
function lintCoverage({ points, identity, vectors }: MeterProfile, locate: Locate): Problem[] {
  const expected = new Set(vectors.flatMap(({ expect }) => Object.keys(expect)));
  const known = new Set<string>(['serial', ...points.map(({ obis }) => obis)]);
  if (identity.firmware !== undefined) known.add('firmware');
  return [
    ...points.flatMap(({ obis }, index) =>
      expected.has(obis) ? [] : [locate(['points', index, 'obis'], `no vector covers ${obis}`)],
    ),
    ...[...known].flatMap((name) =>
      name.includes(':') || expected.has(name) ? [] : [locate(['identity', name], `no vector covers it`)],
    ),
    ...vectors.flatMap(({ expect }, index) =>
      Object.keys(expect).flatMap((name) =>
        known.has(name) ? [] : [locate(['vectors', index, 'expect', name], 'the profile has no such value')],
      ),
    ),
  ];
}
