import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadStationConfigWith, parseStationConfig } from '../../src/config/index.ts';
import { parseDurationMs, parseSizeBytes } from '../../src/config/quantity.ts';
import { STATION_FILE } from '../../src/config/schema.ts';

const GOOD = `station: { name: DE-ACME-0001 }
lines:
  - { id: rs485, serial: /dev/ttyS1, baudRate: 19200, parity: even }
  - { id: gateway, tcp: "192.0.2.10:502" }
  - { id: clear, rtuOverTcp: "[2001:db8::1]:8899" }
meters:
  - { id: evse1, line: rs485, unitId: 1, profile: eastron-sdm630, every: 1s }
  - { id: grid, line: gateway, unitId: 5, profile: abb-b23, every: 500ms }
journal: { groupCommit: 10s, maxSize: 512MiB }
chain:
  transport: light-client
  relaySpec: /etc/delmonicos/chain/relay.json
  paraSpec: /etc/delmonicos/chain/para.json
  call: remark
  anchorEvery: 1h
telemetry: { mqtt: { url: "mqtts://broker.example:8883" } }
`;

function issuesOf(text: string, knownProfiles?: string[]): ConfigError['problems'] {
  try {
    parseStationConfig(text, knownProfiles ? { knownProfiles } : {});
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).code).toBe('config.invalid');
    return (error as ConfigError).problems;
  }
  return [];
}

