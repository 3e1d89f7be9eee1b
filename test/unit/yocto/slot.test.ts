import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAYER } from '../../support/yocto/read-recipes.ts';

const SCRIPT = path.join(LAYER, 'dynamic-layers/rauc/recipes-core/delmonicos-update/files/slot');
const SOCKET = '/run/delmonicos/control.sock';
const IMAGE_A = 'a'.repeat(64);
const IMAGE_B = 'b'.repeat(64);

let home: string;
const at = (...parts: string[]) => path.join(home, ...parts);
const calls = () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []);
const kept = (file: string) =>
  existsSync(at('update', file)) ? readFileSync(at('update', file), 'utf8') : undefined;

/** A program in front of the real ones that notes how it was called. */
function stand(name: string, body: string) {
  writeFileSync(at('bin', name), `#!/bin/sh\n${body}\n`);
  chmodSync(at('bin', name), 0o755);
}

/** As RAUC 1.8 prints it; the order of the slots is RAUC's own. */
function booted(slot: 'A' | 'B', images: { A?: string; B?: string } = {}) {
  const status = [
    "RAUC_SYSTEM_COMPATIBLE='delmonicos-qemux86-64'",
    `RAUC_SYSTEM_BOOTED_BOOTNAME='${slot}'`,
    "RAUC_SLOTS='1 2'",
    "RAUC_SLOT_BOOTNAME_1='B'",
    `RAUC_SLOT_STATUS_CHECKSUM_SHA256_1='${images.B ?? ''}'`,
    "RAUC_SLOT_BOOTNAME_2='A'",
    `RAUC_SLOT_STATUS_CHECKSUM_SHA256_2='${images.A ?? ''}'`,
  ].join('\n');
  writeFileSync(at('status'), `${status}\n`);
  stand(
    'rauc',
    `if [ "$*" = "status --detailed --output-format=shell" ]; then cat ${at('status')}; else echo "rauc $*" >> ${at('calls')}; fi`,
  );
}

function release(journal: number, outbox: number) {
  writeFileSync(
    at('formats.json'),
    `${JSON.stringify({ journalFormat: journal, outboxFormat: outbox }, null, 1)}\n`,
  );
}

function confirmed(slot: 'A' | 'B', image: string, journal = 2, outbox = 3) {
  writeFileSync(at('update', `confirmed-${slot}`), `image=${image}\njournal=${journal}\noutbox=${outbox}\n`);
}

function station(health: 'well' | 'ill', { isConfigured = true } = {}) {
  stand(
    'delmonicos',
    `echo "delmonicos $*" >> ${at('calls')}; echo '{"ok":true,"items":[{"check":"disk","state":"ok","code":null}]}'; exit ${health === 'well' ? 0 : 1}`,
  );
  stand(
    'systemctl',
    `if [ "$1" = show ]; then echo ${isConfigured ? 'yes' : 'no'}; else echo "systemctl $*" >> ${at('calls')}; fi`,
  );
}

/** As RAUC 1.8 calls a handler: by path, with an argument of no meaning, and busy: it answers nobody. */
function beforeUpdate() {
  stand('rauc', 'exit 1');
  symlinkSync(SCRIPT, at('bin/before-update'));
  return runs(at('bin/before-update'), [''], { RAUC_CURRENT_BOOTNAME: 'A' });
}

function slot(...args: string[]) {
  return runs('sh', [SCRIPT, ...args]);
}

function runs(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return spawnSync(program, args, {
    encoding: 'utf8',
    env: {
      ...environment,
      PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
      DELMONICOS_UPDATE_DIR: at('update'),
      DELMONICOS_STATE_DIR: at('state'),
      DELMONICOS_STATE_FORMATS: at('formats.json'),
      DELMONICOS_UPDATE_SETTINGS: at('settings'),
    },
  });
}

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'delmonicos-slot-'));
  for (const folder of ['bin', 'update', 'state']) mkdirSync(at(folder));
  // It is looked at once: whoever is not healthy then is past the deadline.
  writeFileSync(at('settings'), 'DEADLINE_S=0\nINTERVAL_S=0\nREQUIRE=broker\n');
  release(2, 3);
  station('well');
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

describe('the confirmation of a slot', () => {
  it('tells RAUC once the station is healthy, and keeps which image that was', () => {
    booted('B', { B: IMAGE_B });
    writeFileSync(at('update/before.json'), '[]');
    expect(slot('confirm').status).toBe(0);
    expect(calls()).toEqual([
      `delmonicos update-check --socket ${SOCKET} --before ${at('update/before.json')} --require broker`,
      'rauc status mark-good',
    ]);
    expect(kept('confirmed-B')).toBe(`image=${IMAGE_B}\njournal=2\noutbox=3\n`);
    expect(kept('before.json')).toBeUndefined();
  });

  it('fails at the deadline, and tells RAUC nothing', () => {
    booted('B', { B: IMAGE_B });
    station('ill');
    const { status, stdout } = slot('confirm');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^<3>slot B has not become healthy within 0 s/m);
    expect(calls()).toEqual([`delmonicos update-check --socket ${SOCKET} --require broker`]);
    expect(kept('confirmed-B')).toBeUndefined();
  });

  it('lets a station go on that waits for its first configuration, without vouching for it', () => {
    booted('A');
    station('ill', { isConfigured: false });
    expect(slot('confirm').status).toBe(0);
    expect(calls()).toEqual(['rauc status mark-good']);
    expect(kept('confirmed-A')).toBeUndefined();
  });

  it('judges a station that had a configuration before the update and has none now', () => {
    booted('B', { B: IMAGE_B });
    station('ill', { isConfigured: false });
    writeFileSync(at('update/before.json'), '[]');
    expect(slot('confirm').status).toBe(1);
  });

  it('does not judge an image twice', () => {
    booted('A', { A: IMAGE_A });
    confirmed('A', IMAGE_A);
    station('ill');
    expect(slot('confirm').status).toBe(0);
    expect(calls()).toEqual([]);
  });

  it('judges another image in the same slot anew', () => {
    booted('A', { A: IMAGE_B });
    confirmed('A', IMAGE_A);
    station('ill');
    expect(slot('confirm').status).toBe(1);
  });
});

