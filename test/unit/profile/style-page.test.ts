import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ProfileVector } from '../../../hal/contract/index.ts';
import { decodeVector } from '../../../hal/driver/modbus/index.ts';
import { loadProfile } from '../../../hal/profile/index.ts';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/meter-profiles.md', ROOT), 'utf8');

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function keysOf({ properties = {}, items }: SchemaNode): string[] {
  const own = Object.entries(properties).flatMap(([key, child]) => [key, ...keysOf(child)]);
  return items === undefined ? own : [...own, ...keysOf(items)];
}

/** Keys that say by their name and their description all there is to say. */
const PLAIN = new Set(
  'maker model description protocol title url edition baudRate parity dataBits stopBits unitId source request response from to oneOf format'.split(
    ' ',
  ),
);

it('the style page of profiles explains every key that needs it', () => {
  const schema = JSON.parse(
    readFileSync(new URL('hal/profile/meter-profile.schema.json', ROOT), 'utf8'),
  ) as SchemaNode;
  const keys = [...new Set(keysOf(schema))].filter((key) => !PLAIN.has(key) && !/^[usf]\w*\d\d$/.test(key));
  expect(keys.length).toBeGreaterThan(30);
  expect(keys.filter((key) => !new RegExp(`\`[^\`\\n]*\\b${key}\\b`).test(PAGE))).toEqual([]);
});

it('the example vector of the style page decodes to what it says', async () => {
  const [, yaml = ''] = /```yaml\n(vectors:[^`]*)```/.exec(PAGE) ?? [];
  const { vectors } = parse(yaml) as { vectors: ProfileVector[] };
  const profile = await loadProfile('eastron-sdm630');
  expect(vectors.length).toBe(1);
  for (const vector of vectors) expect(decodeVector(profile, vector)).toEqual(vector.expect);
});
