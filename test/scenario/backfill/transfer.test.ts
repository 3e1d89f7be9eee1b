// Entries from a station to a file: over a link that loses, doubles and swaps; past what is gone; behind a hostile broker.
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  fetchEntries,
  FleetError,
  type EntriesLink,
  type FetchOptions,
  type FetchResult,
} from '../../../src/fleet/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  rotateKey,
  signCheckpoint,
  type JournalSigner,
  type SignedCheckpoint,
} from '../../../src/journal/index.ts';
import type { TransferEnd } from '../../../src/remote/index.ts';
import { USUAL_BYTES_PER_SECOND } from '../../../src/station/backfill/pace.ts';
import {
  backfillStation,
  exported,
  inItsTime,
  withReader,
  type BackfillStation,
  type OnItsWay,
  type StationSetup,
} from '../../support/backfill/backfill-station.ts';
import { hasCode } from '../../support/has-code.ts';
import {
  openTestJournal,
  ORIGIN,
  reading,
  SIGNER,
  temporaryDirectory,
} from '../../support/journal/journal-fixture.ts';

const SECOND = identityFromSeed(new Uint8Array(32).fill(8));
const THIRD = identityFromSeed(new Uint8Array(32).fill(9));
/** Entries of 2 KB, so that a log of few has many messages: checking a signature is what takes time here. */
const SIZE = 90;

let directory: string;
let file: string;
let remove: () => void;
beforeEach(() => {
  ({ directory, remove } = temporaryDirectory());
  file = path.join(directory, 'entries.cbor');
});
afterEach(() => remove());

async function writeLog(size: number, signer: JournalSigner = SIGNER): Promise<SignedCheckpoint> {
  const journal = await openTestJournal(directory, { signer });
  const message = 'm'.repeat(2_000);
  const missing = Array.from({ length: Math.max(0, size - journal.size) });
  const appended = missing.map(() => journal.append('fault', { code: 'test', message }, 'sample'));
  await journal.flush();
  await Promise.all(appended);
  const checkpoint = await journal.checkpoint();
  await journal.close();
  return checkpoint;
}

function stationOf(setup: Partial<StationSetup> = {}): BackfillStation {
  return backfillStation({ directory, signer: SIGNER, ...setup });
}

function fetchFrom(station: BackfillStation, options: Partial<FetchOptions> = {}): Promise<FetchResult> {
  const { link, clock } = station;
  const trusted = { publicKey: SIGNER.publicKey };
  return inItsTime(clock, fetchEntries({ link, clock, trusted, from: 0, file, ...options }));
}

