import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { profileFromText, ProfileError } from '../../../hal/profile/index.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SOURCES = path.join(ROOT, 'hal/profile/models');
const IDS = readdirSync(SOURCES).map((file) => path.basename(file, '.yaml'));

/** As the build wrote it (test/support/build-product.ts builds before the tests). */
const built = (id: string) => readFileSync(path.join(ROOT, 'dist/models', `${id}.yaml`), 'utf8');
const source = (id: string) => readFileSync(path.join(SOURCES, `${id}.yaml`), 'utf8');

describe('a built profile', () => {
  it.each(IDS)('of %s says what its source says', (id) => {
    expect(built(id)).toMatch(/^\{/);
    expect(profileFromText(built(id), id)).toEqual(profileFromText(source(id), id));
  });

  it('is refused with the line of the problem, as its source would be', () => {
    const text = JSON.stringify(JSON.parse(built('abb-b23')), null, 1);
    const renamed = text.replace('"unitId"', '"unitID"');
    expect(problemsOf(renamed)).toContainEqual(
      expect.objectContaining({ line: lineOf(renamed, '"unitID"'), path: 'link.unitID' }),
    );
  });

  it('is refused when it makes no sense, though its shape is right', () => {
    const odd = built('abb-b23').replace('"unit":"Wh"', '"unit":"V"');
    expect(problemsOf(odd)).toContainEqual(expect.objectContaining({ path: 'points[0].unit' }));
  });

  it('with a key twice is refused: JSON alone would take the last one', () => {
    const twice = built('abb-b23').replace('"unitId":', '"unitId":2,"unitId":');
    expect(problemsOf(twice)).not.toEqual([]);
  });
});

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}

function problemsOf(text: string): unknown {
  try {
    profileFromText(text, 'abb-b23');
    return [];
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.details['problems'];
  }
}
