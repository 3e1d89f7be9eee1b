// Logs and telemetry never write to flash on their own: every file that a running station opens for writing is the journal's or
// the outbox's, in the state directory. Watched from outside, by strace: what the kernel is asked for, not what the code says.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import { PRODUCT, runProduct } from '../../support/product.ts';

/** Commits of 200 ms each, so that broker and chain are tried again and again meanwhile. */
const COMMITS = 40;

function straceProblem(): string {
  try {
    execFileSync('strace', ['-f', '-e', 'trace=openat', '-o', '/dev/null', 'true'], { stdio: 'pipe' });
    return '';
  } catch {
    return ' (skipped: strace is not installed, or may not trace here)';
  }
}
const problem = straceProblem();

/** Nobody listens there: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const OPENED = /^\d+ +(?:openat\(AT_FDCWD, |open\(|creat\()"([^"]+)".*?\) = \d+$/;
const FOR_WRITING = /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|creat\(/;
const MOVED = /^\d+ +(?:rename|renameat2?|mkdir|mkdirat|unlink|unlinkat|linkat?)\(.*\) = 0$/;

/** Paths that were opened to be written, made, renamed or removed, by calls that succeeded. A device is no file. */
function writtenPaths(trace: string): string[] {
  const paths = readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((call) => {
      const opened = OPENED.exec(call)?.[1];
      if (opened !== undefined) return FOR_WRITING.test(call) ? [opened] : [];
      return MOVED.test(call) ? [...call.matchAll(/"([^"]+)"/g)].map(([, file]) => file ?? '') : [];
    });
  return [...new Set(paths)].filter((file) => !/^\/(dev|proc|sys)\//.test(file));
}

it.skipIf(problem !== '')(
  `a running station without broker and chain writes to its journal and its outbox, and to no other file${problem}`,
  async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-writes-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const simulated = await startSimulatedStation({
      seed: 3,
      meters: [{ id: 'm', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'tcp' }],
    });
    onTestFinished(() => simulated.stop());
    const [line] = simulated.lines;
    if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
    const config = path.join(directory, 'station.yaml');
    const state = path.join(directory, 'state');
    writeFileSync(
      config,
      `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: m, line: lan, unitId: 1, profile: abb-b23, every: 200ms }]
journal: { groupCommit: 200ms, reserve: 64KiB }
chain: { transport: rpc, url: "ws://127.0.0.1:${await closedPort()}", anchorEvery: 1s }
telemetry: { mqtt: { url: "mqtt://127.0.0.1:${await closedPort()}" } }
`,
    );
    const trace = path.join(directory, 'trace');
    const watched =
      'trace=openat,open,creat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat,link,linkat';
    const service = spawn(
      'strace',
      ['-f', '-qq', '-s', '4096', '-e', watched, '-o', trace, process.execPath, PRODUCT].concat([
        ...['run', '--config', config, '--state', state, '--json'],
      ]),
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let commits = 0;
    for await (const text of createInterface({ input: service.stdout })) {
      if ((JSON.parse(text) as { event: string }).event === 'committed') commits++;
      if (commits === COMMITS) break;
    }
    expect(commits).toBe(COMMITS);
    // strace passes the signal on to nobody: the service itself is asked to end.
    process.kill(Number(readFileSync(path.join(state, 'journal.pid'), 'utf8')), 'SIGTERM');
    service.stdout.resume();
    await once(service, 'exit');

    const paths = writtenPaths(trace);
    const outside = paths.filter((file) => !file.startsWith(`${state}/`) && file !== state);
    expect(outside).toEqual([]);
    const names = paths.filter((file) => file !== state).map((file) => path.relative(state, file));
    expect(names).toContain('journal.db-wal');
    expect(names).toContain('outbox.db-wal');
    // The root seed is made at the first start, under another name first.
    const foreign = names.filter((name) => !/^(journal|outbox)[.-]|^\.?root\.seed/.test(name));
    expect(foreign).toEqual([]);
    expect((await runProduct(['journal', 'verify', state])).status).toBe(0);
  },
  90_000,
);
