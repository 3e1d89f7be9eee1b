import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

const HOUSE = path.resolve(import.meta.dirname, '../..');
const TSX = path.join(HOUSE, 'node_modules/tsx/dist/cli.mjs');

/** A directory that goes with the test. */
export function scratch(prefix: string): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), prefix));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** `npm run demo` with those arguments; killed with the test. */
export function startDemo(args: readonly string[], env: Record<string, string> = {}) {
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
