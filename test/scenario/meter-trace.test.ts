import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { PRODUCT, runProduct } from '../support/product.ts';

// `meter trace` and `meter read --watch` as processes, against the simulator.

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function simulated(on: 'tcp' | 'rtuOverTcp') {
  const station = await startSimulatedStation({
    seed: 5,
    meters: [{ id: 'a', model: 'eastron-sdm72d-m', serial: '23990417', unitId: 1, on }],
  });
  closing.push(() => station.stop());
  const [line] = station.lines;
  return { station, target: `127.0.0.1:${line !== undefined && 'port' in line ? line.port : 0}` };
}

const READ = ['--profile', 'eastron-sdm72d-m'];

function documentsOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('meter trace', () => {
  it.each([
    ['--tcp', 'tcp'],
    ['--rtu-over-tcp', 'rtuOverTcp'],
  ] as const)('shows each frame with its values and timings: %s', async (option, kind) => {
    const { target } = await simulated(kind);
    const { status, stdout } = await runProduct([
      ...['meter', 'trace', ...READ, option, target, '--for', '300ms', '--json'],
    ]);
    expect(status).toBe(0);
    const documents = documentsOf(stdout);
    expect(documents[0]).toMatchObject({ line: 'opened' });
    const sent = documents.filter(({ direction }) => direction === 'out');
    const answers = documents.filter(({ direction }) => direction === 'in');
    expect(answers.length).toBe(sent.length);
    expect(answers.every(({ afterMs }) => typeof afterMs === 'number')).toBe(true);
    const values = Object.assign({}, ...answers.map((answer) => answer['values'])) as Record<string, string>;
    expect(values['serial']).toBe('23990417');
    expect(values['1-0:1.8.0*255']).toMatch(/^[\d.]+ Wh$/);
  });

  it('shows a person the cause when nobody answers, and ends with 1', async () => {
    const { station, target } = await simulated('rtuOverTcp');
    const [line] = station.lines;
    station.faults.inject({ line: line?.id ?? '' }, { kind: 'silent' });
    const { status, stdout, stderr } = await runProduct([
      ...['meter', 'trace', ...READ, '--rtu-over-tcp', target, '--for', '100ms'],
    ]);
    expect(status).toBe(1);
    expect(stdout).toContain('-> 01 ');
    expect(stdout).toMatch(/! no answer for \d+ ms/);
    expect(stdout).toContain('[meter.timeout]');
    expect(stderr).toContain('--unit');
  });

  it.each([['--for', '0s'], ['--for', 'soon'], []])('refuses wrong options: %j', async (...options) => {
    expect((await runProduct(['meter', 'trace', ...READ, ...options])).status).toBe(2);
  });
});

describe('meter read --watch', () => {
  it('prints a JSON line for each reading until it is interrupted', async () => {
    const { target } = await simulated('tcp');
    const child = spawn(
      process.execPath,
      [PRODUCT, 'meter', 'read', ...READ, '--tcp', target, '--watch', '--every', '500ms', '--json'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const samples: { meter: { serial: string }; readBeginMs: number }[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      samples.push(JSON.parse(line) as (typeof samples)[number]);
      if (samples.length === 3) child.kill('SIGINT');
    });
    const [status] = (await once(child, 'exit')) as [number | null];
    expect(status).toBe(0);
    expect(samples.length).toBeGreaterThanOrEqual(3);
    expect(samples.every(({ meter }) => meter.serial === '23990417')).toBe(true);
    const begins = samples.map(({ readBeginMs }) => readBeginMs);
    expect(begins).toEqual([...new Set(begins)].sort((a, b) => a - b));
    // Two intervals apart on the grid; a late start may eat into the first, a command that ignored --every takes milliseconds.
    expect((begins[2] ?? 0) - (begins[0] ?? 0)).toBeGreaterThanOrEqual(500);
  });

  it('goes on after a reading that failed', async () => {
    const child = spawn(
      process.execPath,
      [PRODUCT, 'meter', 'read', ...READ, '--tcp', '127.0.0.1:1', '--watch', '--every', '50ms', '--json'],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    const codes: unknown[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      codes.push((JSON.parse(line) as { error: { code: string } }).error.code);
      if (codes.length === 2) child.kill('SIGINT');
    });
    const [status] = (await once(child, 'exit')) as [number | null];
    expect(status).toBe(1);
    expect(codes.slice(0, 2)).toEqual(['line.open_failed', 'line.open_failed']);
  });
});
