import { decimal, obis, silentLog, type MeasuredValue, type MeterSample } from '../../hal/contract/index.ts';
import { DocumentSchedule } from '../../src/station/telemetry/document-schedule.ts';
import type { RetainedDocument } from '../../src/station/telemetry/retained-document.ts';
import {
  openTelemetry,
  type StateDocumentOf,
  type StateTopic,
  type Telemetry,
  type TelemetryStatistics,
} from '../../src/telemetry/index.ts';
import * as examples from '../support/telemetry/telemetry-examples.ts';
import { BIRTH } from '../support/telemetry/telemetry-station.ts';
import { startBroker } from '../support/telemetry/broker.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { CountingProxy } from './counting-proxy.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A segment's headers: IPv4 20, TCP 20, its time stamps 12. */
const HEADER_BYTES = 52;
/** Itself, what answers it, and the acknowledgement of that, with two bytes of MQTT each way. */
const PING_BYTES = 3 * HEADER_BYTES + 4;
/** SYN, SYN-ACK, ACK, and what ends it. */
const CONNECTION_BYTES = 7 * HEADER_BYTES;

export interface DaySetting {
  readonly meters: number;
  readonly values: number;
  /** null: unlimited. */
  readonly bytesPerDay: number | null;
  /** Of virtual time. */
  readonly hours: number;
}

export interface DayFigures {
  /** MQTT, in both directions, as it passed in front of the broker. */
  readonly mqttBytes: number;
  /** The same with headers, pings and the connection. */
  readonly wireBytes: number;
  /** The most that the station itself thought of 24 hours, without pings. */
  readonly ownBytes: number;
  readonly samples: number;
  /** Messages of meters. */
  readonly messages: number;
  readonly statistics: TelemetryStatistics;
}

/**
 * A station's telemetry, with the documents of docs/telemetry.md for as many meters and lines, in virtual time against a real broker: of the
 * product all but the pings of its MQTT library, which keeps real time; those are reckoned.
 */
export async function runDay(setting: DaySetting): Promise<DayFigures> {
  const broker = await startBroker();
  const proxy = await CountingProxy.before(broker.port);
  const clock = new VirtualClock(0);
  let messages = 0;
  broker.onMessage(({ topic }) => (messages += /\/(sample|history)$/.test(topic) ? 1 : 0));
  const telemetry = openTelemetry(
    {
      ...{ url: `mqtt://127.0.0.1:${proxy.port}`, stationName: 'DE-ACME-0001', birth: BIRTH },
      bytesPerDay: setting.bytesPerDay,
    },
    { clock, random: () => 0.5, log: silentLog },
  );
  try {
    while (!telemetry.statistics().connected) await turn();
    const { pings, ownBytes } = await live(telemetry, clock, setting);
    const { in: bytesIn, out: bytesOut } = proxy.passed;
    const { in: chunksIn, out: chunksOut } = proxy.chunks;
    const mqttBytes = bytesIn + bytesOut;
    const wireBytes =
      mqttBytes + HEADER_BYTES * (chunksOut + 2 * chunksIn) + CONNECTION_BYTES + pings * PING_BYTES;
    return {
      ...{ mqttBytes, wireBytes, ownBytes, messages, statistics: telemetry.statistics() },
      samples: setting.meters * setting.hours * 3_600,
    };
  } finally {
    await closed(telemetry, clock);
    await proxy.down();
    await broker.stop();
  }
}

