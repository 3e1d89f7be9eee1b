// The guest's root file system: Debian 12 with systemd and a kernel (made once), on it Node, the bundle and the units, as a
// squashfs, because a station's root is read only. Needs root: it is made with mmdebstrap and chroot.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { mountPoints, mountUnits } from './data-partition.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const GUEST = path.resolve(import.meta.dirname, '../guest');
const CACHE = process.env['BOOT_CACHE'] ?? path.join(ROOT, 'node_modules/.cache/test-boot');

/** What is booted: this checkout, built, or the bundle that BOOT_BUNDLE names. */
const BUNDLE = process.env['BOOT_BUNDLE'] ?? path.join(CACHE, 'bundle');
const UNITS = '/usr/lib/systemd/system';
const SUITE = 'bookworm';
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'zstd', 'iproute2', 'e2fsprogs'],
  ...['linux-image-cloud-amd64', 'initramfs-tools'],
  // What systemd opens by itself to seal with a TPM.
  ...['libtss2-esys-3.0.2-0', 'libtss2-mu0', 'libtss2-rc0', 'libtss2-tcti-device0'],
  'libstdc++6',
];
/** What the kernel needs before it has its root. */
const EARLY_MODULES = ['virtio_pci', 'virtio_blk', 'squashfs'];
const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];
/** Units of a Debian machine that a station has not. */
const MASKED = [
  ...['systemd-logind.service', 'getty@.service', 'serial-getty@.service', 'systemd-hwdb-update.service'],
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'fstrim.timer'],
  ...['e2scrub_all.timer', 'e2scrub_reap.service', 'systemd-update-utmp.service', 'ldconfig.service'],
  ...['systemd-update-utmp-runlevel.service', 'systemd-pcrphase.service', 'systemd-pcrphase-sysinit.service'],
];

export interface RootImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly squashfs: string;
  /** Debian's version of the kernel. */
  readonly kernelVersion: string;
}

/** Makes what is not in the cache. */
export function makeRootImage(): RootImage {
  if (process.getuid?.() !== 0) throw new Error('a root file system is made as root');
  mkdirSync(CACHE, { recursive: true });
  if (process.env['BOOT_BUNDLE'] === undefined) {
    run(process.execPath, [path.join(ROOT, 'esbuild.config.js'), '--output', BUNDLE]);
  }
  const base = debianBase();
  const boot = path.join(base, 'boot');
  const kernel = readdirSync(boot).find((name) => name.startsWith('vmlinuz-')) ?? '';
  const kernelVersion = kernel.slice('vmlinuz-'.length);
  return {
    kernel: path.join(boot, kernel),
    initrd: path.join(boot, `initrd.img-${kernelVersion}`),
    squashfs: withProduct(base),
    kernelVersion,
  };
}