describe('entries over a link', () => {
  it('are in the file as an export writes them, and proved', async () => {
    const { text } = await writeLog(SIZE);
    const seen: number[] = [];
    const result = await fetchFrom(stationOf(), { onProgress: ({ next }) => seen.push(next) });
    expect(result).toMatchObject({ from: 0, to: SIZE, entries: SIZE, fetched: SIZE, size: SIZE });
    expect(result).toMatchObject({ verified: true, missing: [], undeclared: [], rejected: 0, requests: 1 });
    expect(readFileSync(file).equals(exported(directory, 0, SIZE))).toBe(true);
    expect(result.bytes).toBe(readFileSync(file).length);
    expect(readFileSync(`${file}.checkpoint`, 'utf8')).toBe(text);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(SIZE);
  });

  it('are any range of the log, and the log may grow meanwhile', async () => {
    await writeLog(SIZE);
    await fc.assert(
      fc.asyncProperty(fc.nat(SIZE - 1), fc.integer({ min: 1, max: SIZE }), async (from, length) => {
        writeFileSync(file, '');
        const to = Math.min(SIZE, from + length);
        const result = await fetchFrom(stationOf(), { from, to });
        expect(result).toMatchObject({ from, to, entries: to - from, verified: true });
        expect(readFileSync(file).equals(exported(directory, from, to))).toBe(true);
      }),
      { numRuns: 3 },
    );
    let grown = false;
    const grow = (message: OnItsWay): readonly OnItsWay[] => {
      if (!grown && message.kind === 'chunk') {
        grown = true;
        void writeLog(SIZE + 10);
      }
      return [message];
    };
    writeFileSync(file, '');
    expect(await fetchFrom(stationOf({ onTheWay: grow }))).toMatchObject({ to: SIZE, verified: true });
  });

  it('are whole in the end whatever is lost, doubled or swapped', async () => {
    await writeLog(SIZE);
    const fates = fc.infiniteStream(
      fc.constantFrom('through', 'through', 'through', 'lost', 'twice', 'held'),
    );
    await fc.assert(
      fc.asyncProperty(fates, async (stream) => {
        writeFileSync(file, '');
        let held: OnItsWay[] = [];
        let losses = 0;
        const onTheWay = (message: OnItsWay): readonly OnItsWay[] => {
          const fate: unknown = stream.next().value;
          if (fate === 'lost' && losses++ < 6) return [];
          if (fate === 'held' && held.length < 3) {
            held.push(message);
            return [];
          }
          const late = held;
          held = [];
          return fate === 'twice' ? [message, message, ...late] : [message, ...late];
        };
        const result = await fetchFrom(stationOf({ onTheWay }));
        expect(result).toMatchObject({ entries: SIZE, verified: true, rejected: 0 });
        expect(readFileSync(file).equals(exported(directory, 0, SIZE))).toBe(true);
      }),
      { numRuns: 3 },
    );
  });

  it('are gone on with in a file that was cut anywhere, and a finished file is only proved again', async () => {
    await writeLog(SIZE);
    const whole = exported(directory, 0, SIZE);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (cut) => {
        writeFileSync(file, whole.subarray(0, cut));
        const result = await fetchFrom(stationOf(), { to: SIZE });
        expect(result).toMatchObject({ entries: SIZE, verified: true, bytes: whole.length });
        expect(readFileSync(file).equals(whole)).toBe(true);
      }),
      { numRuns: 3 },
    );
    const station = stationOf();
    expect(await fetchFrom(station, { to: SIZE })).toMatchObject({
      fetched: 0,
      entries: SIZE,
      verified: true,
    });
    expect(station.commands).toMatchObject([{ from: 0, to: SIZE, next: SIZE, known: SIZE }]);
  });

  it('of a log that grew follow those of the file, and the new tree begins with the old one', async () => {
    await writeLog(30);
    await fetchFrom(stationOf());
    await writeLog(70);
    const station = stationOf();
    expect(await fetchFrom(station)).toMatchObject({ fetched: 40, entries: 70, size: 70, verified: true });
    expect(station.commands).toMatchObject([{ from: 0, next: 30, known: 30 }]);
    expect(readFileSync(file).equals(exported(directory, 0, 70))).toBe(true);
  });

  it('are not put into a file of something else, which stays as it is', async () => {
    await writeLog(30);
    for (const content of [
      'hello',
      exported(directory, 3, 9),
      Buffer.concat([exported(directory, 0, 2), exported(directory, 0, 2)]),
    ]) {
      writeFileSync(file, content);
      const from = typeof content === 'string' ? 0 : 4;
      await expect(fetchFrom(stationOf(), { from, to: 8 })).rejects.toEqual(
        hasCode('backfill.not_resumable'),
      );
      expect(readFileSync(file).equals(Buffer.from(content))).toBe(true);
    }
    writeFileSync(file, exported(directory, 0, 20));
    await expect(fetchFrom(stationOf(), { to: 10 })).rejects.toEqual(hasCode('backfill.not_resumable'));
    writeFileSync(file, exported(directory, 0, 20));
    writeFileSync(`${file}.checkpoint`, 'nothing');
    await expect(fetchFrom(stationOf())).rejects.toEqual(hasCode('backfill.not_resumable'));
    // Nor is what stands beside a new file written over.
    const model = path.join(directory, 'model');
    writeFileSync(`${model}.checkpoint`, 'weights');
    await expect(fetchFrom(stationOf(), { file: model })).rejects.toEqual(hasCode('backfill.not_resumable'));
    expect(readFileSync(`${model}.checkpoint`, 'utf8')).toBe('weights');
    await expect(fetchFrom(stationOf(), { file: directory })).rejects.toEqual(hasCode('backfill.file'));
  });

  it('go on when the station is not there for a moment, and are not begun where it is not there at all', async () => {
    await writeLog(30);
    const station = stationOf({
      onTheWay: (message, command) => (message.kind === 'chunk' && command === 1 ? [] : [message]),
    });
    const offline = new FleetError('fleet.station_offline', 'not connected');
    let opened = 0;
    const link: EntriesLink = {
      open: (parameters, heard) =>
        ++opened === 2 ? Promise.reject(offline) : station.link.open(parameters, heard),
    };
    expect(await fetchFrom({ ...station, link })).toMatchObject({ entries: 30, verified: true, requests: 3 });
    const gone: EntriesLink = { open: () => Promise.reject(offline) };
    await expect(fetchFrom({ ...station, link: gone })).rejects.toEqual(hasCode('fleet.station_offline'));
  });

  it('that no message holds come in pieces', async () => {
    const journal = await openTestJournal(directory);
    for (const length of [100, 13_000, 60_000, 200, 40_000]) {
      await journal.append('fault', { code: 'test', message: 'x'.repeat(length) }, 'billing');
    }
    await journal.close();
    expect(await fetchFrom(stationOf())).toMatchObject({ entries: 6, verified: true });
    expect(readFileSync(file).equals(exported(directory, 0, 6))).toBe(true);
  });
});

