import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rmSync } from 'node:fs';
import { BuildError } from '../../../build/build-error.js';
import { licenseText, sqliteLicense } from '../../../build/licenses.js';
import { rustCrates } from '../../../build/rust-crates.js';
import { cycloneDx, npmUrl } from '../../../build/sbom.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SHIPPED = { name: 'left-pad', version: '1.0.0', license: 'MIT', integrity: undefined, uses: [] };

describe('what the bundle says of licences', () => {
  it('is not built with a package whose licence has no text', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'delmonicos-licence-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(() => licenseText({ ...SHIPPED, folder })).toThrow(BuildError);
    writeFileSync(path.join(folder, 'LICENSE'), ' \n');
    expect(() => licenseText({ ...SHIPPED, folder })).toThrow(BuildError);
    writeFileSync(path.join(folder, 'LICENSE.md'), 'Permission is hereby granted\r\n');
    writeFileSync(path.join(folder, 'LICENSE'), 'MIT');
    writeFileSync(path.join(folder, 'NOTICE'), 'Parts are by others');
    expect(licenseText({ ...SHIPPED, folder })).toBe(
      'left-pad 1.0.0\nMIT\n\nMIT\n\nPermission is hereby granted\n\nParts are by others\n',
    );
  });

  it("takes SQLite's dedication and version out of its header, and fails where it finds none", () => {
    const header = readFileSync(
      path.join(ROOT, 'node_modules/better-sqlite3/deps/sqlite3/sqlite3.h'),
      'utf8',
    );
    const { version, text } = sqliteLicense(header);
    expect(version).toMatch(/^3\.\d+\.\d+$/);
    expect(text).toContain('The author disclaims copyright to this source code');
    expect(text).not.toContain('**');
    expect(() => sqliteLicense(header.replace('disclaims', 'claims'))).toThrow(BuildError);
    expect(() => sqliteLicense(header.replace('SQLITE_VERSION ', 'SQLITE_V '))).toThrow(BuildError);
  });

  it('finds the Rust crates that a compiled file names, each version once', () => {
    const compiled = Buffer.from(
      '\0/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/rand_core-0.6.4/src/lib.rs\xff' +
        '/home/a/.cargo/registry/src/github.com-1ecc6299db9ec823/sha2-0.10.9/src/a.rs' +
        '/home/a/.cargo/registry/src/github.com-1ecc6299db9ec823/sha2-0.9.9/src/b.rs' +
        '/home/a/.cargo/registry/src/github.com-1ecc6299db9ec823/sha2-0.9.9/src/c.rs' +
        '/home/a/.cargo/registry/src/x/wasi-0.11.0+wasi-snapshot-preview1/src/c.rs' +
        '/home/a/src/own-1.2.3/src/lib.rs',
      'latin1',
    );
    expect(rustCrates(compiled).map(({ name, version }) => `${name} ${version}`)).toEqual([
      'rand_core 0.6.4',
      'sha2 0.10.9',
      'sha2 0.9.9',
      'wasi 0.11.0+wasi-snapshot-preview1',
    ]);
  });

  it('writes a scoped package, an expression and a plain licence as CycloneDX has them', () => {
    const scoped = { name: '@scope/part', version: '2.0.0' };
    const bom = cycloneDx({
      product: { name: 'thing', version: '1.0.0-dev', license: 'Apache-2.0' },
      parts: [
        { ref: npmUrl(scoped), named: scoped, license: 'MIT', uses: ['pkg:npm/b@1.0.0'] },
        {
          ref: 'pkg:npm/b@1.0.0',
          named: { name: 'b', version: '1.0.0' },
          license: 'GPL-3.0-or-later WITH X',
          uses: [],
        },
      ],
      uses: [npmUrl(scoped)],
    });
    expect(bom['components']).toMatchObject([
      {
        'bom-ref': 'pkg:npm/%40scope/part@2.0.0',
        group: '@scope',
        name: 'part',
        licenses: [{ license: { id: 'MIT' } }],
      },
      { 'bom-ref': 'pkg:npm/b@1.0.0', name: 'b', licenses: [{ expression: 'GPL-3.0-or-later WITH X' }] },
    ]);
    expect(bom['dependencies']).toEqual([
      { ref: 'pkg:generic/thing@1.0.0-dev', dependsOn: ['pkg:npm/%40scope/part@2.0.0'] },
      { ref: 'pkg:npm/%40scope/part@2.0.0', dependsOn: ['pkg:npm/b@1.0.0'] },
      { ref: 'pkg:npm/b@1.0.0', dependsOn: [] },
    ]);
  });
});
