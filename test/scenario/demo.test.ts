import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratch, startDemo } from '../support/demo-process.ts';

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

  it('leaves no process behind when it is interrupted while it starts, or killed while it runs', async () => {
    const starting = scratch('demo-state-');
    const early = startDemo(['--json', '--for', '60', '--state', starting], { OF_TEST: starting });
    await expect.poll(() => early.said.err.length, { timeout: 30_000 }).toBeGreaterThan(0);
    early.child.kill('SIGINT');
    expect(await early.ended).toEqual([130, null]);
    // What was told to end may take a moment on a busy machine.
    await expect.poll(() => processesOf(starting), { timeout: 20_000 }).toEqual([]);

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
