import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithUs } from '../../support/product.ts';
import { GuestShell } from './guest-shell.ts';
import type { RootImage } from './root-image.ts';
import { VolatileDisk, type VolatileDiskOptions } from './volatile-disk.ts';

export type Acceleration = 'kvm' | 'tcg';

export interface MachineOptions {
  readonly root: RootImage;
  readonly acceleration: Acceleration;
  readonly data: Omit<VolatileDiskOptions, 'socketPath'>;
  /** TCP port of this host that answers as the RS-485 bus on the guest's /dev/ttyS1. */
  readonly serialBusPort?: number;
  /** Control socket of a TPM 2.0 in software. */
  readonly tpmSocket?: string;
  /** With it the service says each event of `run --json`, and this hears it the moment it is said. */
  readonly onEvent?: (line: string) => void;
}

/** A station's controller, switched on: QEMU with a root that cannot be written and a data disk whose power can be cut. */
export class VirtualMachine {
  readonly shell: GuestShell;
  readonly disk: VolatileDisk;
  readonly #directory: string;
  readonly #events: Server;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly startedAt = performance.now();

  private constructor(
    directory: string,
    options: MachineOptions,
    ends: { shell: GuestShell; disk: VolatileDisk; events: Server },
  ) {
    this.#directory = directory;
    this.shell = ends.shell;
    this.disk = ends.disk;
    this.#events = ends.events;
    this.#child = spawn('qemu-system-x86_64', commandLine(options, directory), {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    endWithUs(this.#child);
    this.#exited = once(this.#child, 'exit').then(() => undefined);
    this.#child.stderr?.on('data', (text: Buffer) => appendFileSync(this.consolePath, text));
  }