describe('a log of several keys', () => {
  async function rotatedLog(): Promise<void> {
    await writeLog(20);
    const first = await openTestJournal(directory);
    await rotateKey(first, SIGNER, SECOND, 'rotation');
    await first.close();
    await writeLog(40, SECOND);
    const second = await openTestJournal(directory, { signer: SECOND });
    await rotateKey(second, SECOND, THIRD, 'rotation');
    await second.close();
    await writeLog(60, THIRD);
  }

  it('is verified from whichever of them is trusted, whatever range is asked for', async () => {
    await rotatedLog();
    for (const { publicKey } of [SIGNER, SECOND, THIRD]) {
      for (const [from, to] of [
        [0, 60],
        [3, 15],
        [23, 37],
        [50, 60],
      ] as const) {
        writeFileSync(file, '');
        const result = await fetchFrom(stationOf({ signer: THIRD }), {
          from,
          to,
          trusted: { publicKey, origin: ORIGIN },
        });
        expect(result).toMatchObject({ entries: to - from, verified: true });
      }
    }
  });

  it('is verified also where it had more keys than one part of an answer holds', async () => {
    const keys = Array.from({ length: 12 }, (_, i) => identityFromSeed(new Uint8Array(32).fill(20 + i)));
    let held: typeof SIGNER = SIGNER;
    for (const next of keys) {
      const journal = await openTestJournal(directory, { signer: held });
      await rotateKey(journal, held, next, 'rotation');
      await journal.close();
      held = next;
    }
    for (const { publicKey } of [SIGNER, keys[5]!, held]) {
      writeFileSync(file, '');
      expect(await fetchFrom(stationOf({ signer: held }), { trusted: { publicKey } })).toMatchObject({
        verified: true,
      });
    }
  });

  it('is not believed with another key, another name, or rotations left out', async () => {
    await rotatedLog();
    const stranger = { publicKey: identityFromSeed(new Uint8Array(32).fill(10)).publicKey };
    const station = stationOf({ signer: THIRD });
    await expect(fetchFrom(station, { trusted: stranger })).rejects.toEqual(hasCode('backfill.wrong_key'));
    const other = { publicKey: SIGNER.publicKey, origin: 'delmonicos/other' };
    await expect(fetchFrom(station, { trusted: other })).rejects.toEqual(hasCode('backfill.wrong_key'));
    const onTheWay = edited('rotations', () => []);
    await expect(fetchFrom(stationOf({ signer: THIRD, onTheWay }))).rejects.toEqual(
      hasCode('backfill.no_progress'),
    );
    // A checkpoint by a key that was replaced within the tree is none.
    writeFileSync(file, '');
    expect((await fetchFrom(stationOf({ signer: SIGNER }), { to: 60 })).verified).not.toBe(true);
  });
});

/** Changes one field in whatever part has it. */
function edited(key: string, edit: (value: unknown) => unknown) {
  return (message: OnItsWay): readonly OnItsWay[] => {
    if (message.kind === 'chunk' || !message.part.ok || !(key in message.part.result)) return [message];
    const result = message.part.result as Record<string, unknown>;
    return [{ ...message, part: { ...message.part, result: { ...result, [key]: edit(result[key]) } } }];
  };
}

