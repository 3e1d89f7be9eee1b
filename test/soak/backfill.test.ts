// A hundred thousand entries through a broker that cuts its connections now and then: whole in the end, and in memory that does not grow.
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { fetchEntries } from '../../src/fleet/index.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { exported } from '../support/backfill/backfill-station.ts';
import { stationAtBroker } from '../support/backfill/mqtt-link.ts';
import { openTestJournal, reading, SIGNER, temporaryDirectory } from '../support/journal/journal-fixture.ts';
import { startBroker } from '../support/telemetry/broker.ts';

const SIZE = Number(process.env['BACKFILL_ENTRIES'] ?? 100_000);
const CUT_EVERY = 700;
/** Station, broker and reader are one process here, and each has buffers of its own. */
const MAX_GROWTH_BYTES = 96 * 1024 * 1024;

it('gets a large log through a broker that cuts its connections', { timeout: 900_000 }, async () => {
  const { directory, remove } = temporaryDirectory();
  await write(directory);
  const broker = await startBroker();
  const station = await stationAtBroker(directory, broker.url);
  const file = path.join(directory, 'entries.cbor');
  let [chunks, bytes] = [0, 0];
  broker.onMessage(({ topic, payload }) => {
    if (!topic.includes('/entries/')) return;
    bytes += payload.length;
    if (++chunks % CUT_EVERY === 0) broker.cut();
  });
  const rss: number[] = [];
  const began = performance.now();
  const result = await fetchEntries({
    ...{ link: station.link, clock: systemMonotonicClock, file, from: 0 },
    trusted: { publicKey: SIGNER.publicKey },
    onProgress: () => rss.push(process.memoryUsage.rss()),
  });
  const seconds = (performance.now() - began) / 1_000;
  expect(result).toMatchObject({ entries: SIZE, verified: true, missing: [], rejected: 0 });
  expect(readFileSync(file).equals(exported(directory, 0, SIZE))).toBe(true);
  const early = Math.max(...rss.slice(0, Math.ceil(rss.length / 10)));
  const growth = Math.max(...rss) - early;
  expect(growth).toBeLessThan(MAX_GROWTH_BYTES);
  const figures = {
    ...{ entries: SIZE, seconds: Number(seconds.toFixed(1)), perSecond: Math.round(SIZE / seconds) },
    ...{ fileBytes: statSync(file).size, sentBytes: bytes, messages: chunks, requests: result.requests },
    ...{ rssMaxMiB: Math.round(Math.max(...rss) / 2 ** 20), rssGrowthMiB: Math.round(growth / 2 ** 20) },
  };
  process.stderr.write(`${JSON.stringify(figures)}\n`);
  await station.close();
  await broker.stop();
  remove();
});

async function write(directory: string): Promise<void> {
  const journal = await openTestJournal(directory);
  for (let n = journal.size; n < SIZE; n += 512) {
    const count = Math.min(512, SIZE - n);
    const group = Array.from({ length: count }, (_, i) =>
      journal.append('reading', reading(n + i), 'sample'),
    );
    await journal.flush();
    await Promise.all(group);
  }
  await journal.close();
}
