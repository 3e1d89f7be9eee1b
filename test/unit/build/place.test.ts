import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Files } from '../../../build/bundle.js';
import { placeBeside, placeWhole } from '../../../build/place.js';

const HOUR = 3_600_000;

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'delmonicos-place-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return path.join(made, 'dist');
}

const files = (...names: string[]): Files =>
  new Map(names.map((name) => [name, { content: Buffer.from(name) }]));

describe('where a build puts its files', () => {
  it('keeps the chunks of earlier builds for those that run from them, and drops them after two hours', () => {
    const dist = folder();
    const now = Date.now();
    mkdirSync(dist);
    placeBeside(files('main.js', 'chunk-a.js', 'models/one.yaml', 'models/two.yaml'), dist, now);
    placeBeside(files('main.js', 'chunk-b.js', 'models/one.yaml'), dist, now + HOUR);
    expect(readdirSync(dist).sort()).toEqual(['chunk-a.js', 'chunk-b.js', 'main.js', 'models']);
    placeBeside(files('main.js', 'chunk-c.js', 'models/one.yaml'), dist, now + 2.5 * HOUR);
    expect(readdirSync(dist).sort()).toEqual(['chunk-b.js', 'chunk-c.js', 'main.js', 'models']);
    expect(readdirSync(path.join(dist, 'models'))).toEqual(['one.yaml']);
    placeBeside(files('main.js', 'chunk-b.js', 'models/one.yaml'), dist, now + 4 * HOUR);
    placeBeside(files('main.js', 'chunk-b.js', 'models/one.yaml'), dist, now + 5 * HOUR);
    expect(readdirSync(dist).sort()).toEqual(['chunk-b.js', 'main.js', 'models']);
  });

  it('exchanges a folder whole, with its own permissions whatever the umask is', () => {
    const dist = folder();
    mkdirSync(path.join(dist, 'old'), { recursive: true });
    writeFileSync(path.join(dist, 'old/file'), '');
    placeWhole(files('lib/a.js').set('bin/run', { content: Buffer.from('#!'), executable: true }), dist);
    expect(readdirSync(dist, { recursive: true }).sort()).toEqual(['bin', 'bin/run', 'lib', 'lib/a.js']);
    expect(readFileSync(path.join(dist, 'lib/a.js'), 'utf8')).toBe('lib/a.js');
    const modes = ['.', 'lib', 'lib/a.js', 'bin/run'].map(
      (name) => statSync(path.join(dist, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o755, 0o755, 0o644, 0o755]);
    expect(readdirSync(path.dirname(dist))).toEqual(['dist']);
  });
});