describe('the way back', () => {
  beforeEach(() => {
    booted('B', { A: IMAGE_A, B: IMAGE_B });
  });

  it('leads to a slot that was seen healthy and can read the state', () => {
    confirmed('A', IMAGE_A);
    expect(slot('rollback').status).toBe(0);
    expect(calls()).toEqual(['rauc status mark-bad booted', 'systemctl --no-block reboot']);
  });

  it('is closed once the state may be in a format that the other release cannot read', () => {
    confirmed('A', IMAGE_A, 2, 3);
    release(3, 3);
    database('journal.db', 2);
    writeFileSync(at('state/journal.db-wal'), 'the migration may be in here');
    const { stdout } = slot('rollback');
    expect(stdout).toMatch(/^<3>.*cannot read the state any more/m);
    expect(calls()).toEqual(['rauc status mark-good']);
  });

  it('is closed once the state on disk is in a newer format', () => {
    confirmed('A', IMAGE_A, 2, 3);
    release(3, 3);
    database('journal.db', 3);
    slot('rollback');
    expect(calls()).toEqual(['rauc status mark-good']);
  });

  it('is open when the newer release never came to migrate anything', () => {
    confirmed('A', IMAGE_A, 2, 3);
    release(3, 4);
    database('journal.db', 2);
    database('outbox.db', 3);
    slot('early');
    expect(kept('state-formats')).toBe('journal=3\noutbox=4\n');
    slot('rollback');
    expect(calls()).toEqual(['rauc status mark-bad booted', 'systemctl --no-block reboot']);
    expect(kept('state-formats')).toBe('journal=2\noutbox=3\n');
  });

  it('is closed when the other slot was never seen healthy', () => {
    slot('rollback');
    expect(calls()).toEqual(['rauc status mark-good']);
  });

  it('is not taken from a slot that was confirmed, whatever ails the station later', () => {
    confirmed('A', IMAGE_A);
    confirmed('B', IMAGE_B);
    slot('rollback');
    expect(calls()).toEqual([]);
  });
});

describe('a slot at the start of the station', () => {
  it('keeps its turn when it was confirmed, so that no power cut makes the boot loader go elsewhere', () => {
    booted('A', { A: IMAGE_A });
    confirmed('A', IMAGE_A);
    slot('early');
    expect(calls()).toEqual(['rauc status mark-good']);
    expect(kept('state-formats')).toBe('journal=2\noutbox=3\n');
  });

  it('has to earn it when it was not', () => {
    booted('B', { B: IMAGE_B });
    confirmed('A', IMAGE_A);
    slot('early');
    expect(calls()).toEqual([]);
  });

  it('gives way, at most three times, to the one that can read the state', () => {
    booted('A', { A: IMAGE_A, B: IMAGE_B });
    confirmed('A', IMAGE_A, 2, 3);
    confirmed('B', IMAGE_B, 3, 3);
    writeFileSync(at('update/state-formats'), 'journal=3\noutbox=3\n');
    for (let time = 1; time <= 4; time++) slot('early');
    const away = ['rauc status mark-active other', 'systemctl --no-block reboot'];
    expect(calls()).toEqual([...away, ...away, ...away]);
    expect(kept('state-formats')).toBe('journal=3\noutbox=3\n');
  });

  it('stays where no other can read the state either, and says what to do', () => {
    booted('A', { A: IMAGE_A });
    writeFileSync(at('update/state-formats'), 'journal=9\noutbox=3\n');
    expect(slot('early').stdout).toMatch(/^<3>.*install a newer one/m);
    expect(calls()).toEqual([]);
  });
});

describe('before an update', () => {
  it('the health of now is kept, and the other slot is not vouched for any more', () => {
    booted('A', { A: IMAGE_A });
    confirmed('B', IMAGE_B);
    station('ill');
    expect(beforeUpdate().status).toBe(0);
    expect(kept('before.json')).toContain('{"check":"disk","state":"ok","code":null}');
    expect(kept('confirmed-B')).toBeUndefined();
  });

  it('goes ahead where the health cannot be asked', () => {
    booted('A', { A: IMAGE_A });
    stand('delmonicos', `echo '{"ok":false,"items":[]}'; exit 1`);
    expect(beforeUpdate().status).toBe(0);
    expect(kept('before.json')).toBeUndefined();
  });
});

it('a station that RAUC does not know the slot of is left alone', () => {
  booted('A');
  writeFileSync(at('status'), "RAUC_SYSTEM_BOOTED_BOOTNAME=''\n");
  expect(slot('early').status).toBe(1);
  expect(calls()).toEqual([]);
});

function database(name: string, version: number) {
  const file = new Database(at('state', name));
  file.exec(`CREATE TABLE t (x); PRAGMA user_version = ${version}`);
  file.close();
}
