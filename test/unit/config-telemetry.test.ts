import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseStationConfig, type TelemetryConfig } from '../../src/config/index.ts';
import { verifierKeyFault } from '../../src/config/telemetry-contradictions.ts';
import { formatVerifierKey, parseVerifierKey } from '../../src/journal/index.ts';
import { parseOperators } from '../../src/remote/index.ts';

const MQTT = 'mqtt: { url: "mqtts://broker.example:8883" }';

function keyOf(keyName: string, fill: number): string {
  return formatVerifierKey({ keyName, publicKey: new Uint8Array(32).fill(fill) });
}
const ANNA = keyOf('anna', 1);

function textOf(telemetry: readonly string[]): string {
  const lines = ['station: { name: A }', 'lines: []', 'meters: []', 'control: { socket: /run/control.sock }'];
  return [...lines, 'telemetry:', ...telemetry.map((line) => `  ${line}`)].join('\n');
}

function telemetryOf(...telemetry: string[]): TelemetryConfig {
  return parseStationConfig(textOf(telemetry)).telemetry;
}

function problemsOf(...telemetry: string[]): ConfigError['problems'] {
  try {
    parseStationConfig(textOf(telemetry));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the section telemetry', () => {
  it('publishes at most ten mebibytes a day and the lines of the log that warn, and obeys nobody, unless it says so', () => {
    expect(telemetryOf(MQTT)).toEqual({
      mqtt: { url: 'mqtts://broker.example:8883', logLevel: 'warning', bytesPerDay: 10 * 1024 ** 2 },
      operators: [],
    });
  });

  it('is nothing where the file says nothing', () => {
    expect(parseStationConfig('station: { name: A }\nlines: []\nmeters: []\n').telemetry).toEqual({
      operators: [],
    });
  });

  it('takes everything that it knows', () => {
    expect(
      telemetryOf(
        'mqtt:',
        '  url: mqtts://192.0.2.7',
        '  username: station',
        '  serverName: broker.example',
        '  bytesPerDay: 1MiB',
        '  log: off',
        '  homeAssistant: { prefix: ha }',
        `operators: [{ key: "${ANNA}" }, { key: "${keyOf('bert', 2)}", may: act }]`,
        'prometheus: { socket: /run/delmonicos/metrics.sock }',
      ),
    ).toEqual({
      mqtt: {
        ...{ url: 'mqtts://192.0.2.7', username: 'station', serverName: 'broker.example' },
        ...{ bytesPerDay: 1024 ** 2, logLevel: 'off', homeAssistant: { prefix: 'ha' } },
      },
      operators: [
        { key: ANNA, may: 'read' },
        { key: keyOf('bert', 2), may: 'act' },
      ],
      prometheus: { socket: '/run/delmonicos/metrics.sock' },
    });
  });

  it('holds nothing back where it is told so, and finds Home Assistant where that usually listens', () => {
    const { mqtt } = telemetryOf('mqtt: { url: "mqtt://b", bytesPerDay: unlimited, homeAssistant: {} }');
    expect(mqtt).toMatchObject({ bytesPerDay: null, homeAssistant: { prefix: 'homeassistant' } });
  });

  it.each([
    ['a budget of nothing', ['mqtt: { url: "mqtt://b", bytesPerDay: 63KiB }'], 'telemetry.mqtt.bytesPerDay'],
    [
      'a budget without a unit',
      ['mqtt: { url: "mqtt://b", bytesPerDay: 100000 }'],
      'telemetry.mqtt.bytesPerDay',
    ],
    ['a level that no line has', ['mqtt: { url: "mqtt://b", log: verbose }'], 'telemetry.mqtt.log'],
    [
      'a name for a broker without TLS',
      ['mqtt: { url: "mqtt://b", serverName: broker.example }'],
      'telemetry.mqtt.serverName',
    ],
    [
      'a name that is none',
      ['mqtt: { url: "mqtts://b", serverName: "*.example" }'],
      'telemetry.mqtt.serverName',
    ],
    [
      'a prefix of two levels',
      ['mqtt: { url: "mqtt://b", homeAssistant: { prefix: a/b } }'],
      'telemetry.mqtt.homeAssistant.prefix',
    ],
    ['a socket that is no path', ['prometheus: { socket: metrics.sock }'], 'telemetry.prometheus.socket'],
    [
      'a path that no Unix socket can have',
      [`prometheus: { socket: /${'a'.repeat(107)} }`],
      'telemetry.prometheus.socket',
    ],
    [
      'metrics where the charging software asks',
      ['prometheus: { socket: /run/control.sock }'],
      'telemetry.prometheus.socket',
    ],
    ['operators whom nothing reaches', [`operators: [{ key: "${ANNA}" }]`], 'telemetry.operators'],
    ['a key that is no key', [MQTT, 'operators: [{ key: anna }]'], 'telemetry.operators[0].key'],
    [
      'a key with a letter changed',
      [MQTT, `operators: [{ key: "${ANNA.replace('anna', 'anne')}" }]`],
      'telemetry.operators[0].key',
    ],
    [
      'two keys of one name',
      [MQTT, `operators: [{ key: "${ANNA}" }, { key: "${keyOf('anna', 2)}" }]`],
      'telemetry.operators[1].key',
    ],
    [
      'one key under two names',
      [MQTT, `operators: [{ key: "${ANNA}" }, { key: "${keyOf('bert', 1)}" }]`],
      'telemetry.operators[1].key',
    ],
    [
      'a permission that there is not',
      [MQTT, `operators: [{ key: "${ANNA}", may: write }]`],
      'telemetry.operators[0].may',
    ],
  ])('refuses %s, and says in which line', (_what, telemetry, path) => {
    const problem = problemsOf(...telemetry).find((found) => found.path === path);
    expect(problem?.line).toBeGreaterThanOrEqual(5);
  });

  it('believes the keys that the journal’s own reader of keys believes, and no other', () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
      .filter((text) => /^[^\s\u0085+]+$/u.test(text));
    const change = fc.record({ at: fc.nat(), to: fc.constantFrom(...'aB0+/=\u0085 9') });
    fc.assert(
      fc.property(
        name,
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.option(change),
        (keyName, publicKey, changed) => {
          const good = formatVerifierKey({ keyName, publicKey });
          const at = changed === null ? 0 : changed.at % good.length;
          const text = changed === null ? good : `${good.slice(0, at)}${changed.to}${good.slice(at + 1)}`;
          // What does not even have the shape is refused by the schema, before this is asked.
          fc.pre(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(text));
          expect(verifierKeyFault(text) === undefined).toBe(isBelieved(text));
        },
      ),
    );
  });

  it('has no operator that the room of commands would refuse', () => {
    const { operators } = telemetryOf(
      MQTT,
      `operators: [{ key: "${ANNA}" }, { key: "${keyOf('bert', 2)}", may: act }]`,
    );
    expect(parseOperators(operators).map(({ name, may }) => [name, may])).toEqual([
      ['anna', 'read'],
      ['bert', 'act'],
    ]);
  });
});

function isBelieved(text: string): boolean {
  try {
    parseVerifierKey(text);
    return true;
  } catch {
    return false;
  }
}
