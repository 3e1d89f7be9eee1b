import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { archiveOf, refuseAnotherContent, tarOfRelease } from '../../build/release/make-release.js';
import { parsePin, PIN_FILE, type Pin, pinOf, pinText } from '../../build/release/pin.js';
import { collectRelease } from '../../build/release/release-files.js';
import { type ArchivedFile, tarOf } from '../../build/release/tar.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a tar archive of ours', () => {
  const files = new Map<string, ArchivedFile>([
    ['b/program', { content: Buffer.from('#!/bin/sh\n'), executable: true }],
    ['b/a', { content: Buffer.alloc(513, 7) }],
    ['b/empty', { content: Buffer.alloc(0) }],
    [`${'long/'.repeat(25)}name`, { content: Buffer.from('far down') }],
  ]);

  it('is the very archive that GNU tar makes of the same files', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-tar-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    execFileSync('tar', ['-x', '-p', '-C', folder], { input: tarOf(files, { mtimeSeconds: 0 }) });
    const names = [...files.keys()].sort();
    expect(readFileSync(path.join(folder, 'b/a')).equals(Buffer.alloc(513, 7))).toBe(true);
    const options = ['--format=ustar', '--owner=root:0', '--group=root:0', '--mtime=@0', '-C', folder];
    expect(execFileSync('tar', ['-c', ...options, ...names]).equals(tarOf(files, { mtimeSeconds: 0 }))).toBe(
      true,
    );
  });

  it('does not depend on the order in which it is given the files', () => {
    const backwards = new Map([...files].reverse());
    expect(tarOf(backwards, { mtimeSeconds: 0 }).equals(tarOf(files, { mtimeSeconds: 0 }))).toBe(true);
  });

  it('refuses a name that it could only shorten', () => {
    const long = new Map([['x'.repeat(101), { content: Buffer.alloc(0) }]]);
    expect(() => tarOf(long, { mtimeSeconds: 0 })).toThrow(RangeError);
  });
});

