import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeVector } from '../../../hal/driver/modbus/index.ts';
import {
  checkProfile,
  listProfileIds,
  loadProfile,
  loadProfiles,
  profileFromText,
} from '../../../hal/profile/index.ts';

const MODELS = path.resolve(import.meta.dirname, '../../../hal/profile/models');
const textOf = (id: string): string => readFileSync(path.join(MODELS, `${id}.yaml`), 'utf8');
const SDM630 = textOf('eastron-sdm630');

/** Problems of the SDM630's profile after one change to its text. */
function problemsAfter(search: string | RegExp, replacement: string) {
  const text = SDM630.replace(search, replacement);
  expect(text).not.toBe(SDM630);
  return checkProfile(text, decodeVector).problems;
}
const lineOf = (part: string): number => SDM630.slice(0, SDM630.indexOf(part)).split('\n').length;

describe('every profile', () => {
  it.each(readdirSync(MODELS))(
    '%s has no problem, and its golden vectors decode to what they say',
    (file) => {
      const { ok, problems } = checkProfile(readFileSync(path.join(MODELS, file), 'utf8'), decodeVector);
      expect(problems).toEqual([]);
      expect(ok).toBe(true);
    },
  );

  it('loads by its name', async () => {
    const ids = await listProfileIds();
    expect((await loadProfiles()).map(({ id }) => id)).toEqual(ids);
    expect(ids.length).toBeGreaterThanOrEqual(6);
  });
});

describe('a profile that does not exist', () => {
  it('is refused with the names that could have been meant', async () => {
    await expect(loadProfile('sdm630')).rejects.toMatchObject({
      code: 'profile.unknown',
      details: { near: ['eastron-sdm630', 'eastron-sdm630mct'] },
    });
    await expect(loadProfile('../models/abb-b23')).rejects.toMatchObject({ code: 'profile.unknown' });
  });
});

describe('a profile with a mistake', () => {
  it('names an unknown key, its line and the nearest known key', () => {
    const problems = problemsAfter('maxRegisterHole:', 'maxRegisterHoles:');
    expect(problems).toContainEqual({
      line: lineOf('maxRegisterHole:'),
      column: 3,
      path: 'link.maxRegisterHoles',
      message: 'unknown key; did you mean "maxRegisterHole"?',
    });
  });

  it.each([
    ['an OBIS code twice', '"1-0:2.8.0*255", table', '"1-0:1.8.0*255", table', 'points[1].obis'],
    ['registers that overlap', /0x004A, documentRef/, '0x0049, documentRef', 'points[1].registerAddress'],
    ['a unit that does not fit', 'unit: V,', 'unit: A,', 'points[8].unit'],
    ['export where import is counted', 'direction: import }', 'direction: export }', 'points[0].direction'],
    [
      'no direction of power',
      'unit: W, decimalExponent: 0, direction: import',
      'unit: W, decimalExponent: 0',
      'points[4].direction',
    ],
    [
      'a register count of a u32',
      'type: u32,',
      'type: u32, registerCount: 2,',
      'identity.serial.registerCount',
    ],
    ['an address beyond the last', '0xFC00', '0xFFFF', 'identity.serial.registerAddress'],
    ['a scale that is wrong', 'decimalExponent: 3', 'decimalExponent: 2', 'vectors[1].expect.1-0:1.8.0*255'],
    [
      'a byte order that is wrong',
      'byteOrder: ABCD, unit: Wh',
      'byteOrder: CDAB, unit: Wh',
      'vectors[1].expect.1-0:1.8.0*255',
    ],
    ['a vector with a wrong CRC', '71 cb', '71 cc', 'vectors[0]'],
    [
      'a vector that expects something else',
      '"230.20001 V"',
      '"230.2 V"',
      'vectors[0].expect.1-0:32.7.0*255',
    ],
  ])('with %s says where', (_name, search, replacement, where) => {
    expect(problemsAfter(search, replacement).map(({ path: at }) => at)).toContain(where);
  });

  it('with a point that no vector covers says so', () => {
    const extra =
      '  - { obis: "1-0:91.7.0*255", table: input, registerAddress: 0x00E0, documentRef: "30225", type: float32, byteOrder: ABCD, unit: A, decimalExponent: 0 }\n';
    const problems = problemsAfter('vectors:\n', `${extra}vectors:\n`);
    expect(problems.map(({ message }) => message)).toContain('no vector covers 1-0:91.7.0*255');
  });

  it.each([
    ['broken YAML', 'points: [', 1],
    ['nothing', '', 1],
    ['aliases nested without end', 'a: &a [x]\nb: [*a, *a]\n', 1],
  ])('that is %s is a problem and not a crash', (_name, text) => {
    expect(checkProfile(text, decodeVector)).toMatchObject({ ok: false, profile: undefined });
  });

  it('does not load, and every problem comes with its line', () => {
    expect(() => profileFromText(SDM630, 'another-name')).toThrowError(
      expect.objectContaining({
        code: 'profile.invalid',
        details: expect.objectContaining({ id: 'another-name' }) as unknown,
      }),
    );
  });
});
