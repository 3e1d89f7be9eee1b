import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';

/** One datagram, as the manager takes it apart: an assignment a line. */
export type Notice = Readonly<Record<string, string>>;

/** Perl is part of every Debian, and Node cannot receive datagrams of Unix sockets. Prints each in hexadecimal. */
const LISTENER = `use Socket; $| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die; bind($socket, pack_sockaddr_un(pack("H*", $ARGV[0]))) or die $!;
print "bound\\n"; <STDIN>;
while (defined recv($socket, my $datagram, 65536, 0)) { print unpack("H*", $datagram), "\\n"; }`;

/** Why there can be no manager here; undefined when there can. */
export const noManager: string | undefined =
  spawnSync('perl', ['-MSocket', '-e', '1']).status === 0 ? undefined : 'perl is not installed';

/** The manager's end of `$NOTIFY_SOCKET`: a real datagram socket that keeps all it is told, in order. */
export class ServiceManager {
  readonly datagrams: string[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Set<() => void>();

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child;
  }

  /** @param address as in sun_path; reads nothing before `read` is called */
  static async listen(address: string): Promise<ServiceManager> {
    const child = spawn('perl', ['-e', LISTENER, Buffer.from(address).toString('hex')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const manager = new ServiceManager(child);
    const bound = new Promise<void>((resolve, reject) => {
      child
        .once('error', reject)
        .once('exit', (code) => reject(new Error(`the listener ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'bound') return resolve();
        manager.datagrams.push(Buffer.from(line, 'hex').toString());
        for (const wake of [...manager.#waiting]) wake();
      });
    });
    await bound;
    return manager;
  }

  read(): void {
    this.#child.stdin.write('\n');
  }

  get notices(): readonly Notice[] {
    return this.datagrams.map(takenApart);
  }

  /** The newest status line. */
  get status(): string | undefined {
    return this.notices.findLast((notice) => 'STATUS' in notice)?.['STATUS'];
  }

  /** The first notice behind the first `after` that the test accepts, now or later; rejects when time is up. */
  async notice(
    accepts: (notice: Notice) => boolean,
    { after = 0, timeoutMs = 60_000 }: { after?: number; timeoutMs?: number } = {},
  ): Promise<Notice> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.notices.slice(after).find(accepts);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`no such notice in time:\n${this.datagrams.slice(-20).join('\n\n')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, leftMs);
        const waiting = this.#waiting;
        function done(): void {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        }
        waiting.add(done);
      });
    }
  }

  /** Ends the listener; the socket's file stays, and nobody is behind it. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

export function takenApart(datagram: string): Notice {
  return Object.fromEntries(
    datagram.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** A manager for one test, and what `$NOTIFY_SOCKET` says of it; gone with the test. */
export async function managerForTest({ abstract = false, reads = true } = {}): Promise<{
  readonly manager: ServiceManager;
  readonly variable: string;
}> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-manager-'));
  const file = path.join(directory, 'notify');
  const manager = await ServiceManager.listen(abstract ? `\0${file}` : file);
  onTestFinished(async () => {
    await manager.close();
    rmSync(directory, { recursive: true, force: true });
  });
  if (reads) manager.read();
  return { manager, variable: abstract ? `@${file}` : file };
}
