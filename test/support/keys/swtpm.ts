// A TPM 2.0 in software (Debian package swtpm) behind a Unix socket, with a tap on what would be its bus.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export function missingTpmTools(): string | undefined {
  const there = (command: string) => spawnSync(command, ['--version']).error === undefined;
  if (!there('swtpm')) return 'swtpm is not installed';
  return there('tpm2_unseal') ? undefined : 'tpm2-tools is not installed';
}

export class SoftwareTpm {
  /** Everything that went over the bus, both ways. */
  readonly traffic: Buffer[] = [];
  readonly #directory: string;
  readonly #taps: Server[] = [];
  #child: ChildProcess | undefined;

  /** @param directory holds the TPM's state: another one is another TPM */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  get tcti(): string {
    return `swtpm:path=${path.join(this.#directory, 'bus')}`;
  }

  async start(): Promise<this> {
    const socket = path.join(this.#directory, 'tpm');
    const where = (name: string) => `type=unixio,path=${name}`;
    const args = ['--tpmstate', `dir=${this.#directory}`, '--server', where(socket)];
    const flags = ['--ctrl', where(`${socket}.ctrl`), '--flags', 'not-need-init,startup-clear'];
    this.#child = spawn('swtpm', ['socket', '--tpm2', ...args, ...flags], { stdio: 'ignore' });
    while (!existsSync(socket) || !existsSync(`${socket}.ctrl`)) await delay(5);
    for (const suffix of ['', '.ctrl']) {
      const tap = createServer((client) => {
        const tpm = connect(socket + suffix);
        for (const [from, to] of [
          [client, tpm],
          [tpm, client],
        ] as const) {
          from.on('data', (bytes: Buffer) => void this.traffic.push(bytes));
          from.on('error', () => to.destroy());
          from.pipe(to);
        }
      });
      tap.listen(path.join(this.#directory, `bus${suffix}`));
      await once(tap, 'listening');
      this.#taps.push(tap);
    }
    return this;
  }

  async stop(): Promise<void> {
    for (const tap of this.#taps.splice(0)) {
      tap.close();
      await once(tap, 'close');
    }
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
