import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeVector } from '../../../hal/driver/modbus/index.ts';
import { checkProfile } from '../../../hal/profile/index.ts';

const SDM630 = readFileSync(
  new URL('../../../hal/profile/models/eastron-sdm630.yaml', import.meta.url),
  'utf8',
);
const IMPORT = '"1-0:1.8.0*255", table';
const EXPORT = '"1-0:2.8.0*255", table';

/** Where the SDM630's profile has problems after these changes to its text. */
function problemsAfter(...changes: readonly (readonly [search: string, replacement: string])[]): string[] {
  const text = changes.reduce((before, [search, replacement]) => {
    expect(before).toContain(search);
    return before.replace(search, replacement);
  }, SDM630);
  return checkProfile(text, decodeVector).problems.map(({ path }) => path);
}

/** More keys for one of the points. */
const withKeys = (point: string, keys: string): [string, string] => [
  point,
  point.replace('table', `${keys}, table`),
];

describe('a profile', () => {
  it('may say all that it knows of a point', () => {
    expect(
      problemsAfter(
        withKeys(IMPORT, 'poll: slow, monotonic: true, rolloverAt: "100000000000", maxRate: "69000"'),
        withKeys('"1-0:32.7.0*255", table', 'range: ["80", "300"], poll: once'),
      ),
    ).toEqual([]);
  });

  it.each([
    [
      'a rollover of what does not count',
      '"1-0:32.7.0*255", table',
      'rolloverAt: "10", maxRate: "1"',
      'points[8].rolloverAt',
    ],
    ['a rate of nothing', IMPORT, 'maxRate: "0"', 'points[0].maxRate'],
    ['a rollover without a rate', IMPORT, 'rolloverAt: "100000000"', 'points[0].maxRate'],
    [
      'a rollover of what may fall',
      IMPORT,
      'monotonic: false, maxRate: "1", rolloverAt: "9"',
      'points[0].rolloverAt',
    ],
    [
      'a range that ends before it begins',
      '"1-0:32.7.0*255", table',
      'range: ["300", "80"]',
      'points[8].range',
    ],
    ['a number that is no decimal text', IMPORT, 'maxRate: 69000', 'points[0].maxRate'],
    ['bits of a float', IMPORT, 'bitField: { firstBit: 0, bitCount: 8 }', 'points[0].bitField'],
    ['a group of one', IMPORT, 'atomicGroup: energy', 'points[0].atomicGroup'],
    ['an unknown poll class', IMPORT, 'poll: sometimes', 'points[0].poll'],
    [
      'an exponent beyond one request',
      IMPORT,
      'decimalExponentFrom: { registerAddress: 0x4000, documentRef: x, type: s16, byteOrder: ABCD }',
      'points[0]',
    ],
  ])('with %s says where', (_name, point, keys, where) => {
    expect(problemsAfter(withKeys(point, keys))).toContain(where);
  });

  it('with a group that no request can hold says so', () => {
    const far: [string, string] = [
      '"1-0:31.7.0*255", table: input',
      '"1-0:31.7.0*255", atomicGroup: energy, table: input',
    ];
    const limit: [string, string] = ['maxRegistersPerRead: 80', 'maxRegistersPerRead: 10'];
    const group = withKeys(IMPORT, 'atomicGroup: energy');
    expect(problemsAfter(group, withKeys(EXPORT, 'atomicGroup: energy'))).toEqual([]);
    expect(problemsAfter(group, far, limit)).toContain('points[0].atomicGroup');
    expect(problemsAfter(group, withKeys(EXPORT, 'atomicGroup: energy, poll: slow'))).toContain(
      'points[0].atomicGroup',
    );
  });

  it('with a point in forbidden registers says so, and with a range that is none', () => {
    const forbid = (from: string, to: string): [string, string] => [
      'maxRegisterHole:',
      `forbiddenRanges: [{ table: input, from: ${from}, to: ${to} }]\n  maxRegisterHole:`,
    ];
    expect(problemsAfter(forbid('0x0049', '0x0049'))).toEqual(['points[0]']);
    expect(problemsAfter(forbid('0x2000', '0x2001'))).toEqual([]);
    expect(problemsAfter(forbid('0x2001', '0x2000'))).toEqual(['link.forbiddenRanges[0]']);
  });

  it('with a quality rule needs a vector for it, and points that there are', () => {
    const rule = (more: string): [string, string] => [
      'vectors:\n',
      `quality:\n  - { id: error, table: input, registerAddress: 0x0400, documentRef: x, type: u16, byteOrder: ABCD, when: ["1"], quality: E${more} }\nvectors:\n`,
    ];
    expect(problemsAfter(rule(''))).toEqual(['quality[0].id']);
    expect(problemsAfter(rule(', affects: ["1-0:99.8.0*255"]'))).toContain('quality[0].affects[0]');
  });

  it('whose contents of "no value" are given by type knows them in every field that lists none', () => {
    const byType: [string, string] = ['points:\n', 'absentByType: { float32: ["0x7F7FFFFF"] }\npoints:\n'];
    const profile = checkProfile(SDM630.replace(...byType), decodeVector).profile;
    expect(profile?.points.map(({ absent }) => absent)).toEqual(profile?.points.map(() => ['0x7F7FFFFF']));
    expect(profile?.identity.serial?.absent).toBeUndefined();
    expect(problemsAfter(byType)).toEqual([]);
    expect(problemsAfter(['points:\n', 'absentByType: { float32: ["0x7F7F"] }\npoints:\n'])).toContain(
      'points[0].absent[0]',
    );
  });
});
