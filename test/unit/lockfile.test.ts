import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type LockedPackage, tarballUrl, withPlaces } from '../../build/lockfile.ts';

const text = readFileSync(path.resolve(import.meta.dirname, '../../package-lock.json'), 'utf8');

const packages = Object.entries(
  (JSON.parse(text) as { packages: Record<string, LockedPackage> }).packages,
).filter(([folder]) => folder !== '');

describe('package-lock.json', () => {
  it('names the public registry and a SHA-512 for every package (otherwise: npm run lockfile)', () => {
    expect(packages.length).toBeGreaterThan(400);
    const wrong = packages.filter(
      ([folder, entry]) =>
        entry.resolved !== tarballUrl(folder, entry) || !/^sha512-[\w+/]{86}==$/.test(entry.integrity ?? ''),
    );
    expect(wrong.map(([folder, { resolved }]) => `${folder} ${resolved}`)).toEqual([]);
  });

  it('gets its places back, byte by byte, where npm has left them out', () => {
    const stripped = text.replaceAll(/^ +"resolved": .*\n/gm, '');
    expect(stripped).not.toContain('resolved');
    expect(withPlaces(stripped)).toBe(text);
  });

  it('names what an alias stands for, and a package by its scope', () => {
    const alias = { name: 'empty-npm-package', version: '1.0.0' };
    expect(tarballUrl('node_modules/@polkadot/types-support', alias)).toBe(
      'https://registry.npmjs.org/empty-npm-package/-/empty-npm-package-1.0.0.tgz',
    );
    expect(tarballUrl('node_modules/mqtt/node_modules/@a/b', { version: '2.0.0' })).toBe(
      'https://registry.npmjs.org/@a/b/-/b-2.0.0.tgz',
    );
  });
});
