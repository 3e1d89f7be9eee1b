import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endWithUs } from '../../support/product.ts';

/** A TPM 2.0 chip for a virtual machine, in software (Debian package swtpm). It keeps what it knows until it is thrown away. */
export class SoftwareTpmChip {
  readonly #directory = mkdtempSync(path.join(os.tmpdir(), 'boot-tpm-'));
  #child: ChildProcess | undefined;

  get socket(): string {
    return path.join(this.#directory, 'control');
  }

  /** Powers it, for one machine's life: swtpm ends when the machine does. */
  async power(): Promise<void> {
    rmSync(this.socket, { force: true });
    const state = ['--tpmstate', `dir=${this.#directory}`, '--ctrl', `type=unixio,path=${this.socket}`];
    this.#child = spawn('swtpm', ['socket', '--tpm2', ...state, '--terminate'], { stdio: 'ignore' });
    endWithUs(this.#child);
    while (!existsSync(this.socket)) await delay(10);
  }

  async discard(): Promise<void> {
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
