import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** Everything that a file reaches by its imports, lazy ones included: files as absolute paths, packages by name. */
function reachedFrom(entry: string): Set<string> {
  const seen = new Set<string>();
  const visit = (target: string): void => {
    if (seen.has(target)) return;
    seen.add(target);
    if (!target.endsWith('.ts')) return;
    for (const [, fixed, lazy] of readFileSync(target, 'utf8').matchAll(IMPORT)) {
      const specifier = fixed ?? lazy ?? '';
      visit(specifier.startsWith('.') ? path.resolve(path.dirname(target), specifier) : specifier);
    }
  };
  visit(path.join(ROOT, entry));
  return seen;
}

describe('the core', () => {
  it.each(['src/main.ts', 'src/chain/index.ts', 'src/sync/index.ts'])(
    'reaches no light client, no @polkadot package and no file of the gateway from %s',
    (entry) => {
      const heavy = [...reachedFrom(entry)].filter(
        (target) => /^(@polkadot\/|smoldot|ws$)/.test(target) || target.includes('/src/chain/gateway/'),
      );
      expect(heavy).toEqual([]);
    },
  );

  it('keeps them in the gateway, where they are', () => {
    const reached = reachedFrom('src/chain/gateway/main.ts');
    expect([...reached]).toEqual(expect.arrayContaining(['smoldot', '@polkadot/types']));
  });
});

describe('the gateway', () => {
  it('reaches nothing that knows a key, the journal or the outbox', () => {
    const strangers = [...reachedFrom('src/chain/gateway/main.ts')].filter((target) =>
      /\/src\/(?!chain\/)/.test(target),
    );
    expect(strangers).toEqual([]);
    expect(readdirSync(path.join(ROOT, 'src/chain/gateway')).length).toBeGreaterThan(5);
  });
});
