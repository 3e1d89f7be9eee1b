// Entries through a real MQTT broker, which cuts its connections in the middle.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchEntries } from '../../../src/fleet/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import { exported } from '../../support/backfill/backfill-station.ts';
import { stationAtBroker, type MqttStation } from '../../support/backfill/mqtt-link.ts';
import { SIGNER, temporaryDirectory, writeTestLog } from '../../support/journal/journal-fixture.ts';
import { startBroker, type EmbeddedBroker } from '../../support/telemetry/broker.ts';

const SIZE = 1_000;

let directory: string;
let remove: () => void;
let broker: EmbeddedBroker;
let station: MqttStation;
beforeEach(async () => {
  ({ directory, remove } = temporaryDirectory());
  await writeTestLog(directory, SIZE);
  broker = await startBroker();
  station = await stationAtBroker(directory, broker.url);
});
afterEach(async () => {
  await station.close();
  await broker.stop();
  remove();
});

describe('entries through a broker', () => {
  it('are whole and proved, also when it cuts every connection in the middle of a transfer', async () => {
    const file = path.join(directory, 'entries.cbor');
    let chunks = 0;
    broker.onMessage(({ topic }) => {
      if (topic.includes('/entries/') && (++chunks === 8 || chunks === 20)) broker.cut();
    });
    const result = await fetchEntries({
      ...{ link: station.link, clock: systemMonotonicClock, file, from: 0 },
      trusted: { publicKey: SIGNER.publicKey },
    });
    expect(result).toMatchObject({ entries: SIZE, to: SIZE, verified: true, missing: [], rejected: 0 });
    expect(readFileSync(file).equals(exported(directory, 0, SIZE))).toBe(true);
    expect(station.commands()).toBe(result.requests);
    expect(result.requests).toBeGreaterThan(1);
  });
});
