import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  decodeEntry,
  openJournalReader,
  verifyJournal,
  writeExportMark,
  type Journal,
} from '../../../src/journal/index.ts';
import { keepInBounds } from '../../../src/station/evidence/keep-in-bounds.ts';
import type { AnchorEvidence } from '../../../src/chain/index.ts';
import { SINCE_PROPERTY, storedSince } from '../../../src/sync/planning/publication.ts';
import { OutboxStore } from '../../../src/sync/outbox/outbox-store.ts';
import { openTestJournal, reading, temporaryDirectory } from '../../support/journal/journal-fixture.ts';

const MAX_BYTES = 1024 * 1024;
let stateDirectory: string;
let remove: () => void;
let journal: Journal;
let told: { event: string; fields: Readonly<Record<string, unknown>> }[];
let heard: () => void;

beforeEach(async () => {
  ({ directory: stateDirectory, remove } = temporaryDirectory());
  told = [];
  heard = () => {};
  journal = await openTestJournal(stateDirectory);
});
afterEach(async () => {
  await journal.close();
  remove();
});

function tell(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  told.push({ event, fields });
  heard();
}
async function fill(entries: number, kind: 'reading' | 'fault' = 'reading'): Promise<void> {
  const appended = Array.from({ length: entries }, (_, n) =>
    kind === 'reading'
      ? journal.append('reading', reading(n, 6), 'sample')
      : journal.append('fault', { code: 'meter.timeout', message: 'x'.repeat(300) }, 'sample'),
  );
  const stored = Promise.all(appended);
  stored.catch(() => undefined); // flush rejects first
  await journal.flush();
  await stored;
}
const bounds = (more: { publishesReadings?: boolean } = {}) =>
  keepInBounds({
    ...{ journal, stateDirectory, maxSizeBytes: MAX_BYTES, ...more },
    log: (_level, event, fields) => tell(event, fields),
    onDegraded: ({ code }) => tell(`degraded ${code}`),
  });
/** As the outbox keeps it when a checkpoint is in a final block. */
function finalAnchor(size: number, rootHex: string): void {
  const hash = `0x${'22'.repeat(32)}` as const;
  const evidence: AnchorEvidence = {
    ...{ via: 'rpc', genesisHash: hash, blockNumber: 7, blockHash: hash, header: '0x00', size },
    ...{ extrinsicIndex: 1, extrinsic: '0x00', extrinsicProof: ['0x00'], checkpoint: '' },
  };
  const outbox = OutboxStore.open(stateDirectory);
  outbox.commit([
    {
      ...({ id: 1, kind: 'anchor', state: 'final', checkpoint: '', size } as const),
      ...{ root: `0x${rootHex}` as const, plannedAtMs: 1, earlier: [], outcome: null },
      ...{ attempt: null, block: null, evidence, reason: null },
    },
  ]);
  outbox.close();
}
const next = (): Promise<void> => new Promise((resolve) => (heard = resolve));

