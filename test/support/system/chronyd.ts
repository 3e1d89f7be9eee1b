import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const found = (program: string, option: string): boolean =>
  spawnSync(program, [option], { stdio: 'ignore' }).status === 0;

/** Why tests with chronyd are skipped; undefined when they are not. */
export const NO_CHRONYD = !found('/usr/sbin/chronyd', '--version')
  ? 'the Debian package chrony is not installed'
  : process.getuid?.() !== 0
    ? 'chronyd is started by root only'
    : undefined;

export interface Chronyd {
  readonly ntpPort: number;
  readonly commandPort: number;
  readonly pid: number;
  readonly kill: () => Promise<void>;
}

/** A chronyd on 127.0.0.1 that leaves the system's clock alone (-x). Resolves when it has started. */
export async function startChronyd(lines: (ports: { ntpPort: number }) => string[]): Promise<Chronyd> {
  const [ntpPort, commandPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(path.join(tmpdir(), 'chronyd-'));
  const config = path.join(folder, 'chrony.conf');
  const own = ['bindaddress 127.0.0.1', 'bindcmdaddress 127.0.0.1', 'bindcmdaddress /', 'user root'];
  writeFileSync(
    config,
    [...own, `cmdport ${commandPort}`, `pidfile ${folder}/pid`, ...lines({ ntpPort }), ''].join('\n'),
  );
  const child: ChildProcess = spawn('/usr/sbin/chronyd', ['-x', '-d', '-f', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    if (child.stderr === null) return reject(new Error('no stderr'));
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (/Disabled control of system clock/.test(line)) resolve();
    });
    void exited.then(() => reject(new Error(`chronyd ended:\n${log.join('\n')}`)));
  });
  return {
    ...{ ntpPort, commandPort, pid: child.pid ?? 0 },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
