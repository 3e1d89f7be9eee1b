// The power of a whole station is cut, again and again, while it reads its meters. What it has told anybody to be committed must be
// in its journal after the next boot: the machine, its kernel and what its disk had not flushed are gone (rig/volatile-disk.ts).
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { naiveRoot } from '../support/journal/naive-merkle.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { BootedStation, patience, STATE } from './rig/booted-station.ts';
import { ChargingSite } from './rig/charging-site.ts';
import { newDataPartition } from './rig/data-partition.ts';
import { Seen } from './rig/seen.ts';
import { ServiceEvents } from './rig/service-events.ts';

const random = seededRandom('boot-power-cut');
const CUTS = Number(process.env['BOOT_CUTS'] ?? (patience(1) === 1 ? 6 : 3));
/** Of what the drive had in its cache. */
const KEPT_PERCENT = [0, 50, 10, 90, 100, 0] as const;

describe(`power cuts of a station ${random.note}`, () => {
  const seen = new Seen('power cuts of a station that reads two meters');
  let site: ChargingSite;
  let image: Buffer;

  beforeAll(async () => {
    site = await ChargingSite.start();
    image = newDataPartition(site.stationYaml());
  });
  afterAll(async () => {
    await site?.stop();
  });

  it(`loses nothing that it said was committed, in ${CUTS} cuts at random moments`, async () => {
    let acknowledged = 0;
    for (let cut = 1; cut <= CUTS; cut++) {
      const events = new ServiceEvents();
      const station = await BootedStation.boot(site, { data: { image }, onEvent: events.hear });
      const size = await events.startedWith(patience(60_000));
      expect(size).toBeGreaterThanOrEqual(acknowledged);
      await events.committed(size + 2 + random.below(12), patience(60_000));
      await delay(random.below(1_000));
      const disk = await station.machine.cutPower();
      acknowledged = events.committedSize;
      const kept = KEPT_PERCENT[(cut - 1) % KEPT_PERCENT.length] ?? 0;
      const unflushed = disk.unflushedSectors;
      image = disk.imageAfterCut(kept, random);
      seen.add(
        `cut ${cut}`,
        `began with ${size} entries, ${acknowledged} committed; of ${unflushed} sectors in the drive's cache ${kept} % kept`,
      );
    }
    const station = await BootedStation.boot(site, { data: { image } });
    try {
      await station.active(120_000);
      const { ok, size } = await station.verifiedJournal();
      expect(ok).toBe(true);
      expect(size).toBeGreaterThanOrEqual(acknowledged);
      const entries = await exportedEntries(station);
      // Not only as many: the same ones. Each root that the broker was ever told is that of the journal as it is now.
      const said = site.journalSaid().filter((told) => told.size > 0 && told.size <= entries.length);
      expect(said.length).toBeGreaterThan(0);
      for (const told of said) expect(naiveRoot(entries.slice(0, told.size)).toString('hex')).toBe(told.root);
      seen.add(
        'after the last',
        `${size} entries verified; ${said.length} roots that the broker was told are its roots`,
      );
      const check =
        'journalctl -b -o cat --no-pager -t systemd-fsck -t kernel | grep -E "^data|EXT4-fs .vdb" | tail -3';
      seen.add('file system', (await station.ask(`${check} || true`)).replaceAll('\n', '; '));
    } finally {
      await station.machine.stop();
    }
  });

  it('finds entries lost on a drive that says it has flushed and has not, so that the cuts above could have failed', async () => {
    const events = new ServiceEvents();
    const station = await BootedStation.boot(site, { data: { image, lies: true }, onEvent: events.hear });
    const before = await events.startedWith(patience(60_000));
    await events.committed(before + 5, patience(60_000));
    const disk = await station.machine.cutPower();
    const acknowledged = events.committedSize;
    const after = new ServiceEvents();
    const again = await BootedStation.boot(site, {
      data: { image: disk.imageAfterCut(0, random) },
      onEvent: after.hear,
    });
    try {
      const size = await after.startedWith(patience(60_000));
      seen.add('control: a lying drive', `${acknowledged} committed, ${size} there after the cut`);
      expect(size).toBeLessThan(acknowledged);
    } finally {
      await again.machine.stop();
    }
  });
});

/** The signed bytes of every entry, in order. */
async function exportedEntries(station: BootedStation): Promise<Buffer[]> {
  const packed = await station.ask(
    `runuser -u delmonicos -- delmonicos journal export ${STATE} --format jsonl | gzip | base64 -w0`,
  );
  const lines = gunzipSync(Buffer.from(packed, 'base64')).toString().trimEnd().split('\n');
  return lines.map((line) => Buffer.from((JSON.parse(line) as { cose: string }).cose, 'base64'));
}
