import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseStationConfig, STATION_JSON_SCHEMA } from '../../src/config/index.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

function leafKeys(node: SchemaNode, at: string): string[] {
  if (node.items !== undefined) return leafKeys(node.items, `${at}[]`);
  if (node.properties === undefined) return [at];
  return Object.entries(node.properties).flatMap(([key, child]) =>
    leafKeys(child, at === '' ? key : `${at}.${key}`),
  );
}

describe('the documentation', () => {
  it('explains every configuration key, and no other', () => {
    const documented = [...read('docs/configuration.md').matchAll(/^\| `([a-zA-Z0-9.[\]]+)` +\|/gm)].map(
      (match) => match[1],
    );
    expect(documented.sort()).toEqual(leafKeys(STATION_JSON_SCHEMA as SchemaNode, '').sort());
  });

  it('has an example configuration that is valid', () => {
    const config = parseStationConfig(read('docs/example-station.yaml'));
    expect(config.chain?.transport).toBe('light-client');
    expect(config.meters.length).toBeGreaterThan(0);
  });

  it('lists every stable error code of the product', () => {
    const files = ['src', 'hal'].flatMap((folder) =>
      readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => path.join(folder, file)),
    );
    // Each code of a file of errors, and elsewhere what is thrown or signed as a code on the spot.
    const codes = files.flatMap((file) => {
      const code = /(error|errors)\.ts$/.test(file)
        ? /'([a-z]+\.[a-z0-9_]+)'/g
        : /(?:Error\(|code: )\s*'([a-z]+\.[a-z0-9_]+)'/g;
      return [...read(file).matchAll(code)].map((match) => match[1] ?? '');
    });
    expect(codes.length).toBeGreaterThan(40);
    const page = read('docs/errors.md') + read('docs/faults.md');
    expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
  });

  it('names only files that are there', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md', 'docs/configuration.md', 'docs/architecture.md']) {
      const links = [...read(page).matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1] ?? '');
      for (const link of links.filter((target) => !target.startsWith('http'))) {
        expect(() => readdirSync(path.join(ROOT, path.dirname(page), path.dirname(link)))).not.toThrow();
        const names = readdirSync(path.join(ROOT, path.dirname(page), path.dirname(link)));
        expect(names, `${page} links to ${link}`).toContain(path.basename(link));
      }
    }
  });
});
