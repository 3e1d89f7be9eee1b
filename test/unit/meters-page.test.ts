import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeVector } from '../../hal/driver/modbus/index.ts';
import { checkProfile } from '../../hal/profile/index.ts';
import { modelRows } from '../support/meters/model-list.ts';

const PAGE = readFileSync(path.resolve(import.meta.dirname, '../../docs/meters.md'), 'utf8');

describe('docs/meters.md', () => {
  it('lists the models known, and no other', async () => {
    const listed = PAGE.slice(PAGE.indexOf('## Models known'))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.replace(/ +/g, ' ').trim());
    const known = await modelRows();
    expect(known.length).toBeGreaterThan(20);
    expect(listed, 'npx tsx test/support/meters/model-list.ts writes it anew').toEqual(known);
  });

  it('has an example of a profile that is good, vectors and all', () => {
    const [, example = ''] = /```yaml\n(id: acme-m3\n[\s\S]*?)```/.exec(PAGE) ?? [];
    const { ok, profile, problems } = checkProfile(example, decodeVector);
    expect(problems).toEqual([]);
    expect(ok).toBe(true);
    expect(profile?.points.length).toBe(3);
  });

  it('explains every code with which reading a meter can fail', () => {
    const source = readFileSync(
      path.resolve(import.meta.dirname, '../../hal/contract/meter-error.ts'),
      'utf8',
    );
    const codes = [...source.matchAll(/'((?:meter|line)\.[a-z_]+)'/g)].map((match) => match[1] ?? '');
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !PAGE.includes(`| \`${code}\``))).toEqual([]);
  });
});
