import type { MonotonicClock } from '../../../hal/contract/index.ts';
import { decodeLevel, encodeLevel, stationPrefix, statusTopic, TOPIC_ROOT } from '../../telemetry/index.ts';
import type { BrokerDesk } from '../desk/desk.ts';
import { FleetError } from '../errors.ts';
import { nearNames } from './near-names.ts';
import { readObject } from './part-collector.ts';
import { readStatus, type StationStatus } from './station-status.ts';

export type OnlineStatus = Extract<StationStatus, { status: 'online' }>;

/** What is kept of the names that are announced while looking for a near one. */
const MAX_NAMES = 20_000;

export interface StationSeat {
  /** As it was last said. */
  readonly status: OnlineStatus;
  /** Resolves with the next one that is said to be online; rejects with the signal's reason. */
  changed(signal: AbortSignal): Promise<void>;
  end(): Promise<void>;
}

export interface FindOptions {
  readonly clock: MonotonicClock;
  /** How long what the broker retains may take to come; it says nowhere that there is none. */
  readonly retainedWithinMs: number;
}

/**
 * Reads what the broker retains of a station, and goes on reading it.
 * Rejects with `fleet.no_station`, `fleet.station_offline`, `fleet.not_allowed`, `fleet.not_connected`.
 */
export async function findStation(
  desk: Pick<BrokerDesk, 'subscribe'>,
  station: string,
  options: FindOptions,
): Promise<StationSeat> {
  const prefix = stationPrefix(station);
  let status: StationStatus | undefined;
  const waiting = new Set<() => void>();
  const said = new AbortController();
  const subscription = await desk.subscribe(statusTopic(prefix), ({ payload }) => {
    const read = readStatus(payload);
    if (read === undefined) return;
    status = read;
    said.abort();
    for (const wake of waiting) wake();
  });
  try {
    // What is retained may have come before the broker's answer.
    if (readStatusNow() === undefined) await pause(options.clock, options.retainedWithinMs, said.signal);
    const found = readStatusNow();
    if (found === undefined) throw await unknownStation(desk, station, options);
    if (found.status === 'offline') throw await offline(desk, { station, prefix }, found.reason, options);
    let last = found;
    return {
      get status() {
        const now = readStatusNow();
        if (now?.status === 'online') last = now;
        return last;
      },
      changed: (signal) =>
        new Promise((resolve, reject) => {
          const over = (): void => {
            waiting.delete(wake);
            signal.removeEventListener('abort', abort);
          };
          const wake = (): void => {
            if (readStatusNow()?.status !== 'online') return;
            over();
            resolve();
          };
          const abort = (): void => {
            over();
            reject(signal.reason as Error);
          };
          if (signal.aborted) return abort();
          waiting.add(wake);
          signal.addEventListener('abort', abort, { once: true });
        }),
      end: () => subscription.end(),
    };
  } catch (error) {
    await subscription.end();
    throw error;
  }

  function readStatusNow(): StationStatus | undefined {
    return status;
  }
}

/** Waits, or until the signal is given. */
async function pause(clock: MonotonicClock, durationMs: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(durationMs, signal).catch(() => {});
}

async function unknownStation(
  desk: Pick<BrokerDesk, 'subscribe'>,
  station: string,
  { clock, retainedWithinMs }: FindOptions,
): Promise<FleetError> {
  const names = new Set<string>();
  const message = `the broker knows no station ${JSON.stringify(station)}`;
  try {
    const take = ({ topic }: { readonly topic: string }): void => {
      const name = stationOf(topic);
      if (name !== undefined && names.size < MAX_NAMES) names.add(name);
    };
    // QoS 0: mosquitto queues a thousand messages of QoS 1 for one client, and drops what is beyond.
    const all = await desk.subscribe(statusTopic(`${TOPIC_ROOT}/+`), take, { qos: 0 });
    await pause(clock, retainedWithinMs, new AbortController().signal);
    await all.end();
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return new FleetError('fleet.no_station', message, {
      hint: "Check its name (station.name in station.yaml). This user's access list may hide it, too.",
    });
  }
  const near = nearNames(station, names);
  const seen =
    names.size === 0
      ? 'It shows none at all: may this user read them (access list)?'
      : `It knows ${names.size} others.`;
  const meant =
    near.length > 0 ? `Did you mean ${near.join(', ')}?` : `${seen} Check the name and the broker.`;
  return new FleetError('fleet.no_station', message, { hint: meant, details: { near, seen: names.size } });
}

/** Of a topic `delmonicos/v1/<station>/status`. */
function stationOf(topic: string): string | undefined {
  const level = topic.slice(TOPIC_ROOT.length + 1, -'/status'.length);
  try {
    const name = decodeLevel(level);
    return encodeLevel(name) === level ? name : undefined;
  } catch {
    return undefined;
  }
}

/** A will carries no time; the documents that lie beside it tell when the station last spoke. */
async function offline(
  desk: Pick<BrokerDesk, 'subscribe'>,
  { station, prefix }: { readonly station: string; readonly prefix: string },
  reason: string,
  { clock, retainedWithinMs }: FindOptions,
): Promise<FleetError> {
  let lastMs: number | undefined;
  const seen = new AbortController();
  const take = ({ payload }: { readonly payload: Uint8Array }): void => {
    const time = readObject(payload)?.['time'];
    if (typeof time !== 'number' || !Number.isSafeInteger(time) || Math.abs(time) > 8.64e15) return;
    lastMs = Math.max(lastMs ?? time, time);
    seen.abort();
  };
  const subscription = await desk.subscribe(`${prefix}/state`, take).catch(() => undefined);
  if (!seen.signal.aborted) await pause(clock, retainedWithinMs, seen.signal);
  await subscription?.end();
  const since = isoTime(lastMs);
  const when = since === undefined ? '' : `; by its own clock it last spoke at ${since}`;
  return new FleetError('fleet.station_offline', `${station} is offline (${reason})${when}`, {
    remedy: 'retry',
    details: { reason, ...(since !== undefined && { lastSpokeAt: since }) },
    hint:
      reason === 'stopped'
        ? 'Its service was stopped in good order: somebody has to start it.'
        : 'Its link or its power is gone: what it retains at the broker is from before that.',
  });
}

function isoTime(timeMs: number | undefined): string | undefined {
  return timeMs === undefined ? undefined : `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
