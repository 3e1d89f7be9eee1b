import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fleet, FleetFeed, openDesk, type BrokerDesk, type FleetMessage } from '../../../src/fleet/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { startFleetBroker, type FleetBroker } from '../../support/fleet/fleet-broker.ts';
import {
  FLEET_MESSAGES,
  LOOKED_AT,
  message,
  sample,
  STATION_MESSAGES,
} from '../../support/fleet/recorded-messages.ts';

let source: FleetBroker;
let desk: BrokerDesk;

beforeAll(async () => {
  source = await startFleetBroker([
    ...FLEET_MESSAGES,
    ...STATION_MESSAGES.filter(({ retained }) => retained),
  ]);
  desk = openDesk(
    { url: source.broker.url, limits: { reconnectMinMs: 1, reconnectMaxMs: 10 } },
    { clock: systemMonotonicClock, random: () => randomInt(2 ** 32) / 2 ** 32 },
  );
});
afterAll(async () => {
  await desk.close();
  await source.stop();
});

describe('what a desk listens to', () => {
  it('is what the list shows, and all of one station for as long as it is looked at', async () => {
    const fleet = new Fleet();
    const heard: FleetMessage[] = [];
    let look = (): void => {};
    const feed = new FleetFeed(desk, fleet, 'broker', (one) => {
      heard.push(one);
      look();
    });
    const until = async (isSo: () => boolean): Promise<void> =>
      await new Promise((resolve) => {
        look = () => {
          if (isSo()) resolve();
        };
        look();
      });
    const kinds = (): string[] =>
      [...new Set(heard.map(({ topic }) => topic.split('/').at(-1) ?? ''))].sort();
    let mark = 0;
    // What is said after it comes after it: what is not here when it is here was not subscribed to.
    const sayMarked = async (messages: readonly FleetMessage[]): Promise<void> => {
      mark++;
      await source.say([...messages, message('mark', 'journal', { size: mark }, { retained: false })]);
      await until(() => fleet.station('mark')?.journal?.size === mark);
    };
    const live = [
      message(LOOKED_AT, 'meters/evse1/sample', sample('evse1', 1), { retained: false }),
      message(LOOKED_AT, 'log', { level: 'error', event: 'x', atMs: 1 }, { retained: false }),
    ];

    await feed.look(null);
    await until(() => fleet.size === 5);
    await sayMarked(live);
    expect(kinds()).toEqual(['health', 'journal', 'state', 'status', 'sync']);
    expect(fleet.detail.log).toEqual([]);

    await feed.look(LOOKED_AT);
    await until(() => fleet.detail.lines.size === 1 && fleet.detail.meters.size === 2);
    await sayMarked(live);
    expect(fleet.detail.log).toHaveLength(1);
    expect(fleet.detail.meters.get('evse1')?.readings.size).toBe(7);

    await feed.look(null);
    expect(fleet.detail.log).toEqual([]);
    heard.length = 0;
    await sayMarked(live);
    expect(kinds()).toEqual(['journal']);
    expect(fleet.heard.malformed).toBe(0);
  });
});