  static async start(options: MachineOptions): Promise<VirtualMachine> {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'boot-'));
    const shell = await GuestShell.listen(path.join(directory, 'agent'));
    const disk = await VolatileDisk.start({ ...options.data, socketPath: path.join(directory, 'data') });
    const events = createServer((port) => {
      port.on('error', () => port.destroy());
      createInterface({ input: port }).on('line', (line) => options.onEvent?.(line));
    });
    events.listen(path.join(directory, 'events'));
    await once(events, 'listening');
    return new VirtualMachine(directory, options, { shell, disk, events });
  }

  /** Everything on the guest's console so far. */
  get console(): string {
    return existsSync(this.consolePath) ? readFileSync(this.consolePath, 'utf8') : '';
  }

  get consolePath(): string {
    return path.join(this.#directory, 'console');
  }

  /** Resolves when the guest can be asked; throws with the end of its console when it is not there in time. */
  async up(timeoutMs: number): Promise<void> {
    const stop = new AbortController();
    const late = delay(timeoutMs, 'late' as const, { signal: stop.signal }).catch(() => 'late' as const);
    const gone = this.#exited.then(() => 'gone' as const);
    const first = await Promise.race([this.shell.there, late, gone]);
    stop.abort();
    if (first === undefined) return;
    throw new Error(`the guest is not up (${first}):\n${this.console.slice(-4_000)}`);
  }

  /** The supply is gone: first the disk takes nothing any more, then the rest of the machine is no more. */
  async cutPower(): Promise<VolatileDisk> {
    this.disk.cutPower();
    await this.#end();
    return this.disk;
  }

  /** Shuts down as `poweroff` does; what the disk was given by then is its image. */
  async powerOff(timeoutMs: number): Promise<Buffer> {
    void this.shell.run('systemctl poweroff');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    await this.#exited;
    clearTimeout(late);
    const image = this.disk.imageAsGiven();
    await this.#end();
    return image;
  }

  async stop(): Promise<void> {
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.#exited;
    await Promise.all([this.shell.close(), this.disk.stop(), closed(this.#events)]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function commandLine(options: MachineOptions, directory: string): string[] {
  const { root, acceleration, serialBusPort, tpmSocket } = options;
  const socket = (name: string): string => path.join(directory, name);
  const port = (name: string): string[] => [
    ...['-chardev', `socket,id=${name},path=${socket(name)}`],
    ...['-device', `virtserialport,chardev=${name},name=${name}`],
  ];
  return [
    ...accelerated(acceleration),
    ...['-M', 'q35', '-m', '1024', '-smp', '2', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-no-reboot', '-rtc', 'base=utc'],
    ...['-kernel', root.kernel, '-initrd', root.initrd, '-append', kernelArguments(options)],
    ...['-drive', `file=${root.squashfs},format=raw,if=virtio,readonly=on`],
    // cache=none: what the guest writes is with our disk before it is told so, and a flush of the guest is one of the disk.
    ...['-drive', `file=nbd+unix:///?socket=${socket('data')},format=raw,if=virtio,cache=none`],
    ...['-netdev', 'user,id=lan', '-device', 'virtio-net-pci,netdev=lan,romfile='],
    ...['-device', 'virtio-rng-pci', '-device', 'virtio-serial-pci', ...port('agent'), ...port('events')],
    ...['-serial', `file:${socket('console')}`],
    ...(serialBusPort === undefined
      ? []
      : [
          '-chardev',
          `socket,id=bus,host=127.0.0.1,port=${serialBusPort},reconnect=1`,
          '-serial',
          'chardev:bus',
        ]),
    ...(tpmSocket === undefined
      ? []
      : [
          ...['-chardev', `socket,id=tpm-control,path=${tpmSocket}`],
          ...['-tpmdev', 'emulator,id=tpm,chardev=tpm-control', '-device', 'tpm-tis,tpmdev=tpm'],
        ]),
  ];
}

function accelerated(acceleration: Acceleration): string[] {
  // 5-level page tables cost an emulated processor a fifth of its speed and bring a station nothing.
  return acceleration === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max,la57=off,svm=off'];
}

/** A fixed machine id: systemd cannot write one to a root that is read only. */
function kernelArguments({ acceleration, onEvent }: MachineOptions): string {
  return [
    ...[
      'root=/dev/vda',
      'rootfstype=squashfs',
      'ro',
      'console=ttyS0',
      'loglevel=4',
      'panic=-1',
      'net.ifnames=0',
    ],
    ...[
      'systemd.machine_id=5eed0000000040008000000000000001',
      'systemd.log_color=0',
      'systemd.show_status=auto',
    ],
    // On a busy host the emulated timer may not tick while the kernel looks whether it does.
    ...(acceleration === 'tcg'
      ? ['mitigations=off', 'no_timer_check', 'systemd.default_timeout_start_sec=900']
      : []),
    ...(onEvent === undefined ? [] : ['station.events']),
  ].join(' ');
}

async function closed(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

/** How long a kernel may take to its first word on the console. */
const FIRST_WORD_MS = 8_000;

/**
 * KVM where it boots this kernel, otherwise TCG. /dev/kvm alone says little: in a virtual machine of a cloud it may be there and
 * carry only kernels that were made for it. BOOT_ACCEL=kvm|tcg decides instead.
 */
export async function findAcceleration({ kernel, initrd }: RootImage): Promise<Acceleration> {
  const given = process.env['BOOT_ACCEL'];
  if (given === 'kvm' || given === 'tcg') return given;
  if (!existsSync('/dev/kvm')) return 'tcg';
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...accelerated('kvm'),
      ...['-M', 'q35', '-m', '256', '-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
      ...['-no-reboot', '-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 panic=-1'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let console = '';
  const spoke = new Promise<true>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      console += text.toString();
      if (console.includes('Linux version')) resolve(true);
    });
  });
  const late = new AbortController();
  const found = await Promise.race([
    spoke,
    once(child, 'exit').then(() => false),
    delay(FIRST_WORD_MS, false, { signal: late.signal }).catch(() => false),
  ]);
  late.abort();
  child.kill('SIGKILL');
  return found ? 'kvm' : 'tcg';
}