describe('station.yaml', () => {
  it('is read with units converted and defaults filled in', () => {
    const config = parseStationConfig(GOOD, { knownProfiles: ['eastron-sdm630', 'abb-b23'] });
    expect(config.lines).toEqual([
      {
        id: 'rs485',
        kind: 'serial',
        path: '/dev/ttyS1',
        baudRate: 19200,
        parity: 'even',
        dataBits: 8,
        stopBits: 1,
      },
      { id: 'gateway', kind: 'tcp', host: '192.0.2.10', port: 502 },
      { id: 'clear', kind: 'rtuOverTcp', host: '2001:db8::1', port: 8899 },
    ]);
    expect(config.meters.map((m) => m.everyMs)).toEqual([1000, 500]);
    expect(config.journal).toEqual({
      ...{
        groupCommitMs: 10_000,
        groupCommitEntries: 512,
        maxSizeBytes: 512 * 1024 * 1024,
        reserveBytes: 8 * 1024 * 1024,
        counter: 'auto',
      },
    });
    expect(config.chain).toMatchObject({ anchorEveryMs: 3_600_000, ss58Prefix: 42 });
  });

  it.each([
    ['every: 500ms', 'every: 0s', 'at least 100ms'],
    ['every: 500ms', 'every: 25h', 'at most 24h'],
    ['anchorEvery: 1h', 'anchorEvery: 0s', 'at least 1s'],
    ['anchorEvery: 1h', 'anchorEvery: 721h', 'at most 720h'],
    ['groupCommit: 10s', 'groupCommit: 2h', 'at most 1h'],
  ])('refuses an interval that would starve or flood: %s as %s', (good, bad, why) => {
    const [issue, ...others] = issuesOf(GOOD.replace(good, bad));
    expect(others).toEqual([]);
    expect(issue?.message).toContain(why);
    expect(GOOD.split('\n')[(issue?.line ?? 0) - 1]).toContain(good);
  });

  it('refuses an unknown key with its line and the nearest known key', () => {
    expect(issuesOf(GOOD.replace('groupCommit', 'groupComit'))).toEqual([
      expect.objectContaining({
        line: 9,
        path: 'journal.groupComit',
        message: 'unknown key; did you mean "groupCommit"?',
      }),
    ]);
    const misspelt = issuesOf(GOOD.replace('profile: abb-b23', 'Profile: abb-b23'));
    expect(misspelt.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      '8: is missing',
      '8: unknown key; did you mean "profile"?',
    ]);
  });

  it('says which keys there are when an unknown key is like none of them', () => {
    expect(issuesOf(GOOD.replace('telemetry:', 'observability:'))[0]?.message).toContain(
      'known keys: station, lines',
    );
  });

  it.each([
    ['a missing section', GOOD.replace(/^station.*\n/, ''), 'station', 'is missing'],
    ['a unit id out of range', GOOD.replace('unitId: 5', 'unitId: 248'), 'meters[1].unitId', ''],
    ['a duration without a unit', GOOD.replace('500ms', '500'), 'meters[1].every', 'must be string'],
    ['a line that is nothing', GOOD.replace('tcp:', 'serial: /dev/x, tcp:'), 'lines[1]', 'exactly one of'],
    [
      'serial settings on a socket',
      GOOD.replace('tcp:', 'baudRate: 9600, tcp:'),
      'lines[1].baudRate',
      'serial lines only',
    ],
    [
      'a meter on no line',
      GOOD.replace('line: gateway', 'line: gatewax'),
      'meters[1].line',
      'did you mean "gateway"',
    ],
    [
      'a light client without a spec',
      GOOD.replace(/ {2}paraSpec.*\n/, ''),
      'chain.transport',
      'needs paraSpec',
    ],
    ['a second meter with the same id', GOOD.replace('id: grid', 'id: evse1'), 'meters[1].id', 'taken'],
    [
      'a password in the broker URL',
      GOOD.replace('mqtts://', 'mqtts://u:p@'),
      'telemetry.mqtt.url',
      'password',
    ],
  ])('refuses %s', (_what, text, key, message) => {
    const issue = issuesOf(text).find((found) => found.path === key);
    expect(issue?.message).toContain(message);
    expect(issue?.line).toBeGreaterThan(0);
  });

  it('refuses two meters that share a unit id on one line', () => {
    const text = GOOD.replace('line: gateway, unitId: 5', 'line: rs485, unitId: 1');
    expect(issuesOf(text)[0]).toMatchObject({ line: 8, path: 'meters[1].unitId' });
  });

  it('has meters that are not Modbus, each on a line for itself', () => {
    const config = parseStationConfig(
      `station: { name: A }
lines:
  - { id: a, serial: /dev/ttyUSB0 }
  - { id: b, serial: /dev/ttyUSB1 }
  - { id: c, serial: /dev/ttyUSB2 }
  - { id: d, rtuOverTcp: "192.0.2.1:4001" }
  - { id: e, serial: /dev/ttyUSB3, baudRate: 4800 }
meters:
  - { id: a, line: a, profile: sml, every: 2s }
  - { id: b, line: b, profile: p1, every: 10s }
  - { id: c, line: c, profile: iec62056, every: 15m }
  - { id: d, line: d, profile: iec62056, readout: push, every: 10s }
  - { id: e, line: e, profile: sml, every: 2s }
`,
      { knownProfiles: ['abb-b23'] },
    );
    expect(config.lines.map((line) => (line.kind === 'serial' ? line.baudRate : line.kind))).toEqual([
      9600,
      115_200,
      300,
      'rtuOverTcp',
      4800,
    ]);
    expect(config.meters.map((meter) => [meter.kind, 'readout' in meter && meter.readout])).toEqual([
      ['stream', 'push'],
      ['stream', 'push'],
      ['stream', 'request'],
      ['stream', 'push'],
      ['stream', 'push'],
    ]);
  });

  it.each([
    ['a Modbus meter without a unit id', 'unitId: 5, ', '', 'meters[1]', 'needs unitId'],
    ['a unit id of a meter that has none', 'profile: abb-b23', 'profile: sml', 'meters[1].unitId', 'Modbus'],
    [
      'telegrams over Modbus TCP',
      'unitId: 5, profile: abb-b23',
      'profile: p1',
      'meters[1].line',
      'needs a line',
    ],
    [
      'a change of speed behind a gateway',
      'line: gateway, unitId: 5, profile: abb-b23',
      'line: clear, profile: iec62056',
      'meters[1].line',
      'where the speed can change',
    ],
    [
      'a meter that sends by itself on a line that others use',
      'line: gateway, unitId: 5, profile: abb-b23',
      'line: rs485, profile: sml',
      'meters[1].line',
      'for itself',
    ],
    ['a readout of a Modbus meter', 'unitId: 5', 'readout: push, unitId: 5', 'meters[1].readout', 'iec62056'],
  ])('refuses %s', (_what, good, bad, key, message) => {
    const issue = issuesOf(GOOD.replace(good, bad)).find((found) => found.path === key);
    expect(issue?.message).toContain(message);
    expect(issue?.line).toBe(8);
  });

  it('asks for the serial number of a meter whose model tells none, and keeps the one given', () => {
    const context = { profilesWithoutSerial: ['abb-b23'] };
    const given = GOOD.replace('unitId: 5,', 'unitId: 5, serial: "0042",');
    expect(parseStationConfig(given, context).meters.map(({ serial }) => serial)).toEqual([
      undefined,
      '0042',
    ]);
    expect(() => parseStationConfig(GOOD, context)).toThrowError(
      expect.objectContaining({
        code: 'config.invalid',
        problems: [expect.objectContaining({ line: 8, path: 'meters[1]' })] as unknown,
      }),
    );
    // Unquoted it is a number, which has lost its leading zeros.
    expect(issuesOf(given.replace('"0042"', '0042'))).toEqual([
      expect.objectContaining({ line: 8, path: 'meters[1].serial' }),
    ]);
  });

  it('is checked against the models that it names, and only these are loaded', async () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'config-')), 'station.yaml');
    writeFileSync(file, GOOD);
    const loaded: string[] = [];
    const profiles = {
      listProfileIds: () => Promise.resolve(['abb-b23', 'eastron-sdm630', 'another']),
      loadProfile: (id: string) => {
        loaded.push(id);
        return Promise.resolve({ identity: id === 'abb-b23' ? {} : { serial: { type: 'u32' } } });
      },
    };
    await expect(loadStationConfigWith(profiles, file)).rejects.toMatchObject({
      problems: [{ path: 'meters[1]', line: 8 }],
    });
    writeFileSync(file, GOOD.replace('unitId: 5,', 'unitId: 5, serial: "0042",'));
    expect((await loadStationConfigWith(profiles, file)).meters[1]).toMatchObject({ serial: '0042' });
    expect(new Set(loaded)).toEqual(new Set(['eastron-sdm630', 'abb-b23']));
    rmSync(path.dirname(file), { recursive: true });
  });

  it('refuses a profile that is not there and names the nearest', () => {
    expect(issuesOf(GOOD, ['eastron-sdm630', 'abb-b21'])[0]?.message).toContain('did you mean "abb-b21"');
  });

  it('reports a YAML syntax error with its line', () => {
    expect(issuesOf(`${GOOD}meters: [`)[0]?.line).toBeGreaterThanOrEqual(17);
  });

  it('never throws anything but a ConfigError, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constantFrom('null', '[]', '- 1', 'station: 3', '&a [*a]')),
        (text) => {
          try {
            parseStationConfig(text);
            return false;
          } catch (error) {
            return error instanceof ConfigError;
          }
        },
      ),
    );
  });

  it('has a JSON Schema file that is generated from the code (UPDATE_GOLDEN=1 writes it)', () => {
    const generated = `${JSON.stringify(toJsonSchema(STATION_FILE, { target: 'draft-2020-12', ignoreActions: ['check'] }), null, 2)}\n`;
    const file = new URL('../../src/config/station.schema.json', import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, generated);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(generated));
  });
});

describe('durations and sizes', () => {
  it('are exact integers in ms and bytes', () => {
    expect([
      parseDurationMs('500ms'),
      parseDurationMs('10s'),
      parseDurationMs('5m'),
      parseDurationMs('1h'),
    ]).toEqual([500, 10_000, 300_000, 3_600_000]);
    expect([parseSizeBytes('64KiB'), parseSizeBytes('2GiB')]).toEqual([65_536, 2_147_483_648]);
  });

  it.each(['', '10', '1.5s', '-1s', '1d', '10 s', '10S'])('refuse "%s"', (text) => {
    expect(() => parseDurationMs(text)).toThrow(RangeError);
  });
});
