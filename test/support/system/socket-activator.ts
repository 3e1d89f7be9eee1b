// What systemd does for a socket with Accept=yes (systemd.socket(5)): for each connection a program, which finds it as file
// descriptor 3 and is told so by LISTEN_PID and LISTEN_FDS (sd_listen_fds(3)).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

export interface ActivatorOptions {
  /** Run by Node; a shell gives it its own number as LISTEN_PID, which only it can know. */
  readonly program: string;
  /** All of its environment besides PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** As in the unit: one more is closed at once. Default 2. */
  readonly maxConnections?: number;
}

export interface Activator {
  readonly socket: string;
  /** One a connection, in their order. */
  readonly children: readonly ChildProcess[];
  /** Kills what is left. */
  stop(): Promise<void>;
}

export async function startActivator(options: ActivatorOptions): Promise<Activator> {
  const { program, env = {}, maxConnections = 2 } = options;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'activator-'));
  const socket = path.join(directory, 'gateway.sock');
  const children: ChildProcess[] = [];
  const isAlive = ({ exitCode, signalCode }: ChildProcess): boolean =>
    exitCode === null && signalCode === null;
  const server = createServer({ pauseOnConnect: true }, (connection) => {
    connection.on('error', () => {});
    if (children.filter(isAlive).length < maxConnections) {
      const run = `LISTEN_PID=$$ LISTEN_FDS=1 exec '${process.execPath}' '${program}'`;
      children.push(
        spawn('/bin/sh', ['-c', run], {
          env: { PATH: process.env['PATH'], ...env },
          stdio: ['ignore', 'ignore', 'inherit', connection],
        }),
      );
    }
    // The child has a descriptor of its own; this one is closed without a word to the other side.
    connection.destroy();
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    children,
    stop: async () => {
      server.close();
      const left = children.filter(isAlive);
      await Promise.all(left.map((child) => (child.kill('SIGKILL'), once(child, 'exit'))));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