describe('a hostile broker', () => {
  beforeEach(async () => void (await writeLog(SIZE)));

  it('that turns a bit, leaves out an entry or swaps two is found out, and what is true still comes', async () => {
    const tampers: readonly ((payload: Buffer, at: number) => Buffer)[] = [
      (payload, at) => {
        const turned = Buffer.from(payload);
        turned[at % turned.length]! ^= 1;
        return turned;
      },
      (payload) => payload.subarray(0, -40),
      (payload) => payload.subarray(exported(directory, 0, 1).length),
      () => Buffer.alloc(0),
      () => Buffer.from('garbage'),
      () => exported(directory, 80, 84),
    ];
    let which = 0;
    const onTheWay = (message: OnItsWay, command: number): readonly OnItsWay[] => {
      if (message.kind !== 'chunk' || command > tampers.length) return [message];
      const payload = tampers[command - 1]!(Buffer.from(message.payload), (which += 37));
      return command === tampers.length ? [{ ...message, payload }, message] : [{ ...message, payload }];
    };
    const result = await fetchFrom(
      stationOf({ onTheWay: (m, c) => onTheWay(m, ((c - 1) % 3) * 3 + 1 > 6 ? 99 : c) }),
    );
    expect(result).toMatchObject({ entries: SIZE, verified: true });
    expect(result.rejected).toBeGreaterThan(0);
    expect(readFileSync(file).equals(exported(directory, 0, SIZE))).toBe(true);
  });

  it('that puts messages of its own beside the true ones changes nothing', async () => {
    const onTheWay = (message: OnItsWay): readonly OnItsWay[] =>
      message.kind === 'part'
        ? [message]
        : [
            { ...message, payload: Buffer.from(message.payload).fill(7, 40, 60) },
            { ...message, payload: Buffer.of(1) },
            message,
          ];
    const result = await fetchFrom(stationOf({ onTheWay }));
    expect(result).toMatchObject({ entries: SIZE, verified: true, requests: 1 });
    expect(result.rejected).toBeGreaterThan(0);
  });

  it('that changes what the station says of the tree, the proof or the range proves nothing', async () => {
    const stranger = identityFromSeed(new Uint8Array(32).fill(10));
    const root = withReader(directory, (reader) => reader.rootAt(SIZE));
    const proof = (edit: (proof: NonNullable<TransferEnd['rangeProof']>) => object) =>
      edited('rangeProof', (value) => edit(value as NonNullable<TransferEnd['rangeProof']>));
    const ways = [
      edited('checkpoint', () => signCheckpoint({ origin: ORIGIN, size: SIZE, root }, stranger)),
      edited('checkpoint', () => signCheckpoint({ origin: ORIGIN, size: SIZE - 1, root }, SIGNER)),
      edited('checkpoint', () => 'nonsense'),
      edited('rangeProof', () => null),
      proof(({ first, ...rest }) => ({ ...rest, first: first.slice(1) })),
      proof(({ first, last, ...rest }) => ({ ...rest, first: last, last: first })),
      proof((value) => ({ ...value, to: value.to - 1 })),
      proof((value) => ({ ...value, first: value.first.map(() => 'no hash') })),
    ];
    for (const onTheWay of ways) {
      writeFileSync(file, '');
      const result = await fetchFrom(stationOf({ onTheWay }));
      expect(result.verified).not.toBe(true);
      expect(() => readFileSync(`${file}.checkpoint`)).toThrow(hasCode('ENOENT'));
    }
    for (const key of ['to', 'size', 'origin']) {
      writeFileSync(file, '');
      const onTheWay = edited(key, (value) => (typeof value === 'number' ? value + 1 : `${String(value)}/2`));
      const ended = await fetchFrom(stationOf({ onTheWay })).catch((error: unknown) => error);
      expect(ended).not.toMatchObject({ verified: true });
    }
  });

  it('that keeps sending what is of no use does not keep the reader for ever', async () => {
    const station = stationOf({ onTheWay: () => [] });
    const link: EntriesLink = {
      open: async (parameters, heard) => {
        const request = await station.link.open(parameters, heard);
        const over = new AbortController();
        void (async () => {
          for (let n = 0; !over.signal.aborted; n++) {
            heard.chunk(n % SIZE, Buffer.from(`${n}`));
            await station.clock.sleep(10_000);
          }
        })();
        return { ...request, end: () => Promise.resolve(over.abort()) };
      },
    };
    await expect(fetchFrom({ ...station, link })).rejects.toEqual(hasCode('backfill.no_progress'));
  });

  it('that hides entries behind hashes of its own shows them as missing, and nothing declares them gone', async () => {
    const hole = { from: 10, to: 14 };
    const hashes = withReader(directory, (reader) =>
      reader.subtreeHashes(hole.from, hole.to).map((h) => Buffer.from(h).toString('hex')),
    );
    const withHole = Buffer.concat([exported(directory, 0, 10), exported(directory, 14, 20)]);
    const onTheWay = (message: OnItsWay): readonly OnItsWay[] => {
      if (message.kind === 'part') return [message];
      const gone = {
        request: '',
        part: 9,
        last: false,
        ok: true,
        result: { gone: [{ ...hole, hashes }] },
      } as const;
      return [
        { kind: 'part', part: gone },
        { ...message, payload: withHole },
      ];
    };
    const result = await fetchFrom(stationOf({ onTheWay }), { to: 20 });
    expect(result).toMatchObject({ entries: 16, missing: [hole], undeclared: [hole], verified: true });
    const wrong = (message: OnItsWay): readonly OnItsWay[] =>
      onTheWay(message).map((one) =>
        one === message || one.kind === 'chunk'
          ? one
          : edited('gone', () => [{ ...hole, hashes: hashes.toReversed() }])(one)[0]!,
      );
    writeFileSync(file, '');
    const other = await fetchFrom(stationOf({ onTheWay: wrong }), { to: 20 });
    expect(other.verified).not.toBe(true);
  });
});

