import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../../src/cli/index.ts';
import { judgeUpdate, type JudgedItem } from '../../../src/cli/update/update-verdict.ts';

const item = (check: JudgedItem['check'], state: JudgedItem['state'], subject?: string): JudgedItem => ({
  check,
  state,
  code: null,
  ...(subject !== undefined && { subject }),
});
const WELL = [item('journal', 'ok'), item('meter', 'ok', 'evse1'), item('chain', 'ok'), item('broker', 'ok')];
const changed = (check: JudgedItem['check'], state: JudgedItem['state'], subject?: string) => [
  ...WELL.filter((other) => other.check !== check),
  item(check, state, subject),
];

describe('an update', () => {
  it('is good when the station stores, reads and has no fault', () => {
    expect(judgeUpdate(WELL, null)).toEqual({ ok: true, missing: [] });
    expect(judgeUpdate(changed('disk', 'warning'), null).ok).toBe(true);
  });

  it('is not good with a fault that was none before, and excused with one that was', () => {
    const now = changed('line', 'fault', 'rs485');
    expect(judgeUpdate(now, null).ok).toBe(false);
    expect(judgeUpdate(now, WELL).missing).toHaveLength(1);
    expect(judgeUpdate(now, now).ok).toBe(true);
    expect(judgeUpdate([...now, item('line', 'fault', 'rs485-2')], now).ok).toBe(false);
  });

  it('is not good before a meter was read and the journal took it', () => {
    expect(judgeUpdate(changed('meter', 'unknown', 'evse1'), WELL).ok).toBe(false);
    expect(judgeUpdate(changed('journal', 'unknown'), WELL).ok).toBe(false);
    expect(judgeUpdate([], null).ok).toBe(false);
  });

  it('does not have to bring a meter to life that was dead before', () => {
    const dead = changed('meter', 'fault', 'evse1');
    expect(judgeUpdate(dead, dead).ok).toBe(true);
    expect(judgeUpdate(changed('meter', 'unknown', 'evse1'), dead).ok).toBe(true);
  });

  it('is not blamed for the world outside, unless somebody wants that', () => {
    const cut = changed('broker', 'fault');
    expect(judgeUpdate(cut, WELL).ok).toBe(true);
    expect(judgeUpdate(cut, WELL, ['broker']).ok).toBe(false);
    expect(judgeUpdate(changed('broker', 'unknown'), WELL, ['broker']).ok).toBe(false);
    expect(judgeUpdate(cut, cut, ['broker']).ok).toBe(true);
  });
});

describe('delmonicos update-check', () => {
  let home: string;
  let server: Server;
  let printed: string;
  const socket = () => path.join(home, 'control.sock');
  const run = async (...args: string[]) => {
    printed = '';
    process.exitCode = undefined;
    const status = await runCommandLine([
      'node',
      'delmonicos',
      'update-check',
      '--socket',
      socket(),
      ...args,
    ]);
    process.exitCode = undefined;
    return status;
  };

  beforeEach(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'delmonicos-update-'));
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    let items = WELL;
    server = createServer((connection) => {
      connection.once('data', () => {
        connection.end(`${JSON.stringify({ ok: true, health: { state: 'ok', asOfMs: 1, items } })}\n`);
        items = changed('meter', 'fault', 'evse1');
      });
    });
    await new Promise<void>((resolve) => server.listen(socket(), resolve));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await new Promise((resolve) => server.close(resolve));
    rmSync(home, { recursive: true, force: true });
  });

  it('asks the running service, and compares with what it said before', async () => {
    expect(await run('--json')).toBe(0);
    expect(JSON.parse(printed)).toEqual({ ok: true, missing: [], items: WELL });
    const before = path.join(home, 'before.json');
    writeFileSync(before, printed);
    expect(await run('--before', before)).toBe(1);
    expect(printed).toContain('meter evse1 is a fault');
  });

  it('is not good where no service answers, and knows nothing of before then', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await run('--json')).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({ ok: false, items: [] });
  });

  it('refuses what it cannot read, or does not know', async () => {
    expect(await run('--before', path.join(home, 'none'))).toBe(2);
    writeFileSync(path.join(home, 'odd.json'), '{"items":[{}]}');
    expect(await run('--before', path.join(home, 'odd.json'))).toBe(2);
    expect(await run('--require', 'disk')).toBe(2);
  });
});
