import {
  partsOf,
  registerCountOf,
  type MeterProfile,
  type ProfilePoint,
  type RegisterField,
  type RegisterPart,
} from '../contract/index.ts';
import { lintAmounts } from './lint-amounts.ts';
import { lintRequests } from './lint-requests.ts';
import { obisRule } from './obis-rules.ts';
import type { Locate, Path, Problem } from '../strict-yaml/index.ts';

/** What a profile of the right shape may still have wrong. Pure; golden vectors are checked in check-vectors.ts. */
export function lintProfile(profile: MeterProfile, locate: Locate): Problem[] {
  const { points, quality = [] } = profile;
  return [
    ...namedParts(profile).flatMap(({ path, part }) => lintPart(part, path, locate)),
    ...points.flatMap((point, index) => lintPoint(point, index, points, locate)),
    ...points.flatMap((point, index) => lintAmounts(point, ['points', index], locate)),
    ...lintRequests(profile, locate),
    ...quality.flatMap((rule, index) =>
      (rule.affects ?? []).flatMap((obis, i) =>
        points.some((point) => point.obis === obis)
          ? []
          : [locate(['quality', index, 'affects', i], `the profile has no point ${obis}`)],
      ),
    ),
    ...lintCoverage(profile, locate),
  ];
}

/** Every register or run of registers that the file names, and where. */
function namedParts(profile: MeterProfile): { path: Path; part: RegisterPart }[] {
  return namedFields(profile).flatMap(({ path, field }) => {
    const { lowPart, decimalExponentFrom } = field as Partial<ProfilePoint>;
    return [
      { path, part: field },
      ...(lowPart === undefined ? [] : [{ path: [...path, 'lowPart'], part: lowPart }]),
      ...(decimalExponentFrom === undefined
        ? []
        : [{ path: [...path, 'decimalExponentFrom'], part: decimalExponentFrom }]),
    ];
  });
}

function namedFields(profile: MeterProfile): { path: Path; field: RegisterField }[] {
  const { identity, probe = [], points, quality = [] } = profile;
  return [
    ...(identity.serial === undefined ? [] : [{ path: ['identity', 'serial'], field: identity.serial }]),
    ...(identity.firmware === undefined
      ? []
      : [{ path: ['identity', 'firmware'], field: identity.firmware }]),
    ...probe.map((field, index) => ({ path: ['probe', index], field })),
    ...points.map((field, index) => ({ path: ['points', index], field })),
    ...quality.map((field, index) => ({ path: ['quality', index], field })),
  ];
}

const INTEGER = /^[us](16|32|48|64)$/;

function lintPart(part: RegisterPart, path: Path, locate: Locate): Problem[] {
  const problems: Problem[] = [];
  const at = (key: string, message: string): number => problems.push(locate([...path, key], message));
  const registers = registerCountOf(part);
  const needsCount = part.type === 'bcd' || part.type === 'string';
  if (needsCount && part.registerCount === undefined) {
    at('registerCount', `is missing: a ${part.type} has no length of its own`);
  }
  if (!needsCount && part.registerCount !== undefined) {
    at('registerCount', `is given by the type ${part.type}: ${registers}`);
  }
  if (part.registerAddress + registers > 0x10000) {
    at('registerAddress', 'the field ends beyond register 65535');
  }
  for (const [index, content] of (part.absent ?? []).entries()) {
    if (content.length !== 2 + 4 * registers) {
      problems.push(locate([...path, 'absent', index], `must have ${4 * registers} digits after 0x`));
    }
  }
  const { bitField, lowPart } = part as RegisterField;
  if (bitField !== undefined && !INTEGER.test(part.type))
    at('bitField', `a ${part.type} has no bits to take`);
  if (bitField !== undefined && bitField.firstBit + bitField.bitCount > 16 * registers) {
    at('bitField', `ends beyond bit ${16 * registers - 1}`);
  }
  if (lowPart !== undefined && (isNoNumber(part) || isNoNumber(lowPart))) {
    at('lowPart', 'only integers and bcd can be split');
  }
  return problems;
}

function isNoNumber({ type }: RegisterPart): boolean {
  return type !== 'bcd' && !INTEGER.test(type);
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

/** Two values from the same bits; exponents are shared by many points. */
function overlap(a: ProfilePoint, b: ProfilePoint): boolean {
  if (a.table !== b.table) return false;
  return ownParts(a).some((x) => ownParts(b).some((y) => shareBits(x, y)));
}

function ownParts(point: ProfilePoint): RegisterPart[] {
  return partsOf(point).filter((part) => part !== point.decimalExponentFrom);
}

function shareBits(a: RegisterPart, b: RegisterPart): boolean {
  const apart =
    a.registerAddress >= b.registerAddress + registerCountOf(b) ||
    b.registerAddress >= a.registerAddress + registerCountOf(a);
  if (apart) return false;
  if (a.bitField === undefined || b.bitField === undefined || a.registerAddress !== b.registerAddress) {
    return true;
  }
  return (
    a.bitField.firstBit < b.bitField.firstBit + b.bitField.bitCount &&
    b.bitField.firstBit < a.bitField.firstBit + a.bitField.bitCount
  );
}

/** A point that no vector mentions was never checked against anything. */
function lintCoverage(profile: MeterProfile, locate: Locate): Problem[] {
  const { points, identity, quality = [], vectors } = profile;
  const expected = new Set(vectors.flatMap(({ expect }) => Object.keys(expect)));
  const known = new Set<string>(points.map(({ obis }) => obis));
  if (identity.serial !== undefined) known.add('serial');
  if (identity.firmware !== undefined) known.add('firmware');
  if (identity.clock !== undefined) known.add('clock');
  const rules = new Set(quality.map(({ id }) => id));
  return [
    ...quality.flatMap(({ id }, index) =>
      expected.has(id) ? [] : [locate(['quality', index, 'id'], `no vector covers ${id}`)],
    ),
    ...quality.flatMap(({ id }, index) =>
      known.has(id) || quality.findIndex((rule) => rule.id === id) < index
        ? [locate(['quality', index, 'id'], `${id} is there twice`)]
        : [],
    ),
    ...points.flatMap(({ obis }, index) =>
      expected.has(obis) ? [] : [locate(['points', index, 'obis'], `no vector covers ${obis}`)],
    ),
    ...[...known].flatMap((name) =>
      name.includes(':') || expected.has(name) ? [] : [locate(['identity', name], `no vector covers it`)],
    ),
    ...vectors.flatMap(({ expect }, index) =>
      Object.keys(expect).flatMap((name) =>
        known.has(name) || rules.has(name)
          ? []
          : [locate(['vectors', index, 'expect', name], 'the profile has no such value')],
      ),
    ),
  ];
}
