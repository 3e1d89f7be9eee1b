import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFleetBroker, type FleetBroker } from '../../support/fleet/fleet-broker.ts';
import {
  FLEET_MESSAGES,
  health,
  LOOKED_AT,
  message,
  online,
  SILENT_METER,
} from '../../support/fleet/recorded-messages.ts';
import { PRODUCT, runProduct, type CommandResult } from '../../support/product.ts';

let fleet: FleetBroker;
let broker: string[];

beforeAll(async () => {
  fleet = await startFleetBroker(FLEET_MESSAGES);
  broker = ['--broker', fleet.broker.url];
});
afterAll(async () => await fleet.stop());

interface Line {
  readonly event: string;
  readonly station?: string;
  readonly is?: string;
}

/** Each JSON line as it comes, until SIGTERM. */
function follow(url: string): {
  until(isIt: (line: Line) => boolean): Promise<Line>;
  end(): Promise<number>;
} {
  const child = spawn(process.execPath, [PRODUCT, 'top', '--broker', url, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Line[] = [];
  let look = (): void => {};
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line);
    look();
  });
  const ended = new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  return {
    until: async (isIt) =>
      await new Promise((resolve) => {
        look = () => {
          const found = lines.find(isIt);
          if (found !== undefined) resolve(found);
        };
        look();
      }),
    end: async () => {
      child.kill('SIGTERM');
      return await ended;
    },
  };
}

/**
 * Where a second passes between two of the documents that the broker keeps, the list ends there (docs/top.md): on a machine
 * that has no time for the broker it is looked at again.
 */
async function lookUntilWhole(
  args: readonly string[],
  isWhole: (stdout: string) => boolean,
): Promise<CommandResult> {
  let result = await runProduct(['top', ...broker, ...args]);
  for (let again = 0; again < 5 && !isWhole(result.stdout); again++)
    result = await runProduct(['top', ...broker, ...args]);
  return result;
}

describe.concurrent('delmonicos top', () => {
  it('prints the list once into a pipe, worst first, and exits 1 where not all is well', async () => {
    const { status, stdout } = await lookUntilWhole([], (text) =>
      text.startsWith('5 stations   3 online   2 offline   1 with a fault   1 with a warning'),
    );
    expect(status).toBe(1);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('5 stations   3 online   2 offline   1 with a fault   1 with a warning');
    expect(lines.slice(3, 8).map((line) => line.trim().split(/ {2,}/).slice(0, 2))).toEqual([
      ['FAULT', 'DE-ACME-0001'],
      ['lost', 'DE-ACME-0002'],
      ['warn', '東京-駅前 ⚡'],
      ['stop', 'stopped-one'],
      ['ok', 'DE-ACME-0003'],
    ]);
    expect(stdout).not.toContain('\u001b');
  });

  it('prints one station as one JSON document, and exits 0 where it is well', async () => {
    const { status, stdout } = await lookUntilWhole(
      ['--once', '--json', '--station', 'DE-ACME-0003'],
      (text) => text.includes('"answering"') && text.includes('"backlog":0'),
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      station: { station: 'DE-ACME-0003', is: 'ok', online: true, meters: { evse1: 'answering' } },
      documents: { status: { version: '0.2.0-dev' }, journal: { backlog: 0 } },
      heard: { malformed: 0 },
    });
  });

  it('says each change of a fleet as a JSON line until SIGTERM', async () => {
    const other = await startFleetBroker(FLEET_MESSAGES);
    const lines = follow(other.broker.url);
    await lines.until(({ event }) => event === 'link');
    await lines.until(({ station, is }) => station === LOOKED_AT && is === 'fault');
    const news = [message('new', 'status', online('new')), message('new', 'health', health('ok', []))];
    await other.say(news.map((one) => ({ ...one, retained: false })));
    await lines.until(({ station, is }) => station === 'new' && is === 'ok');
    await other.say([message('new', 'health', health('fault', [SILENT_METER]), { retained: false })]);
    await lines.until(({ station, is }) => station === 'new' && is === 'fault');
    expect(await lines.end()).toBe(0);
    await other.stop();
  });

  it.each([
    [2, []],
    [2, ['--broker', 'http://broker.example']],
    [2, ['--broker', 'mqtt://127.0.0.1', '--station', '']],
    [1, ['--broker', 'mqtt://127.0.0.1:1', '--once']],
  ])('exits %i with %j', async (status, args) => {
    const result = await runProduct(['top', ...args]);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(/^error \[/);
  });
});
