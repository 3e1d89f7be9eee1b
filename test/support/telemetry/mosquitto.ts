import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAM = ['mosquitto', '/usr/sbin/mosquitto'].find(
  (program) => spawnSync(program, ['-h'], { stdio: 'ignore' }).error === undefined,
);

/** Why tests with mosquitto are skipped; undefined when they are not. */
export const NO_MOSQUITTO =
  PROGRAM === undefined ? 'the Debian package mosquitto is not installed' : undefined;

export interface Mosquitto {
  readonly port: number;
  readonly kill: () => Promise<void>;
}

/** A mosquitto on 127.0.0.1 with the given lines of configuration beside its listener. Resolves when it listens. */
export async function startMosquitto(
  lines: readonly string[] = ['allow_anonymous true'],
  port?: number,
): Promise<Mosquitto> {
  const free = port ?? (await freePort());
  const folder = mkdtempSync(path.join(tmpdir(), 'mosquitto-'));
  const config = path.join(folder, 'mosquitto.conf');
  writeFileSync(
    config,
    [`listener ${free} 127.0.0.1`, 'user root', 'persistence false', ...lines, ''].join('\n'),
  );
  const child: ChildProcess = spawn(PROGRAM ?? 'mosquitto', ['-c', config, '-v'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  const log: string[] = [];
  await new Promise<void>((resolve, reject) => {
    if (child.stderr === null) return reject(new Error('no stderr'));
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (log.length < 50) log.push(line);
      if (/mosquitto version \S+ running/.test(line)) resolve();
    });
    void exited.then(() => reject(new Error(`mosquitto ended:\n${log.join('\n')}`)));
  });
  return {
    port: free,
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