describe('a station that forks its log', () => {
  it('is found out by the checkpoint that was kept', async () => {
    await writeLog(40);
    await fetchFrom(stationOf(), { to: 20 });
    const fork = signCheckpoint({ origin: ORIGIN, size: 40, root: new Uint8Array(32).fill(3) }, SIGNER);
    writeFileSync(`${file}.checkpoint`, fork);
    await expect(fetchFrom(stationOf(), { to: 40 })).rejects.toEqual(hasCode('backfill.forked'));
    writeFileSync(
      `${file}.checkpoint`,
      signCheckpoint({ origin: ORIGIN, size: 30, root: new Uint8Array(32).fill(3) }, SIGNER),
    );
    const result = await fetchFrom(stationOf(), { to: 40 });
    expect(result.verified).not.toBe(true);
    writeFileSync(
      `${file}.checkpoint`,
      signCheckpoint({ origin: ORIGIN, size: 41, root: new Uint8Array(32) }, SIGNER),
    );
    await expect(fetchFrom(stationOf(), { to: 40 })).rejects.toEqual(hasCode('backfill.refused'));
  });
});

describe('what gave way to newer entries', () => {
  it('is named, and the rest is proved past it, in one go and in a file that was cut', async () => {
    const KIB = 1024;
    const journal = await openTestJournal(directory, { maxBytes: 2048 * KIB });
    for (let n = 0; n < 800; n += 200) {
      const group = Array.from({ length: 200 }, (_, i) => {
        const sample = { ...reading(n + i, 20), meterSerial: `SIM-${i % 3}` };
        return (n + i) % 100 === 7
          ? journal.append('fault', { code: 'meter.timeout', message: 'm' }, 'sample')
          : journal.append('reading', sample, 'sample');
      });
      await journal.flush();
      await Promise.all(group);
    }
    await journal.keepWithin({ maxBytes: 500 * KIB, anchoredSize: 512, exportedSize: 0 });
    await journal.close();
    const { size, holes } = withReader(directory, (reader) => ({ size: reader.size, holes: reader.holes() }));
    expect(holes.length).toBeGreaterThan(3);
    const whole = exported(directory, 0, size);
    const result = await fetchFrom(stationOf());
    expect(result).toMatchObject({ to: size, verified: true, undeclared: [], requests: 1 });
    expect(result.missing).toEqual(joined(holes));
    expect(readFileSync(file).equals(whole)).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (cut) => {
        writeFileSync(file, whole);
        truncateSync(file, cut);
        expect(await fetchFrom(stationOf())).toMatchObject({ verified: true, undeclared: [] });
        expect(readFileSync(file).equals(whole)).toBe(true);
      }),
      { numRuns: 1 },
    );
    // Of a part of the log, what declares a hole may stand behind it.
    const [hole] = holes;
    writeFileSync(file, '');
    const part = await fetchFrom(stationOf(), { from: hole!.from + 1, to: hole!.to + 30 });
    expect(part).toMatchObject({ verified: true });
    expect(part.undeclared[0]).toEqual({ from: hole!.from + 1, to: hole!.to });
  });

  function joined(ranges: readonly { readonly from: number; readonly to: number }[]) {
    const runs: { from: number; to: number }[] = [];
    for (const { from, to } of ranges) {
      const last = runs.at(-1);
      if (last?.to === from) last.to = to;
      else runs.push({ from, to });
    }
    return runs;
  }
});

