import { obis, type Log, type MeterSample } from '../../../hal/contract/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import {
  openTelemetry,
  type StationBirth,
  type Telemetry,
  type TelemetryLimits,
  type TelemetryOptions,
} from '../../../src/telemetry/index.ts';

export const BIRTH: StationBirth = {
  version: '0.1.0',
  identity: {
    publicKey: '3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29',
    account: '5DaAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy',
    origin: 'delmonicos/5DaAnrj7VHTznn2AWBemMuyBwZWs6FNFjdyVXUeYum3PTXFy',
  },
  boot: { count: 7, reason: 'power-on' },
};

export interface LoggedEvent {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface TelemetryUnderTest {
  readonly telemetry: Telemetry;
  readonly events: LoggedEvent[];
  /** Resolves at the next event for which the predicate holds, also one that was logged before. */
  readonly logged: (holds: (event: LoggedEvent) => boolean) => Promise<LoggedEvent>;
}

/** Pauses short enough for a test; every other limit is the product's. */
const FAST: Partial<TelemetryLimits> = { reconnectMinMs: 20, reconnectMaxMs: 100, closeTimeoutMs: 1_000 };

export function startTelemetry(
  url: string,
  options: Partial<Omit<TelemetryOptions, 'url'>> = {},
): TelemetryUnderTest {
  const events: LoggedEvent[] = [];
  const waiting = new Set<() => void>();
  const log: Log = (level, event, fields = {}) => {
    events.push({ level, event, fields });
    for (const wake of waiting) wake();
  };
  const telemetry = openTelemetry(
    { stationName: 'DE-ACME-0001', birth: BIRTH, ...options, url, limits: { ...FAST, ...options.limits } },
    { clock: systemMonotonicClock, random: () => 0.5, log },
  );
  return {
    telemetry,
    events,
    logged: (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = events.find(holds);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** The n-th reading of a meter: no two of them carry the same energy. */
export function sample(n: number): MeterSample {
  return {
    meterSerial: '21080001',
    profileId: 'eastron-sdm630',
    readBeginMonoMs: 1_000 * n,
    readEndMonoMs: 1_000 * n + 52.5,
    values: [
      {
        obis: obis('1-0:1.8.0*255'),
        value: { mantissa: 123_450n + BigInt(n), exponent: -1 },
        unit: 'Wh',
        quality: 'G',
      },
    ],
  };
}