describe('a station keeps its journal within its size', () => {
  it('looks when there are so many entries more, of a small bound fewer, not at every commit', async () => {
    await fill(2_500);
    const keep = bounds();
    const first = next();
    keep.committed(2_501);
    keep.committed(2_502);
    await first;
    expect(told.map(({ event }) => event)).toEqual(['journal.gave_way']);
    // The look is over when it has been heard of and its promise has settled.
    await new Promise(setImmediate);
    await fill(1_500);
    keep.committed(2_501 + 63);
    const second = next();
    keep.committed(2_501 + 64);
    await second;
    expect(told).toHaveLength(2);
    expect(await verifyJournal(stateDirectory)).toMatchObject({ ok: true });
  });

  it('makes old readings coarser when nothing is anchored, whatever was exported', async () => {
    await fill(2_500);
    writeExportMark(stateDirectory, 2_000);
    const look = next();
    bounds().committed(journal.size);
    await look;
    expect(told).toMatchObject([
      { event: 'journal.gave_way', fields: { dropped: expect.any(Number) as number } },
    ]);
    const { pruned } = await verifyJournal(stateDirectory);
    // First and last of the one meter in each tile stay.
    expect(pruned.entries % 254).toBe(253);
  });

  it.each([
    ['drops what a final anchor covers, to the last reading', true, 2_048],
    ['does not believe an anchor that is of another log', false, 0],
  ])('%s', async (_what, ownRoot, emptied) => {
    await fill(2_100);
    finalAnchor(journal.size, ownRoot ? Buffer.from(journal.root).toString('hex') : '11'.repeat(32));
    await fill(900);
    const look = next();
    bounds().committed(journal.size);
    await look;
    const reader = openJournalReader(stateDirectory);
    const reasons = [...reader.entries()]
      .filter(({ kind }) => kind === 'gap')
      .map(({ cose }) => (decodeEntry(cose).entry.body as { reason: string }).reason);
    const [hole] = reader.holes();
    reader.close();
    expect(new Set(reasons)).toEqual(new Set([ownRoot ? 'retention.anchored' : 'retention.thinned']));
    expect(hole?.from).toBe(ownRoot ? 1 : 2);
    expect(hole?.to).toBeLessThanOrEqual(ownRoot ? emptied : 255);
  });

  it.each([
    [
      'that are anchored and still to be published gives way last, and is thinned',
      1,
      [],
      ['retention.thinned'],
    ],
    [
      'from before anybody published goes first, although nothing is on chain in full yet',
      1_024,
      [1_024],
      ['retention.anchored', 'retention.thinned'],
    ],
  ])('of readings that are published, what is %s', async (_what, since, emptiedTo, reasons) => {
    await fill(2_900);
    finalAnchor(journal.size, Buffer.from(journal.root).toString('hex'));
    const outbox = OutboxStore.open(stateDirectory);
    outbox.setProperty(SINCE_PROPERTY, storedSince({ reading: since }, 0));
    outbox.close();
    await fill(1_100);
    const look = next();
    bounds({ publishesReadings: true }).committed(journal.size);
    await look;
    const reader = openJournalReader(stateDirectory);
    const gaps = [...reader.entriesOfKinds(['gap'])].map(
      ({ cose }) => decodeEntry(cose).entry.body as { reason: string; stretch: { to: number } },
    );
    reader.close();
    expect([...new Set(gaps.map(({ reason }) => reason))]).toEqual(reasons);
    const emptied = gaps
      .filter(({ reason }) => reason !== 'retention.thinned')
      .map(({ stretch }) => stretch.to);
    expect(emptied.slice(-1)).toEqual(emptiedTo);
  });

  it('looks when an entry finds no room, whatever was committed since', async () => {
    await journal.close();
    journal = await openTestJournal(stateDirectory, { maxBytes: MAX_BYTES });
    const keep = bounds();
    keep.committed(journal.size);
    await expect(fill(4_000)).rejects.toMatchObject({ code: 'journal.disk_full' });
    for (let n = 0; n < 20; n++) await fill(100).catch(() => undefined);
    await expect(fill(1)).rejects.toMatchObject({ code: 'journal.disk_full' });
    const look = next();
    keep.refused();
    keep.refused();
    await look;
    expect(told.map(({ event }) => event)).toEqual(['journal.gave_way']);
    await fill(100);
  });

  it('goes on without an anchor whose tree cannot be calculated any more', async () => {
    await fill(3_000);
    finalAnchor(700, '11'.repeat(32));
    // As if it had been dropped before the anchor was final.
    await journal.keepWithin({ maxBytes: 1, anchoredSize: 2_000, exportedSize: 0 });
    told = [];
    await fill(2_500);
    const look = next();
    bounds().committed(journal.size);
    await look;
    expect(told.map(({ event }) => event)).toEqual(['journal.gave_way']);
  });

  it('is degraded once while nothing more may go', async () => {
    await fill(3_000, 'fault');
    const keep = bounds();
    const look = next();
    keep.committed(journal.size);
    await look;
    await new Promise(setImmediate);
    const again = vi.spyOn(journal, 'keepWithin');
    keep.committed(journal.size + 1_000);
    while (again.mock.results.length === 0) await new Promise(setImmediate);
    expect(await again.mock.results[0]?.value).toMatchObject({ state: 'exhausted' });
    await new Promise(setImmediate);
    expect(told.map(({ event }) => event)).toEqual(['degraded journal.above_max_size']);
  });

  it('leaves a journal alone that is far from its size', async () => {
    await fill(500);
    const keepWithin = vi.spyOn(journal, 'keepWithin');
    bounds().committed(journal.size);
    await new Promise(setImmediate);
    expect(keepWithin).not.toHaveBeenCalled();
  });
});
