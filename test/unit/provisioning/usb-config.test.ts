import { execFileSync, spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = path.resolve('systemd/usb-config');
const RULES = path.resolve('systemd/udev/99-delmonicos-usb-config.rules');
const isRoot = process.getuid?.() === 0;
/** A user that every Linux has; without root the script does all as whoever calls it. */
const NOBODY = 65_534;
const hasSetpriv = existsSync('/usr/bin/setpriv');

let directory: string;
const at = (...names: string[]) => path.join(directory, ...names);
beforeEach(() => {
  // Not below a directory that only its owner may enter: the script works as another user.
  directory = mkdtempSync(path.join(tmpdir(), 'stick-'));
  execFileSync('chmod', ['755', directory]);
  mkdirSync(at('stick'));
  mkdirSync(at('state'), { mode: 0o700 });
  if (isRoot) chownSync(at('state'), NOBODY, NOBODY);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const copy = () =>
  spawnSync('sh', [SCRIPT, '--mounted', at('stick'), at('state'), 'nobody'], {
    cwd: directory,
    encoding: 'utf8',
  });
const incoming = () => readdirSync(at('state', 'config', 'incoming')).sort();

describe.skipIf(isRoot && !hasSetpriv)('usb-config (as root only with setpriv of util-linux)', () => {
  it('copies what is called *.cose from the top of a stick, under names of its own, as the service', () => {
    writeFileSync(at('stick', 'b.cose'), 'two');
    writeFileSync(at('stick', 'a.txt'), 'no');
    mkdirSync(at('stick', 'deep.cose'));
    writeFileSync(at('stick', 'deep.cose', 'c.cose'), 'no');
    expect(copy()).toMatchObject({ status: 0, stderr: '' });
    expect(incoming()).toEqual(['stick-1.cose']);
    const file = at('state', 'config', 'incoming', 'stick-1.cose');
    expect(readFileSync(file, 'utf8')).toBe('two');
    if (isRoot) expect(statSync(file).uid).toBe(NOBODY);
  });

  it('takes eight at most, one byte more of each than a configuration may have', () => {
    for (let i = 0; i < 12; i++) writeFileSync(at('stick', `${i}.cose`), Buffer.alloc(100_000));
    expect(copy()).toMatchObject({ status: 0 });
    expect(incoming()).toHaveLength(8);
    expect(statSync(at('state', 'config', 'incoming', 'stick-1.cose')).size).toBe(65_537);
  });

  it('reads nothing that is not on the stick, whatever a name says', () => {
    writeFileSync(at('secret.cose'), 'secret');
    writeFileSync(at('stick', 'x\nsecret.cose'), 'no');
    symlinkSync(at('secret.cose'), at('stick', 'link.cose'));
    expect(copy()).toMatchObject({ status: 0 });
    expect(incoming()).toEqual([]);
  });

  it.runIf(isRoot)(
    'as root writes nowhere where the service could not, whatever it has made of its directory',
    () => {
      mkdirSync(at('elsewhere'), { mode: 0o755 });
      mkdirSync(at('state', 'config'));
      symlinkSync(at('elsewhere'), at('state', 'config', 'incoming'));
      writeFileSync(at('stick', 'a.cose'), 'one');
      expect(copy().status).not.toBe(0);
      expect(readdirSync(at('elsewhere'))).toEqual([]);
    },
  );
});

describe('the rule for sticks', () => {
  it("starts the unit with the kernel's name of the partition", () => {
    const rules = readFileSync(RULES, 'utf8');
    expect(rules).toMatch(/SYSTEMD_WANTS\}\+="delmonicos-usb-config@\$kernel\.service"/);
  });
});
