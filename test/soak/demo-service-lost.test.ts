import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { scratch, startDemo } from '../support/demo-process.ts';

describe('the demo', () => {
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
});