function debianBase(): string {
  const recipe = JSON.stringify([SUITE, PACKAGES, EARLY_MODULES, LEFT_OUT, 1]);
  const base = path.join(CACHE, `debian-${sha256(recipe)}`);
  if (existsSync(base)) return base;
  const draft = `${base}.draft`;
  rmSync(draft, { recursive: true, force: true });
  const initramfs = '"$1/etc/initramfs-tools';
  const hook = [
    `mkdir -p ${initramfs}/conf.d"`,
    `echo MODULES=list > ${initramfs}/conf.d/station.conf"`,
    `printf '%s\\n' ${EARLY_MODULES.join(' ')} > ${initramfs}/modules"`,
  ].join(' && ');
  run('mmdebstrap', [
    ...['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES.join(',')}`],
    ...['--aptopt=Acquire::Languages "none"', `--essential-hook=${hook}`],
    ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...[SUITE, draft],
  ]);
  renameSync(draft, base);
  return base;
}

function withProduct(base: string): string {
  const files = [...guestFiles(), ...productFiles(), ...systemdFiles()];
  const hash = createHash('sha256').update(base);
  for (const { from, to } of files) {
    hash.update(`${to}\0${statSync(from).mode}\0`).update(readFileSync(from));
  }
  const mounts = mountUnits();
  hash.update(JSON.stringify(mounts)).update(readFileSync(import.meta.filename));
  const squashfs = path.join(CACHE, `station-${hash.digest('hex').slice(0, 16)}.squashfs`);
  if (existsSync(squashfs)) return squashfs;
  // One of them is enough: it is made again in seconds.
  for (const name of readdirSync(CACHE).filter((name) => name.endsWith('.squashfs')))
    rmSync(path.join(CACHE, name));
  const tree = path.join(CACHE, `station-tree-${process.pid}`);
  try {
    // Links, not copies: what is changed below is replaced by another file, never written into.
    run('cp', ['--archive', '--link', base, tree]);
    for (const file of files) install(file, tree);
    writeNew(tree, '/etc/hostname', 'station\n');
    for (const directory of mountPoints()) mkdirSync(path.join(tree, directory), { recursive: true });
    for (const { name, text } of mounts) {
      writeNew(tree, `${UNITS}/${name}`, text);
      // As the layer's recipe does: the mounts are no matter of choice.
      symlinkNew(tree, `${UNITS}/local-fs.target.wants/${name}`, `../${name}`);
    }
    run('chroot', [tree, 'systemd-sysusers']);
    run('chroot', [tree, 'systemctl', 'enable', 'systemd-networkd.service', ...enabledUnits(files)]);
    run('chroot', [tree, 'systemctl', 'mask', '--quiet', ...MASKED]);
    const leftOut = ['boot', 'var/cache', 'var/lib/apt', 'var/lib/dpkg'];
    const draft = `${tree}.draft`;
    run('mksquashfs', [
      ...[tree, draft, '-comp', 'lz4', '-noappend', '-no-xattrs', '-quiet', '-no-progress'],
      ...['-e', ...leftOut],
    ]);
    renameSync(draft, squashfs);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  return squashfs;
}

interface Installed {
  readonly from: string;
  /** Path in the guest. */
  readonly to: string;
  readonly mode?: string;
  /** A link to this path instead of a file. */
  readonly link?: string;
}

function guestFiles(): Installed[] {
  return [
    { from: path.join(GUEST, 'agent.sh'), to: '/usr/lib/test-boot/agent.sh' },
    { from: path.join(GUEST, 'sandbox-probe.sh'), to: '/usr/lib/test-boot/sandbox-probe.sh' },
    { from: path.join(GUEST, 'test-agent.service'), to: '/usr/lib/systemd/system/test-agent.service' },
    {
      from: path.join(GUEST, 'events-generator.sh'),
      to: '/usr/lib/systemd/system-generators/station-events',
      mode: '0755',
    },
    { from: path.join(GUEST, 'fstab'), to: '/etc/fstab' },
    { from: path.join(GUEST, '80-station.network'), to: '/usr/lib/systemd/network/80-station.network' },
  ];
}

/** The bundle as it stands on a device, and the Node that runs this with the libraries it is linked to. */
function productFiles(): Installed[] {
  const node = process.execPath;
  const libraries = execFileSync('ldd', [node], { encoding: 'utf8' }).matchAll(/=> (\/\S+)/g);
  return [
    { from: node, to: '/usr/bin/node', mode: '0755' },
    ...[...libraries].map(([, library = '']) => ({ from: library, to: library })),
    ...listFiles(BUNDLE).map((name) => ({
      from: path.join(BUNDLE, name),
      to: `/usr/lib/delmonicos/${name}`,
    })),
    ...listFiles(path.join(BUNDLE, 'bin')).map((name) => ({
      from: path.join(BUNDLE, 'bin', name),
      to: `/usr/bin/${name}`,
      link: `../lib/delmonicos/bin/${name}`,
    })),
  ];
}

/** The repository's systemd/, each file where systemd looks for its kind. */
function systemdFiles(): Installed[] {
  const from = path.join(ROOT, 'systemd');
  return listFiles(from).flatMap((name) => {
    const to = placeOf(name);
    return to === undefined ? [] : [{ from: path.join(from, name), to, mode: '0644' }];
  });
}

function placeOf(name: string): string | undefined {
  const file = path.basename(name);
  const [, drop] = /([^/]+\.d)\/[^/]+$/.exec(name) ?? [];
  if (/\.(service|socket|timer|target|path|slice|mount)$/.test(file)) return `${UNITS}/${file}`;
  if (drop === 'sysusers.d' || drop === 'tmpfiles.d') return `/usr/lib/${drop}/${file}`;
  if (drop?.includes('.')) return `${UNITS}/${drop}/${file}`;
  return undefined;
}

function enabledUnits(files: readonly Installed[]): string[] {
  return files
    .filter(
      ({ from, to }) => to.includes('/systemd/system/') && /^\[Install\]$/m.test(readFileSync(from, 'utf8')),
    )
    .map(({ to }) => path.basename(to));
}

function install({ from, to, mode, link }: Installed, tree: string): void {
  const target = path.join(tree, to);
  mkdirSync(path.dirname(target), { recursive: true });
  rmSync(target, { force: true });
  if (link === undefined) {
    copyFileSync(from, target);
    if (mode !== undefined) run('chmod', [mode, target]);
  } else symlinkSync(link, target);
}

function symlinkNew(tree: string, to: string, target: string): void {
  const link = path.join(tree, to);
  mkdirSync(path.dirname(link), { recursive: true });
  symlinkSync(target, link);
}

function writeNew(tree: string, to: string, text: string): void {
  rmSync(path.join(tree, to), { force: true });
  writeFileSync(path.join(tree, to), text);
}

function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    throw new Error(`${command} ${args.slice(0, 6).join(' ')}: ${stderr?.toString() ?? String(error)}`);
  }
}
