// Units as they are shipped, in a root directory of their own with stand-ins for their programs: what `systemd-analyze verify`
// looks at.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export const UNITS = path.resolve(import.meta.dirname, '../../../systemd');
const SYSTEM_UNITS = ['/usr/lib/systemd/system', '/lib/systemd/system'];
const PROGRAM = /^(?:Exec(?:Start|Stop|Reload|Condition)(?:Pre|Post)?)=[-@:+!|]*(\S+)/gm;

/** Why the tests that need systemd's own tools cannot run; undefined: they can. */
export const NO_SYSTEMD = existsSync('/usr/bin/systemd-analyze')
  ? undefined
  : 'needs the Debian package systemd';

export function unitNames(): string[] {
  return readdirSync(UNITS).filter((name) => /\.(service|socket|timer|path|mount|target)$/.test(name));
}

export function unitText(name: string): string {
  return readFileSync(path.join(UNITS, name), 'utf8');
}

/** `Key=value` of a unit, in its order, continued lines joined. */
export function assignments(text: string): [key: string, value: string][] {
  return [...text.replaceAll('\\\n', ' ').matchAll(/^([A-Za-z]+)=(.*)$/gm)].map(
    ([, key = '', value = '']) => [key, value],
  );
}

/** A directory to be given as --root=. */
export function rootWithUnits(): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'units-'));
  const units = path.join(root, 'usr/lib/systemd/system');
  mkdirSync(units, { recursive: true });
  const system = SYSTEM_UNITS.find((folder) => existsSync(folder));
  for (const name of system === undefined ? [] : readdirSync(system))
    if (/\.(target|slice)$|^dbus\.socket$/.test(name))
      cpSync(path.join(system ?? '', name), path.join(units, name), { dereference: true });
  for (const name of unitNames()) {
    const text = unitText(name);
    writeFileSync(path.join(units, name), text);
    for (const [, program = ''] of text.matchAll(PROGRAM)) standIn(root, program);
  }
  return root;
}

function standIn(root: string, program: string): void {
  const file = path.join(root, program.startsWith('/') ? program : path.join('usr/bin', program));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n', { mode: 0o755 });
}

export function systemdAnalyze(...given: string[]): {
  status: number | null;
  stderr: string;
  stdout: string;
} {
  const { status, stderr, stdout } = spawnSync('systemd-analyze', given, {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' },
  });
  return { status, stderr, stdout };
}
