import { readFileSync, writeFileSync } from 'node:fs';
import { toJsonSchema } from '@valibot/to-json-schema';
import { expect, it } from 'vitest';
import { PROFILE_FILE } from '../../../hal/profile/schema.ts';

it('the JSON Schema of profiles is generated from the code (UPDATE_GOLDEN=1 writes it)', () => {
  const generated = toJsonSchema(PROFILE_FILE, {
    target: 'draft-2020-12',
    // Checks that a schema cannot express are the lint's.
    ignoreActions: ['check', 'transform', 'readonly'],
  });
  const text = `${JSON.stringify({ ...generated, title: 'Meter profile' }, null, 2)}\n`;
  const file = new URL('../../../hal/profile/meter-profile.schema.json', import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(text));
});
