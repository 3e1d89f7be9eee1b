import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SCHEMA_VERSION } from '../../../src/journal/store/sqlite-schema.ts';
import { MIGRATIONS } from '../../../src/sync/outbox/outbox-schema.ts';

it('an update is told the formats that this release really writes', () => {
  const told: unknown = JSON.parse(readFileSync('build/state-formats.json', 'utf8'));
  expect(told).toEqual({ journalFormat: SCHEMA_VERSION, outboxFormat: MIGRATIONS.length });
});
