import {
  clockSpanOf,
  partsOf,
  registerCountOf,
  spanOf,
  type MeterProfile,
  type ProfilePoint,
  type RegisterField,
  type RegisterSpan,
} from '../contract/index.ts';
import type { Locate, Path, Problem } from '../strict-yaml/index.ts';

/** What one request has to hold: it fits in one, touches nothing forbidden, and bridges no more than the meter allows. */
export function lintRequests(profile: MeterProfile, locate: Locate): Problem[] {
  const { link, identity, probe = [], points, quality = [] } = profile;
  const one = (path: Path, field: RegisterField | undefined): { path: Path; span: RegisterSpan }[] =>
    field === undefined ? [] : [{ path, span: spanOf(field) }];
  const { clock } = identity;
  const spans = [
    ...one(['identity', 'serial'], identity.serial),
    ...one(['identity', 'firmware'], identity.firmware),
    ...(clock === undefined ? [] : [{ path: ['identity', 'clock'] as Path, span: clockSpanOf(clock) }]),
    ...probe.flatMap((rule, index) => one(['probe', index], rule)),
    ...points.flatMap((point, index) => one(['points', index], point)),
    ...quality.flatMap((rule, index) => one(['quality', index], rule)),
  ];
  return [
    ...(link.forbiddenRanges ?? []).flatMap(({ from, to }, index) =>
      from > to ? [locate(['link', 'forbiddenRanges', index], 'from must not be above to')] : [],
    ),
    ...spans.flatMap(({ path, span }) => lintSpan(span, path, profile, locate)),
    ...lintGroups(points, profile, locate),
  ];
}

function lintGroups(points: readonly ProfilePoint[], profile: MeterProfile, locate: Locate): Problem[] {
  const groups = new Map<string, number[]>();
  points.forEach(({ atomicGroup }, index) => {
    if (atomicGroup !== undefined) groups.set(atomicGroup, [...(groups.get(atomicGroup) ?? []), index]);
  });
  return [...groups].flatMap(([name, indexes]) => {
    const members = indexes.flatMap((index) => points[index] ?? []);
    const path: Path = ['points', indexes[0] ?? 0, 'atomicGroup'];
    if (members.length === 1) return [locate(path, `nothing else is in the group ${name}`)];
    if (new Set(members.map(({ table }) => table)).size > 1) {
      return [locate(path, `the group ${name} is in two tables: no request reads both`)];
    }
    if (new Set(members.map(({ poll = 'fast' }) => poll)).size > 1) {
      return [locate(path, `the group ${name} has members of several poll classes`)];
    }
    return lintSpan(around(members), path, profile, locate);
  });
}

function around(fields: readonly RegisterField[]): RegisterSpan {
  const spans = fields.map(spanOf);
  const from = Math.min(...spans.map((span) => span.registerAddress));
  const end = Math.max(...spans.map((span) => span.registerAddress + span.registerCount));
  return { table: spans[0]?.table ?? 'holding', registerAddress: from, registerCount: end - from };
}

function lintSpan(
  { table, registerAddress, registerCount }: RegisterSpan,
  path: Path,
  profile: MeterProfile,
  locate: Locate,
): Problem[] {
  const { maxRegistersPerRead, maxRegisterHole, forbiddenRanges = [] } = profile.link;
  const end = registerAddress + registerCount;
  if (registerCount > maxRegistersPerRead) {
    return [
      locate(path, `needs ${registerCount} registers in one request, but maxRegistersPerRead is lower`),
    ];
  }
  if (forbiddenRanges.some((r) => r.table === table && r.from < end && registerAddress <= r.to)) {
    return [locate(path, 'lies in, or reaches over, registers that link.forbiddenRanges excludes')];
  }
  const listed = listedRegisters(profile, table);
  let hole = 0;
  for (let register = registerAddress; register < end; register++) {
    hole = listed.has(register) ? 0 : hole + 1;
    if (hole > maxRegisterHole) return [locate(path, 'bridges more registers than link.maxRegisterHole')];
  }
  return [];
}

function listedRegisters(profile: MeterProfile, table: string): Set<number> {
  const { identity, probe = [], points, quality = [] } = profile;
  const fields = [identity.serial, identity.firmware, ...probe, ...points, ...quality];
  const listed = new Set<number>();
  const list = (from: number, count: number): void => {
    for (let register = from; register < from + count; register++) listed.add(register);
  };
  for (const field of fields) {
    if (field?.table !== table) continue;
    for (const part of partsOf(field)) list(part.registerAddress, registerCountOf(part));
  }
  if (identity.clock?.table === table) {
    const clock = clockSpanOf(identity.clock);
    list(clock.registerAddress, clock.registerCount);
  }
  return listed;
}
