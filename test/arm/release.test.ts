// The source release on a device: unpacked, its addons made by `make` alone against the target's Node, as the recipe does it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CACHE } from '../../build/fetch-package.js';
import { TARGETS as BUILD_TARGETS } from '../../build/targets.js';
import { tellBundleStory } from './bundle-story.ts';
import { ROOT } from './bundles.ts';
import { chosenTargets, type EmulatedTarget, headersOf } from './emulated-target.ts';

for (const target of chosenTargets(['arm64 Node 22'])) {
  tellBundleStory(`${target.name}, from the release`, target, () => builtFromRelease(target));
}

function builtFromRelease({ arch, nodeMajor }: EmulatedTarget): string {
  const folder = path.join(CACHE, 'emulated', 'release');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const run = (command: string, args: readonly string[]) =>
    execFileSync(command, args, {
      cwd: folder,
      // What a builder has: no npm, no node, no node-gyp.
      env: command === 'make' ? { PATH: '/usr/bin:/bin' } : process.env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  run(process.execPath, [path.join(ROOT, 'build/release/make-release.js'), '--output', folder]);
  const archive = readdirSync(folder).find((name) => name.endsWith('.tar.gz')) ?? '';
  run('tar', ['-xzf', archive]);
  const source = path.join(folder, archive.replace(/\.tar\.gz$/, ''));

  const { tools } = BUILD_TARGETS[arch];
  const out = path.join(folder, 'out');
  const include = path.join(headersOf(nodeMajor), 'node');
  const variables = [`CC=${tools}gcc`, `CXX=${tools}g++`, `STRIP=${tools}strip`, `OUT=${out}`];
  const sqlite = [`BETTER_SQLITE3=${source}/better-sqlite3`, `NODE_INCLUDE=${include}`];
  run('make', ['-C', `${source}/better-sqlite3`, ...variables, ...sqlite]);
  run('make', ['-C', `${source}/unix-datagram`, ...variables, `NODE_API_INCLUDE=${include}`]);

  const bundle = path.join(folder, 'delmonicos');
  cpSync(path.join(source, 'bundle'), bundle, { recursive: true });
  mkdirSync(path.join(bundle, 'addons'));
  const addons = path.join(source, 'addons', arch);
  for (const file of readdirSync(addons))
    copyFileSync(path.join(addons, file), path.join(bundle, 'addons', file));
  for (const file of ['better_sqlite3.node', 'unix_datagram.node'])
    copyFileSync(path.join(out, file), path.join(bundle, 'addons', file));
  return bundle;
}