describe('the source release', () => {
  let files: ReadonlyMap<string, ArchivedFile>;
  let name: string;
  let version: string;
  const has = (file: string): boolean => files.has(`${name}/${file}`);
  const text = (file: string): string => files.get(`${name}/${file}`)?.content.toString() ?? '';

  beforeAll(async () => {
    ({ name, version, files } = await collectRelease());
  }, 120_000);

  it('has all that an image is built from, and nothing of the layer that builds it', () => {
    const needed = [
      ...['LICENSE', 'release.json', 'docs/example-station.yaml', 'systemd/delmonicos.service'],
      ...['bundle/delmonicos.js', 'bundle/gateway.js', 'bundle/verifier.html', 'bundle/bin/delmonicos'],
      ...['bundle/licenses/sbom.cdx.json', 'bundle/models/abb-b23.yaml', 'bundle/state-formats.json'],
      ...['x64', 'arm64', 'armv7'].map((arch) => `addons/${arch}/serialport.node`),
      ...['better-sqlite3/Makefile', 'better-sqlite3/src/better_sqlite3.cpp', 'better-sqlite3/LICENSE'],
      ...['better-sqlite3/deps/sqlite3/sqlite3.c', 'unix-datagram/Makefile', 'unix-datagram/unix-datagram.c'],
    ];
    expect(needed.filter((file) => !has(file))).toEqual([]);
    const strange = [...files.keys()].filter((file) =>
      /yocto|node_modules|\.map$|\.o$|better_sqlite3\.node/.test(file),
    );
    expect(strange).toEqual([]);
    expect([...files.keys()].every((file) => file.startsWith(`${name}/`) && !file.includes('..'))).toBe(true);
  });

  it('has every source that better-sqlite3 includes', () => {
    const sources = [...files.keys()].filter((file) => /better-sqlite3\/src\/.*\.[ch]pp$/.test(file));
    expect(sources.length).toBeGreaterThan(10);
    for (const source of sources) {
      const includes = [...(files.get(source)?.content.toString() ?? '').matchAll(/^#include "(.+)"/gm)];
      for (const [, included] of includes) {
        const there = path.posix.join(path.posix.dirname(source), included ?? '');
        expect(files.has(there), `${source} includes ${included}`).toBe(true);
      }
    }
  });

  it('tells no path of the machine that it was made on', () => {
    const telling = [...files].filter(([, { content }]) => content.includes(ROOT)).map(([file]) => file);
    expect(telling).toEqual([]);
  });

  it('says what each of its files hashes to', () => {
    const { sha256: hashes } = JSON.parse(text('release.json')) as { sha256: Record<string, string> };
    const found = [...files].map(
      ([file, { content }]) => [file.slice(name.length + 1), sha256(content)] as const,
    );
    expect(hashes).toEqual(Object.fromEntries(found.filter(([file]) => file !== 'release.json')));
  });

  it('makes programs executable and nothing else', () => {
    const executable = [...files].filter(([, { executable: is }]) => is === true).map(([file]) => file);
    expect(executable).toContain(`${name}/bundle/bin/delmonicos`);
    expect(executable.filter((file) => !/\/bin\/|delmonicos\.js$|\/systemd\//.test(file))).toEqual([]);
  });

  it('is the same archive whatever order the files come in, and holds each of them once', () => {
    const tar = tarOfRelease(files);
    expect(tarOfRelease(new Map([...files].reverse())).equals(tar)).toBe(true);
    const listed = execFileSync('tar', ['-t'], { input: tar, encoding: 'utf8' }).trim().split('\n');
    expect(listed.sort()).toEqual([...files.keys()].sort());
  });

  it('is what the recipe is pinned to, if it is that release', () => {
    const pinned = existsSync(PIN_FILE) ? parsePin(readFileSync(PIN_FILE, 'utf8')) : undefined;
    // A version under development changes, and leaves the recipe at the release before it.
    if (pinned?.version !== version) return expect(version).toMatch(/^\d+\.\d+\.\d+(-dev)?$/);
    expect(sha256(tarOfRelease(files)), 'npm run release -- --pin').toBe(pinned.tarSha256);
  });
});

describe('the pin of a release', () => {
  const files = new Map<string, ArchivedFile>([
    ['product-1.2.3/LICENSE', { content: Buffer.from('do as you like') }],
    ['product-1.2.3/bundle/licenses/a.txt', { content: Buffer.from('do not') }],
    ['product-1.2.3/bundle/licenses/sbom.cdx.json', { content: Buffer.from('{}') }],
  ]);
  const pin = pinOf('1.2.3', archiveOf(files));

  it('names the archive, the tar inside, and each licence as bitbake does', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-pin-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const { archive } = archiveOf(files);
    writeFileSync(path.join(folder, 'a.tar.gz'), archive);
    const command = (line: string) =>
      execFileSync('sh', ['-c', line], { cwd: folder, encoding: 'utf8' }).split(' ')[0];
    expect(pin.archiveSha256).toBe(command('sha256sum a.tar.gz'));
    expect(pin.tarSha256).toBe(command('gzip -dc a.tar.gz | sha256sum'));
    expect(pin.licenses['LICENSE']).toBe(command('tar -xzOf a.tar.gz product-1.2.3/LICENSE | md5sum'));
    expect(Object.keys(pin.licenses)).toEqual(['LICENSE', 'bundle/licenses/a.txt']);
  });

  it('is read back from the file that the recipe requires', () => {
    expect(parsePin(pinText(pin))).toEqual(pin);
    expect(parsePin('# nothing')).toBeUndefined();
  });

  it('is not written for a version under development', () => {
    expect(() => pinText({ ...pin, version: '1.2.4-dev' })).toThrow(/no release/);
  });

  it('does not take another content under a version that is out', () => {
    const other: Pin = { ...pin, tarSha256: sha256(Buffer.from('other')) };
    expect(() => refuseAnotherContent(other, pin)).toThrow(/never changes/);
    expect(() => refuseAnotherContent({ ...other, version: '1.2.4' }, pin)).not.toThrow();
    // Compressed by another zlib: the same release.
    expect(() => refuseAnotherContent({ ...pin, archiveSha256: other.tarSha256 }, pin)).not.toThrow();
    expect(() => refuseAnotherContent(pin, undefined)).not.toThrow();
  });
});