/** One virtual second after another; in each, what is sent arrives before the next one begins. */
async function live(
  telemetry: Telemetry,
  clock: VirtualClock,
  setting: DaySetting,
): Promise<{ readonly pings: number; readonly ownBytes: number }> {
  const schedule = documents(telemetry, clock, setting.meters);
  let [pings, ownBytes, sentBytes, sentAtMs] = [0, 0, 0, 0];
  for (let ms = 0; ms < setting.hours * HOUR_MS; ms += 1_000) {
    for (let meter = 1; meter <= setting.meters; meter++) {
      const stamp = { time: 1_790_000_000_000 + ms, clock: 'S', index: ms / 100 } as const;
      telemetry.publishSample(`evse${meter}`, reading(meter, ms, setting.values), stamp);
    }
    happenings(telemetry, ms);
    await clock.advance(1_000);
    await acknowledged(telemetry);
    const { bytesSent, budget } = telemetry.statistics();
    ownBytes = Math.max(ownBytes, budget.bytesLastDay);
    if (bytesSent !== sentBytes) [sentBytes, sentAtMs] = [bytesSent, ms];
    else if (ms - sentAtMs >= telemetry.keepAliveMs()) [pings, sentAtMs] = [pings + 1, ms];
  }
  const stopped = schedule.stop();
  await clock.advance(1);
  await stopped;
  await acknowledged(telemetry);
  return { pings, ownBytes };
}

/** What a station in fair order has to tell: a warning an hour, and a meter that falls silent for a while twice a day. */
function happenings(telemetry: Telemetry, ms: number): void {
  if (ms % HOUR_MS === HOUR_MS / 2) telemetry.publishNote('log', examples.LOG_LINE);
  if (ms % (DAY_MS / 4) === HOUR_MS) {
    telemetry.publishNote('health/change', examples.HEALTH_CHANGE);
    telemetry.publishState('health', { ...examples.HEALTH, asOfMs: ms });
  }
}

function documents(telemetry: Telemetry, clock: VirtualClock, meters: number): DocumentSchedule {
  const counted = <Topic extends StateTopic>(
    topic: Topic,
    document: StateDocumentOf<Topic>,
    figure: string,
  ): RetainedDocument => ({
    topic,
    news: () => '',
    make: () => ({ ...document, [figure]: Math.floor(clock.nowMonoMs()) }),
  });
  const lines = Math.ceil(meters / 5);
  return new DocumentSchedule({
    documents: [
      counted('state', examples.STATE, 'uptimeMs'),
      counted('journal', examples.JOURNAL, 'size'),
      counted('sync', examples.SYNC, 'peers'),
      ...numbered(meters, (n) => counted(`meters/evse${n}/status`, examples.METER_STATUS, 'samples')),
      ...numbered(lines, (n) => counted(`lines/rs485-${n}/status`, examples.LINE_STATUS, 'requests')),
    ],
    publish: (topic, document) => telemetry.publishState(topic, document),
    pace: { figuresEveryMs: () => telemetry.figuresEveryMs() },
    clock,
    onError: (topic, error) => {
      throw new Error(`${topic} was not published`, { cause: error });
    },
  });
}

function numbered<T>(count: number, make: (n: number) => T): T[] {
  return Array.from({ length: count }, (_, n) => make(n + 1));
}

/** What a three-phase meter shows: two energies, the rest amounts that move. */
function reading(meter: number, ms: number, count: number): MeterSample {
  const values = numbered(count, (n): MeasuredValue => {
    const isEnergy = n <= 2;
    const moving = 2_300 + ((ms / 1_000 + 7 * n + meter) % 90);
    return {
      obis: obis(`1-0:${n}.${isEnergy ? 8 : 7}.0*255`),
      value: isEnergy ? decimal(12_345_670 + Math.floor(ms / 400), -1) : decimal(moving, -1),
      unit: isEnergy ? 'Wh' : n % 2 === 0 ? 'V' : 'W',
      quality: 'G',
    };
  });
  const times = { readBeginMonoMs: ms + 0.4, readEndMonoMs: ms + 53.1 };
  return { meterSerial: `2108000${meter}`, profileId: 'eastron-sdm630', ...times, values };
}

/** Until the broker has what was sent; what the budget holds back is not waited for. */
async function acknowledged(telemetry: Telemetry): Promise<void> {
  while (telemetry.statistics().inFlight > 0) await turn();
}

async function closed(telemetry: Telemetry, clock: VirtualClock): Promise<void> {
  let isClosed = false;
  void telemetry.close().then(() => (isClosed = true));
  while (!isClosed) {
    await turn();
    await clock.advance(10);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
