import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProduct } from '../support/product.ts';

const CORE = 'delmonicos.service.d/50-station.conf';
const GATEWAY = 'delmonicos-gateway@.service.d/50-station.conf';
const STATION = `station: { name: X }
lines: [{ id: a, serial: /dev/ttyS1 }]
meters: []
`;

let directory: string;
let config: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'config-units-'));
  config = path.join(directory, 'station.yaml');
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('delmonicos config units', () => {
  it('writes a drop-in for each unit, and removes one that the configuration has no use for any more', async () => {
    const output = path.join(directory, 'system');
    const file = (name: string): string => path.join(output, name);
    writeFileSync(config, `${STATION}chain: { transport: rpc, url: 'wss://192.0.2.7' }\n`);
    expect((await runProduct(['config', 'units', config, '-o', output])).status).toBe(0);
    expect(readFileSync(file(CORE), 'utf8')).toContain('\nDeviceAllow=/dev/ttyS1 rw\n');
    expect(readFileSync(file(GATEWAY), 'utf8')).toContain('\nIPAddressAllow=192.0.2.7\n');
    expect(statSync(file(CORE)).mode & 0o777).toBe(0o644);

    writeFileSync(config, `${STATION}chain: { transport: rpc, url: 'wss://node.example' }\n`);
    const { status, stderr } = await runProduct(['config', 'units', config, '-o', output]);
    expect({ status, isThere: existsSync(file(GATEWAY)) }).toEqual({ status: 0, isThere: false });
    expect(stderr).toContain('node.example');
  });

  it('prints them as one JSON document, and says what it cannot do', async () => {
    writeFileSync(config, STATION);
    const { stdout } = await runProduct(['config', 'units', config, '--json']);
    const { files, notes } = JSON.parse(stdout) as {
      files: { path: string; text: string }[];
      notes: string[];
    };
    expect(files.map((made) => made.path)).toEqual([CORE, GATEWAY]);
    expect(files[0]?.text).toContain('[Service]');
    expect(notes).toEqual([]);

    const taken = path.join(directory, 'taken');
    mkdirSync(taken);
    writeFileSync(path.join(taken, path.dirname(CORE)), 'a file where the folder should be');
    const failed = await runProduct(['config', 'units', config, '-o', taken]);
    expect(failed.status).toBe(2);
    expect(failed.stderr).toContain('usage.file_unwritable');
  });
});