describe('the desk of a station', () => {
  beforeEach(async () => void (await writeLog(130)));

  it('ends a transfer that nobody gives credit to, and goes on when it is asked again', async () => {
    const station = stationOf({ creditArrives: () => false });
    const ended = fetchFrom(station);
    expect(await ended).toMatchObject({ entries: 130, verified: true });
    expect(station.commands.length).toBeGreaterThan(1);
  });

  it('sends no more than there is credit for', async () => {
    let chunks = 0;
    const onTheWay = (message: OnItsWay): readonly OnItsWay[] => {
      if (message.kind === 'chunk') chunks++;
      return [];
    };
    const { link, clock } = stationOf({ onTheWay });
    const request = await link.open(
      { from: 0, to: 130, credit: 3 },
      { part: () => {}, chunk: () => {}, broken: () => {} },
    );
    await clock.advance(30_000);
    expect(chunks).toBe(3);
    request.credit({ request: request.request, chunks: 2 });
    request.credit({ request: '0'.repeat(32), chunks: 50 });
    await clock.advance(30_000);
    expect(chunks).toBe(5);
    await clock.advance(61_000);
    request.credit({ request: request.request, chunks: 2 });
    await clock.advance(30_000);
    expect(chunks).toBe(5);
  });

  it('keeps to its pace', async () => {
    const arrivals: number[] = [];
    const onTheWay = (message: OnItsWay): readonly OnItsWay[] => {
      if (message.kind === 'chunk') arrivals.push(message.payload.length);
      return [];
    };
    const { link, clock } = stationOf({ onTheWay, bytesPerSecond: USUAL_BYTES_PER_SECOND });
    await link.open({ from: 0, to: 130, credit: 200 }, { part: () => {}, chunk: () => {}, broken: () => {} });
    await clock.advance(1_000);
    const bytes = arrivals.reduce((sum, length) => sum + length, 0);
    expect(bytes).toBeGreaterThan(20 * 1024);
    expect(bytes).toBeLessThanOrEqual(48 * 1024);
  });

  it('serves two at a time; a second try of the same operator takes the place of the first', async () => {
    const station = stationOf({ onTheWay: () => [] });
    const codes: (string | undefined)[] = [];
    const ask = (operator: string, request: string) =>
      station.desk
        .handle(
          { from: 0, to: 130, credit: 1 },
          { request, operator, signal: new AbortController().signal, part: () => Promise.resolve() },
        )
        .then(
          () => codes.push(undefined),
          (error: { code: string }) => codes.push(`${request[0]} ${error.code}`),
        );
    void ask('a', 'a'.repeat(32));
    void ask('b', 'b'.repeat(32));
    await ask('c', 'c'.repeat(32));
    expect(codes).toEqual(['c remote.busy']);
    void ask('b', 'd'.repeat(32));
    await station.clock.advance(1_000);
    expect(codes).toEqual(['c remote.busy', 'b remote.busy']);
  });

  it('says so when the budget of the day is used up, and the reader goes on another day', async () => {
    let isHeldBack = true;
    const station = stationOf({ isHeldBack: () => isHeldBack });
    await expect(fetchFrom(station)).rejects.toEqual(hasCode('backfill.budget'));
    isHeldBack = false;
    expect(await fetchFrom(station)).toMatchObject({ entries: 130, verified: true });
  });

  it('sends nothing where a day has cost all that it may, not even what is gone, which no budget holds back', async () => {
    let isDaySpent = true;
    const heard: OnItsWay[] = [];
    const station = stationOf({
      isDaySpent: () => isDaySpent,
      onTheWay: (message) => {
        heard.push(message);
        return [message];
      },
    });
    await expect(fetchFrom(station)).rejects.toEqual(hasCode('backfill.budget'));
    expect(heard.map(({ kind }) => kind)).toEqual(['part', 'part']); // how it begins, and why it ends
    isDaySpent = false;
    expect(await fetchFrom(station)).toMatchObject({ entries: 130, verified: true });
  });

  it('refuses what is not in the log', async () => {
    for (const options of [{ from: 131 }, { from: 5_000, to: 6_000 }]) {
      appendFileSync(file, '');
      await expect(fetchFrom(stationOf(), options)).rejects.toEqual(hasCode('backfill.refused'));
    }
    expect(await fetchFrom(stationOf(), { from: 130 })).toMatchObject({
      from: 130,
      to: 130,
      entries: 0,
      verified: true,
    });
  });
});
