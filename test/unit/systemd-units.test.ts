import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseStationConfig } from '../../src/config/index.ts';
import { dropInText, unitDropIns } from '../../src/service/index.ts';
import {
  assignments,
  NO_SYSTEMD,
  rootWithUnits,
  systemdAnalyze,
  UNITS,
  unitNames,
  unitText,
} from '../support/system/systemd-analyze.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const OURS = ['delmonicos.service', 'delmonicos-gateway@.service'];
/** systemd-analyze counts in tenths: 1.5. */
const MOST_EXPOSED = 15;

let root: string;

beforeAll(() => {
  root = rootWithUnits();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function instance(name: string): string {
  return name.replace('@.', '@1-2-3.');
}

function valuesOf(unit: string, key: string): string[] {
  return assignments(unitText(unit)).flatMap(([name, value]) => (name === key ? [value] : []));
}

describe('the units, as systemd reads them', () => {
  it.skipIf(NO_SYSTEMD).each(unitNames())(
    '%s: nothing to complain about (needs the package systemd)',
    (name) => {
      expect(systemdAnalyze('verify', `--root=${root}`, instance(name))).toEqual({
        status: 0,
        stderr: '',
        stdout: '',
      });
    },
  );

  it.skipIf(NO_SYSTEMD)(
    'are complained about when a directive is misspelt (needs the package systemd)',
    () => {
      const broken = path.join(root, 'usr/lib/systemd/system/broken.service');
      writeFileSync(broken, unitText('delmonicos.service').replace('ProtectSystem=', 'ProtectSytem='));
      try {
        expect(systemdAnalyze('verify', `--root=${root}`, 'broken.service').stderr).toContain('ProtectSytem');
      } finally {
        rmSync(broken);
      }
    },
  );

  it.skipIf(NO_SYSTEMD).each([...OURS, 'delmonicos-retry.service'])(
    '%s: exposed by 1.5 at most (needs the package systemd)',
    (name) => {
      const exposed = (most: number): number | null =>
        systemdAnalyze(
          ...['security', '--offline=true', `--root=${root}`, `--threshold=${most}`, instance(name)],
        ).status;
      expect(exposed(MOST_EXPOSED)).toBe(0);
      expect(exposed(1)).not.toBe(0);
    },
  );
});

describe('the drop-ins that `config units` makes', () => {
  const narrow = `
station: { name: X }
lines:
  - { id: usb, serial: /dev/serial/by-id/usb-FTDI_FT232R-if00-port0 }
  - { id: board, serial: /dev/ttyS1 }
  - { id: tcp, tcp: '[2001:db8::5]:502' }
meters:
  - { id: evse1, line: board, unitId: 1, profile: eastron-sdm630, every: 1s }
journal: { highWater: /data/mark/high-water, counter: tpm }
clock: { source: kernel }
identity: { seed: pkcs11, pkcs11: { module: /usr/lib/pkcs11.so, token: station } }
chain: { transport: rpc, url: 'wss://192.0.2.7:9944' }
telemetry: { mqtt: { url: 'mqtts://198.51.100.4' } }
`;

  it.skipIf(NO_SYSTEMD)('are taken without a word (needs the package systemd)', () => {
    const { files } = unitDropIns(parseStationConfig(narrow), { deviceNode: () => undefined, hasTpm: false });
    const own = rootWithUnits();
    try {
      for (const file of files) {
        const to = path.join(own, 'etc/systemd/system', file.path);
        mkdirSync(path.dirname(to), { recursive: true });
        writeFileSync(to, dropInText(file, 'a test'));
      }
      for (const name of OURS) {
        const { stderr, status } = systemdAnalyze('verify', `--root=${own}`, instance(name));
        expect({ name, stderr, status }).toEqual({ name, stderr: '', status: 0 });
      }
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });
});

describe('users and folders', () => {
  it.skipIf(NO_SYSTEMD)(
    'are made by systemd-sysusers, the serial ports for the core only (needs systemd)',
    () => {
      const there = mkdtempSync(path.join(os.tmpdir(), 'sysusers-'));
      try {
        mkdirSync(path.join(there, 'etc'));
        const file = path.join(UNITS, 'sysusers.d/delmonicos.conf');
        const { stderr } = spawnSync('systemd-sysusers', [`--root=${there}`, file], { encoding: 'utf8' });
        const passwd = readFileSync(path.join(there, 'etc/passwd'), 'utf8');
        const group = readFileSync(path.join(there, 'etc/group'), 'utf8');
        expect(passwd.match(/^delmonicos[^:]*/gm), stderr).toEqual(['delmonicos', 'delmonicos-gateway']);
        expect(passwd).toMatch(/^delmonicos:.*:\/usr\/sbin\/nologin$/m);
        expect(group).toMatch(/^dialout:x:\d+:delmonicos$/m);
      } finally {
        rmSync(there, { recursive: true, force: true });
      }
    },
  );

  const notRoot = process.getuid?.() === 0 ? undefined : 'needs root';
  it.skipIf(NO_SYSTEMD ?? notRoot)('are made by systemd-tmpfiles (needs systemd and root)', () => {
    const there = mkdtempSync(path.join(os.tmpdir(), 'tmpfiles-'));
    try {
      const file = path.join(UNITS, 'tmpfiles.d/delmonicos.conf');
      const { status, stderr } = spawnSync('systemd-tmpfiles', ['--create', `--root=${there}`, file], {
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(statSync(path.join(there, 'etc/credstore.encrypted')).mode & 0o777).toBe(0o700);
    } finally {
      rmSync(there, { recursive: true, force: true });
    }
  });
});

describe('the units and what they run', () => {
  it('agree on the socket between core and gateway', () => {
    const [socket] = valuesOf('delmonicos-gateway.socket', 'ListenStream');
    expect(valuesOf('delmonicos.service', 'Environment')).toContain(`DELMONICOS_GATEWAY_SOCKET=${socket}`);
    expect(valuesOf('delmonicos-gateway.socket', 'SocketUser')).toEqual(
      valuesOf('delmonicos.service', 'User'),
    );
    expect(valuesOf('delmonicos-gateway@.service', 'User')).not.toEqual(
      valuesOf('delmonicos.service', 'User'),
    );
  });

  it('start a gateway with the heap that the core would give its child', () => {
    const flags = (text: string): string[] =>
      text.match(/--max-(?:old-space|semi-space)-size=(?:\d+|\$\{\w+\})/g) ?? [];
    const child = read('src/chain/gateway-child.ts');
    const cap = /MAX_OLD_SPACE_MIB = (\d+)/.exec(read('src/chain/gateway-process.ts'))?.[1] ?? '';
    const asChild = flags(child).map((flag) => flag.replace('${maxOldSpaceMiB}', cap));
    expect(flags(read('build/bin/delmonicos-gateway')).sort()).toEqual(asChild.sort());
    expect(asChild).toHaveLength(2);
  });

  it('load every credential that the service reads, by name, so that a missing one keeps nothing from starting', () => {
    const loaded = ['LoadCredential', 'LoadCredentialEncrypted'].flatMap((key) =>
      valuesOf('delmonicos.service', key),
    );
    const sources = [
      'identity/seed-store.ts',
      'identity/pkcs11-seal.ts',
      'station/telemetry/credential-files.ts',
    ];
    const named = sources.flatMap((file) =>
      [...read(`src/${file}`).matchAll(/'(root-seed(?:\.next)?|pkcs11-pin|mqtt-[a-z]+)'/g)].map(
        ([, name]) => name,
      ),
    );
    expect(loaded.sort()).toEqual([...new Set(named)].sort());
    expect(loaded.filter((value) => value.includes(':'))).toEqual([]);
  });

  it('write no core dump, which would hold keys, and no secret into swap', () => {
    for (const unit of OURS) {
      expect(valuesOf(unit, 'LimitCORE'), unit).toEqual(['0']);
      expect(valuesOf(unit, 'MemorySwapMax'), unit).toEqual(['0']);
    }
  });

  it('are explained, directive by directive, in docs/systemd.md', () => {
    const page = read('docs/systemd.md');
    const keys = unitNames().flatMap((name) => assignments(unitText(name)).map(([key]) => key));
    expect([...new Set(keys)].filter((key) => !page.includes(`\`${key}=`))).toEqual([]);
  });
});
