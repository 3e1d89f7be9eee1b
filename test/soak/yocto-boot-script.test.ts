// The boot script of a station with two slots, run by GRUB itself: grub-emu on an image of its disk.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAYER } from '../support/yocto/read-recipes.ts';

const SECTOR = 512;
/** First sector and size of the first two partitions of delmonicos-image.wks.in, small. */
const EFI = { start: 2_048, sectors: 32_768 };
const ENV = { start: 34_816, sectors: 8_192 };

const TOOLS = ['grub-emu', 'grub-editenv', 'sfdisk', 'mkfs.vfat', 'mcopy', 'script'];
const missing = TOOLS.filter(
  (tool) => spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status !== 0,
);

let home: string;
const at = (name: string) => path.join(home, name);
const run = (command: string, args: readonly string[], input?: string) =>
  execFileSync(command, args, {
    cwd: home,
    encoding: 'utf8',
    env: { ...process.env, MTOOLS_SKIP_CHECK: '1', TERM: 'vt100' },
    ...(input !== undefined && { input }),
  });

/** Makes the disk, with these variables in GRUB's environment. */
function disk(variables: Readonly<Record<string, string>>) {
  run('mkfs.vfat', ['-C', 'efi.img', String(EFI.sectors / 2)]);
  run('mmd', ['-i', 'efi.img', '::/EFI', '::/EFI/BOOT']);
  const script = readFileSync(path.join(LAYER, 'recipes-bsp/delmonicos-boot/files/grub.cfg.in'), 'utf8');
  // There is no Linux under the emulator; what would be started is printed instead.
  writeFileSync(
    at('grub.cfg'),
    script
      .replaceAll('@KERNEL@', 'bzImage')
      .replaceAll('@APPEND@', 'END')
      .replace('if linux ', 'if echo STARTS ')
      .replace('sleep 5\n    reboot\n}', 'reboot\n}'),
  );
  run('mcopy', ['-i', 'efi.img', 'grub.cfg', '::/EFI/BOOT/grub.cfg']);
  run('grub-editenv', ['grubenv', 'create']);
  run('grub-editenv', [
    'grubenv',
    'set',
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
  ]);
  run('mkfs.vfat', ['-C', 'env.img', String(ENV.sectors / 2)]);
  run('mcopy', ['-i', 'env.img', 'grubenv', '::/grubenv']);
  run('truncate', ['-s', '64M', 'disk.img']);
  const table = [
    'label: gpt',
    `start=${EFI.start}, size=${EFI.sectors}`,
    `start=${ENV.start}, size=${ENV.sectors}`,
    'size=16384',
    'size=16384',
  ];
  run('sfdisk', ['-q', 'disk.img'], table.join('\n'));
  run('dd', [
    'if=efi.img',
    'of=disk.img',
    `bs=${SECTOR}`,
    `seek=${EFI.start}`,
    'conv=notrunc',
    'status=none',
  ]);
  run('dd', [
    'if=env.img',
    'of=disk.img',
    `bs=${SECTOR}`,
    `seek=${ENV.start}`,
    'conv=notrunc',
    'status=none',
  ]);
  writeFileSync(at('device.map'), `(hd0) ${at('disk.img')}\n`);
}

/** Starts GRUB once: what it would start, and its environment afterwards. */
function start(): { starts: string; environment: Record<string, string> } {
  mkdirSync(at('out'), { recursive: true });
  const { stdout } = spawnSync(
    'timeout',
    ['20', 'script', '-qec', 'grub-emu -m device.map -r hd0,gpt1 -d /EFI/BOOT', '/dev/null'],
    { cwd: home, encoding: 'latin1', env: { ...process.env, TERM: 'vt100' }, input: '' },
  );
  run('dd', [
    'if=disk.img',
    'of=env.out',
    `bs=${SECTOR}`,
    `skip=${ENV.start}`,
    `count=${ENV.sectors}`,
    'status=none',
  ]);
  run('mcopy', ['-n', '-o', '-i', 'env.out', '::/grubenv', 'grubenv.out']);
  const environment = Object.fromEntries(
    run('grub-editenv', ['grubenv.out', 'list'])
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  // The terminal breaks lines where they end.
  const screen = stdout.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replaceAll(/[\r\n]/g, '');
  return { starts: /STARTS .*? END/.exec(screen)?.[0] ?? screen.slice(-200), environment };
}

describe.skipIf(missing.length > 0)(
  `GRUB (skipped: without ${missing.join(', ') || 'nothing'})`,
  () => {
    beforeEach(() => {
      home = mkdtempSync(path.join(tmpdir(), 'delmonicos-grub-'));
    });
    afterEach(() => {
      rmSync(home, { recursive: true, force: true });
    });

    const FRESH = { ORDER: 'A B', A_OK: '1', A_TRY: '0', B_OK: '1', B_TRY: '0' };

    it('starts the first slot, and has noted that before', () => {
      disk(FRESH);
      const { starts, environment } = start();
      expect(starts).toContain('(hd0,gpt3)/boot/bzImage root=PARTLABEL=delmonicos-a rauc.slot=A END');
      expect(environment).toEqual({ ...FRESH, A_TRY: '1' });
    });

    it('goes to the other slot when the first was never confirmed, and tries both anew when neither was', () => {
      disk({ ...FRESH, A_TRY: '1' });
      const second = start();
      expect(second.starts).toContain('(hd0,gpt4)/boot/bzImage root=PARTLABEL=delmonicos-b rauc.slot=B END');
      expect(second.environment).toEqual({ ...FRESH, A_TRY: '1', B_TRY: '1' });
      expect(start().environment).toEqual(FRESH);
      expect(start().starts).toContain('rauc.slot=A');
    });

    it('starts what was installed last, and never what was marked bad', () => {
      disk({ ...FRESH, ORDER: 'B A' });
      expect(start().starts).toContain('rauc.slot=B');
      for (const image of ['efi.img', 'env.img', 'disk.img']) rmSync(at(image));
      disk({ ...FRESH, ORDER: 'B A', B_OK: '0' });
      expect(start().starts).toContain('rauc.slot=A');
    });

    it('hands on the machine ID, and keeps it', () => {
      const machine_id = '0123456789abcdef0123456789abcdef';
      disk({ ...FRESH, machine_id });
      const { starts, environment } = start();
      expect(starts).toContain(`rauc.slot=A systemd.machine_id=${machine_id} END`);
      expect(environment['machine_id']).toBe(machine_id);
    });
  },
  180_000,
);
