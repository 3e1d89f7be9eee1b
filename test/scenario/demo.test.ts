import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';

const HOUSE = path.resolve(import.meta.dirname, '../..');
const TSX = path.join(HOUSE, 'node_modules/tsx/dist/cli.mjs');

interface Summary {
  readonly samples: number;
  readonly wrong: number;
  readonly journal: { readonly size: number; readonly verified: boolean };
  readonly anchor: {
    readonly size: number;
    readonly via: string;
    readonly blockHash: string;
    readonly final: boolean;
  };
  readonly receipt: { readonly verified: boolean };
  readonly telemetry: { readonly messages: number };
}

function scratch(prefix: string): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), prefix));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function startDemo(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [TSX, 'test/demo/main.ts', ...args], {
    cwd: HOUSE,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said = { out: [] as string[], err: [] as string[] };
  createInterface({ input: child.stdout }).on('line', (line) => said.out.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => said.err.push(line));
  return { child, said, ended: once(child, 'close') as Promise<[number | null, string | null]> };
}

async function demo(args: readonly string[], env?: Record<string, string>) {
  const { said, ended } = startDemo(['--json', ...args], env);
  const [status] = await ended;
  const { out, err } = said;
  expect(status, err.join('\n') + out.join('\n')).toBe(0);
  return { summary: JSON.parse(out.at(-1) ?? '') as Summary, err };
}

/** A PATH on which there is no `script`, so that no pseudo terminal can be had. */
function pathWithoutScript(): string {
  const directory = scratch('no-script-');
  for (const folder of (process.env['PATH'] ?? '').split(':').reverse()) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (name === 'script') continue;
      rmSync(path.join(directory, name), { force: true });
      symlinkSync(path.join(folder, name), path.join(directory, name));
    }
  }
  return directory;
}

/** Processes whose command line or environment names that directory. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
        const told = words + readFileSync(`/proc/${pid}/environ`, 'utf8');
        return words !== '' && told.includes(directory) ? [words] : [];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

describe('the demo', () => {
  it('goes on with a state directory of an earlier run, on a new chain, also where there is no pseudo terminal', async () => {
    const state = scratch('demo-state-');
    const first = await demo(['--for', '1', '--state', state]);
    expect(first.err.join('\n')).toContain('line rs485');
    const second = await demo(['--for', '1', '--state', state], { PATH: pathWithoutScript() });
    expect(second.err.join('\n')).toContain('line rs485 is Modbus TCP here: no pseudo terminal');
    for (const { summary } of [first, second]) {
      expect(summary).toMatchObject({
        wrong: 0,
        journal: { verified: true },
        anchor: { via: 'light-client', final: true },
        receipt: { verified: true },
      });
      expect(summary.samples).toBeGreaterThan(0);
      expect(summary.telemetry.messages).toBeGreaterThan(0);
    }
    expect(second.summary.journal.size).toBeGreaterThan(first.summary.journal.size);
    expect(second.summary.anchor.size).toBeGreaterThan(first.summary.journal.size);
  }, 240_000);

  it('fails when the service ends by itself, although all that it did is right', async () => {
    const state = scratch('demo-state-');
    const { child, said, ended } = startDemo(['--json', '--for', '120', '--state', state]);
    const killed = new Set<number>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (((JSON.parse(line) as { anchor?: unknown }).anchor ?? null) === null) return;
      for (const name of readdirSync('/proc')) {
        const pid = Number(name);
        if (!Number.isInteger(pid) || killed.has(pid)) continue;
        const command = existsSync(`/proc/${name}/cmdline`)
          ? readFileSync(`/proc/${name}/cmdline`, 'utf8')
          : '';
        if (!command.includes(`run\0--config\0${state}`)) continue;
        killed.add(pid);
        process.kill(pid, 'SIGKILL');
      }
    });
    const [status] = await ended;
    expect(status).toBe(1);
    expect(JSON.parse(said.out.at(-1) ?? '')).toMatchObject({
      wrong: 0,
      anchor: { final: true },
      service: { signal: 'SIGKILL', byItself: true },
    });
  }, 240_000);

  it('leaves no process behind when it is interrupted while it starts, or killed while it runs', async () => {
    const starting = scratch('demo-state-');
    const early = startDemo(['--json', '--for', '60', '--state', starting], { OF_TEST: starting });
    await expect.poll(() => early.said.err.length, { timeout: 30_000 }).toBeGreaterThan(0);
    early.child.kill('SIGINT');
    expect(await early.ended).toEqual([130, null]);
    expect(processesOf(starting)).toEqual([]);

    const running = scratch('demo-state-');
    const killed = startDemo(['--json', '--for', '60', '--state', running], { OF_TEST: running });
    await expect.poll(() => killed.said.out.length, { timeout: 60_000 }).toBeGreaterThan(0);
    expect(processesOf(running).some((words) => words.includes('devnet-process'))).toBe(true);
    const main = Number(
      readFileSync(`/proc/${killed.child.pid}/task/${killed.child.pid}/children`, 'utf8').split(' ')[0],
    );
    process.kill(main, 'SIGKILL');
    await expect.poll(() => processesOf(running), { timeout: 20_000 }).toEqual([]);
  }, 240_000);
});
