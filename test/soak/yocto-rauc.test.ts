// An update with RAUC itself: its service on a bus of its own, the configuration and the handler of the layer, GRUB's environment,
// a bundle signed with keys as docs/yocto.md makes them. Only the disk is two files, and nothing reboots.
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYER, readRecipes, whyNoPython } from '../support/yocto/read-recipes.ts';

const TOOLS = ['rauc', 'dbus-daemon', 'grub-editenv', 'mksquashfs', 'mkfs.ext4', 'openssl', 'losetup'];
const missing = TOOLS.filter(
  (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status !== 0,
);
const why =
  whyNoPython() ??
  (missing.length > 0 ? `without ${missing.join(', ')}` : undefined) ??
  (process.getuid?.() === 0 ? undefined : 'not root, who alone may mount a bundle');

let home: string;
let bus: ChildProcess | undefined;
let service: ChildProcess | undefined;
const at = (name: string) => path.join(home, name);

function environment(): Record<string, string> {
  return {
    PATH: `${at('bin')}:${process.env['PATH'] ?? ''}`,
    DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${at('bus')}`,
    DELMONICOS_UPDATE_DIR: at('update'),
    DELMONICOS_STATE_DIR: at('state'),
    DELMONICOS_STATE_FORMATS: path.resolve('build/state-formats.json'),
    DELMONICOS_UPDATE_SETTINGS: at('settings'),
  };
}

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: home,
    encoding: 'utf8',
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
const grub = () =>
  Object.fromEntries(
    run('grub-editenv', 'grubenv', 'list')
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );

function program(name: string, body: string) {
  writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${body}\n`);
  chmodSync(at(`bin/${name}`), 0o755);
}

/** As a boot of that slot would begin: a service of RAUC that was told so. Resolves when it answers. */
async function boot(slot: 'A' | 'B') {
  service?.kill();
  const started = spawn('/usr/bin/rauc', ['-c', 'system.conf', `--override-boot-slot=${slot}`, 'service'], {
    cwd: home,
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  service = started;
  for (;;) {
    if (started.exitCode !== null) throw new Error('the service of RAUC ended');
    const { status, stdout } = spawnSync('rauc', ['status', '--output-format=shell'], {
      cwd: home,
      encoding: 'utf8',
      env: environment(),
    });
    if (status === 0 && stdout.includes(`BOOTED_BOOTNAME='${slot}'`)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.skipIf(why !== undefined)(`an update with RAUC (skipped: ${why ?? 'no'})`, () => {
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'delmonicos-rauc-'));
    for (const folder of ['bin', 'update', 'state', 'bundle']) mkdirSync(at(folder));
    const script = path.join(LAYER, 'dynamic-layers/rauc/recipes-core/delmonicos-update/files/slot');
    for (const name of ['slot', 'before-update']) symlinkSync(script, at(`bin/${name}`));
    program('rauc', `exec /usr/bin/rauc -c ${at('system.conf')} "$@"`);
    program('systemctl', `if [ "$1" = show ]; then echo yes; else echo "$*" >> ${at('reboots')}; fi`);
    program('delmonicos', `cat ${at('health')}; grep -q '"ok":true' ${at('health')}`);
    writeFileSync(at('settings'), 'DEADLINE_S=0\nINTERVAL_S=0\n');

    const view = 'wrynose:qemux86-64';
    const [, conf] =
      [...(readRecipes([view]).get(view) ?? [])].find(([file]) => file === 'rauc-conf.bbappend') ?? [];
    const install = conf?.functions['do_install:append']?.[0]?.expanded ?? '';
    const image = at('image');
    mkdirSync(path.join(image, 'etc/rauc'), { recursive: true });
    execFileSync('sh', ['-eu'], { input: install.replaceAll(conf?.variables['D'] ?? '', image) });
    const written = readFileSync(path.join(image, 'etc/rauc/system.conf'), 'utf8')
      .replace('/dev/disk/by-partlabel/delmonicos-a', at('slot-a'))
      .replace('/dev/disk/by-partlabel/delmonicos-b', at('slot-b'))
      .replace('/grubenv/grubenv', at('grubenv'))
      .replace('/data/rauc', at('rauc'))
      .replace('/etc/rauc/ca.cert.pem', at('ca.cert.pem'))
      .replace('/usr/libexec/delmonicos', at('bin'))
      // dm-verity is the kernel's, and not every machine that tests has it.
      .replace('bundle-formats=-plain\n', '');
    writeFileSync(at('system.conf'), written);

    run(
      'openssl',
      ...'req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=CA -keyout ca.key.pem -out ca.cert.pem'.split(
        ' ',
      ),
    );
    run(
      'openssl',
      ...'req -newkey rsa:2048 -nodes -subj /CN=updates -keyout update.key.pem -out update.csr'.split(' '),
    );
    writeFileSync(at('update.ext'), 'keyUsage=digitalSignature\nextendedKeyUsage=codeSigning\n');
    run(
      'openssl',
      ...'x509 -req -in update.csr -CA ca.cert.pem -CAkey ca.key.pem -days 30 -extfile update.ext -out update.cert.pem'.split(
        ' ',
      ),
    );
    for (const file of ['bundle/rootfs.ext4', 'slot-a', 'slot-b']) {
      run('truncate', '-s', '2M', file);
      run('mkfs.ext4', '-q', '-F', file);
    }
    writeFileSync(
      at('bundle/manifest.raucm'),
      '[update]\ncompatible=delmonicos-qemux86-64\nversion=2\n\n[image.rootfs]\nfilename=rootfs.ext4\n',
    );
    run(
      '/usr/bin/rauc',
      'bundle',
      '--cert=update.cert.pem',
      '--key=update.key.pem',
      'bundle',
      'update.raucb',
    );
    run('grub-editenv', 'grubenv', 'create');
    run('grub-editenv', 'grubenv', 'set', 'ORDER=A B', 'A_OK=1', 'A_TRY=1', 'B_OK=1', 'B_TRY=0');

    const busConfiguration = `<busconfig><type>system</type><listen>unix:path=${at('bus')}</listen><auth>EXTERNAL</auth><policy context="default">
      <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`;
    writeFileSync(at('bus.conf'), busConfiguration);
    const daemon = spawn('dbus-daemon', [`--config-file=${at('bus.conf')}`, '--nofork', '--print-address'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    bus = daemon;
    await new Promise((resolve) => daemon.stdout.once('data', resolve));
    await boot('A');
  });
  afterAll(() => {
    service?.kill();
    bus?.kill();
    rmSync(home, { recursive: true, force: true });
  });

  const HEALTHY =
    '{"ok":true,"missing":[],"items":[{"check":"meter","subject":"evse1","state":"ok","code":null}]}\n';

  it('is written to the other slot, confirmed there, and the next one is taken back when the station is not well with it', async () => {
    writeFileSync(at('health'), HEALTHY);
    run('slot', 'confirm');
    expect(grub()).toMatchObject({ A_OK: '1', A_TRY: '0' });

    run('rauc', 'install', at('update.raucb'));
    expect(readFileSync(at('update/before.json'), 'utf8')).toBe(HEALTHY);
    expect(grub()).toMatchObject({ ORDER: 'B A', B_OK: '1', B_TRY: '0' });

    // GRUB notes the try, and starts B.
    run('grub-editenv', 'grubenv', 'set', 'B_TRY=1');
    await boot('B');
    run('slot', 'early');
    expect(grub()).toMatchObject({ B_TRY: '1' });
    run('slot', 'confirm');
    expect(grub()).toMatchObject({ ORDER: 'B A', B_OK: '1', B_TRY: '0' });
    expect(readFileSync(at('update/confirmed-B'), 'utf8')).toMatch(/^image=[0-9a-f]{64}\n/);

    // The next one goes to A, and is not well.
    run('rauc', 'install', at('update.raucb'));
    run('grub-editenv', 'grubenv', 'set', 'A_TRY=1');
    await boot('A');
    run('slot', 'early');
    writeFileSync(at('health'), '{"ok":false,"missing":["no meter has been read yet"],"items":[]}\n');
    expect(() => run('slot', 'confirm')).toThrow();
    run('slot', 'rollback');
    expect(grub()).toMatchObject({ A_OK: '0', B_OK: '1', B_TRY: '0' });
    expect(readFileSync(at('reboots'), 'utf8')).toBe('--no-block reboot\n');
  }, 120_000);

  it('is refused when it is signed with another key', () => {
    run(
      'openssl',
      ...'req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=other -keyout other.key.pem -out other.cert.pem'.split(
        ' ',
      ),
    );
    run('/usr/bin/rauc', 'bundle', '--cert=other.cert.pem', '--key=other.key.pem', 'bundle', 'other.raucb');
    const { status } = spawnSync('rauc', ['install', at('other.raucb')], { cwd: home, env: environment() });
    expect(status).not.toBe(0);
    expect(grub()).toMatchObject({ B_OK: '1', B_TRY: '0' });
  });
});
