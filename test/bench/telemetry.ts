import type { Bench, Measure, Row, Scale } from './bench.ts';
import { runDay, type DayFigures, type DaySetting } from './telemetry-day.ts';

const VALUES = 24;
const MIB = 1024 * 1024;
const BUDGETS: readonly {
  readonly name: string;
  readonly bytesPerDay: number | null;
  readonly hours: number;
}[] = [
  // Each second is as the one before: one hour tells of the day.
  { name: 'unlimited', bytesPerDay: null, hours: 1 },
  { name: '10MiB, the default', bytesPerDay: 10 * MIB, hours: 24 },
  { name: '1MB', bytesPerDay: 1_000_000, hours: 24 },
];

export const telemetryBench: Bench = {
  name: 'telemetry',
  what: 'bytes a day that telemetry costs, by budget',
  async run(scale) {
    const tables = [];
    for (const meters of scale === 'full' ? [10, 2] : [1]) tables.push(await table(meters, scale));
    return tables;
  },
};

async function table(meters: number, scale: Scale) {
  const rows: Row[] = [];
  for (const { name, bytesPerDay, hours } of BUDGETS) {
    const setting = { meters, values: VALUES, bytesPerDay, hours: scale === 'full' ? hours : 1 / 60 };
    rows.push({ subject: name, measures: measures(setting, await runDay(setting)) });
  }
  return {
    title: `Telemetry of ${meters} meters with ${VALUES} values at 1 Hz, the first day of the service`,
    baseline: BUDGETS[0]?.name ?? '',
    rows,
    notes: [
      'MQTT: both directions, as counted in front of a broker on loopback; wire: with 52 bytes for each segment, three of them for what is answered',
      'virtual time, but of pings, which are reckoned; without TLS, which adds 29 bytes to a record and some 3 KB to a session',
      'a warning in the log every hour and four changes of health; unlimited: an hour, times 24',
    ],
  };
}

function measures({ meters, bytesPerDay, hours }: DaySetting, day: DayFigures): Record<string, Measure> {
  const perDay = 24 / hours;
  const one = (unit: Measure['unit'], sample: number): Measure => ({ unit, samples: [sample] });
  return {
    'MQTT a day': one('MB', (day.mqttBytes * perDay) / 1e6),
    'wire a day': one('MB', (day.wireBytes * perDay) / 1e6),
    ...(bytesPerDay !== null && {
      'of the budget': one('%', (100 * day.wireBytes * perDay) / bytesPerDay),
    }),
    'own count': one('MB', (day.ownBytes * perDay) / 1e6),
    'a message of each meter every': one('s', (meters * hours * 3_600) / day.messages),
    'readings in each': one('count', day.samples / day.messages),
  };
}
