import { describe, expect, it } from 'vitest';
import type { EntryKind, EntryRange, JournalEntry } from '../../../src/journal/index.ts';
import { PICTURE_READINGS, selectSession, type SessionSource } from '../../../src/receipt/index.ts';
import { decodeEntry } from '../../../src/journal/index.ts';
import {
  SESSION_ID,
  sessionLog,
  type SessionLog,
  type SessionLogOptions,
} from '../../support/receipt/session-fixture.ts';

const code = (name: string) => expect.objectContaining({ code: `receipt.${name}` }) as Error;

/** A journal in memory, some of whose entries have gone. */
function sourceOf({ log }: Pick<SessionLog, 'log'>, holes: readonly EntryRange[] = []): SessionSource {
  const there = log
    .map((cose, index) => ({ index, cose, kind: decodeEntry(cose).entry.kind }))
    .filter(({ index }) => !holes.some(({ from, to }) => index >= from && index < to));
  return {
    entries: (from, to) => there.filter(({ index }) => index >= from && index < to),
    newestOfKind: (kind: EntryKind) => there.filter((entry) => entry.kind === kind).reverse(),
    holes: (from, to) => holes.filter((hole) => hole.from < to && hole.to > from),
  };
}

const select = (options: SessionLogOptions, holes?: readonly EntryRange[]) => {
  const log = sessionLog({ withoutOcmf: true, ...options });
  return { log, selection: selectSession(sourceOf(log, holes), SESSION_ID) };
};

describe('what goes in the receipt of a session', () => {
  it('is everything from begin to end of a short one, the gap and the tariff among it', () => {
    const { log, selection } = select({ minutes: 30, gap: [10, 12] });
    const all = Array.from({ length: log.endIndex - log.beginIndex + 1 }, (_, i) => log.beginIndex + i);
    expect(selection).toMatchObject({
      begin: log.beginIndex,
      end: log.endIndex,
      indices: all,
      readings: { chosen: 26, of: 26 },
      events: { chosen: 2, of: 2 },
      gone: 0,
    });
  });

  it('is as many readings of a long one as a picture needs, evenly spread, and every event', () => {
    const { log, selection } = select({ minutes: 1_000, gap: [500, 520] });
    expect(selection.readings).toEqual({ chosen: PICTURE_READINGS, of: 978 });
    expect(selection.events).toEqual({ chosen: 2, of: 2 });
    const { indices } = selection;
    expect(indices).toHaveLength(PICTURE_READINGS + 4);
    expect([indices[0], indices.at(-1)]).toEqual([log.beginIndex, log.endIndex]);
    const steps = indices.slice(1).map((index, i) => index - indices[i]!);
    expect(Math.max(...steps)).toBeLessThanOrEqual(4);
  });

  it('is without readings of another meter and events of another session', () => {
    const change = (entry: JournalEntry): JournalEntry => {
      if (entry.kind === 'reading' && entry.index % 2 === 0) {
        return { ...entry, body: { ...entry.body, meterSerial: 'ANOTHER' } };
      }
      if (entry.kind === 'tariff') return { ...entry, body: { ...entry.body, sessionId: 'another' } };
      return entry;
    };
    const { selection } = select({ minutes: 20, change });
    expect(selection.readings).toEqual({ chosen: 10, of: 10 });
    expect(selection.events).toEqual({ chosen: 0, of: 0 });
    expect(selection.indices.slice(1, -1).every((index) => index % 2 === 1)).toBe(true);
  });

  it('tells how many entries have gone, and holds the later entry that says so', () => {
    const lost = { from: 6, to: 9 };
    const change = (entry: JournalEntry): JournalEntry =>
      entry.index === 23
        ? {
            ...entry,
            kind: 'fault',
            body: {
              code: 'journal.damaged',
              message: '',
              holes: [lost],
              tree: { size: 20, root: new Uint8Array(32) },
            },
          }
        : entry;
    const { log, selection } = select({ minutes: 20, change }, [lost, { from: 500, to: 600 }]);
    expect(log.endIndex).toBe(22);
    expect(selection.gone).toBe(3);
    expect(selection.indices).not.toContain(7);
    expect(selection.indices.at(-1)).toBe(23);
  });

  it('is of the newest session where an id was used twice', () => {
    const first = sessionLog({ minutes: 3, withoutOcmf: true });
    const twice = sessionLog({
      minutes: 10,
      withoutOcmf: true,
      change: (entry) => {
        const body = { ...(begin(first) as { body: object }).body };
        if (entry.index === 4) return { ...entry, kind: 'session-end', body } as JournalEntry;
        if (entry.index === 6) return { ...entry, kind: 'session-begin', body } as JournalEntry;
        return entry;
      },
    });
    expect(selectSession(sourceOf(twice), SESSION_ID)).toMatchObject({ begin: 6, end: twice.endIndex });
  });

  it('is refused for a session that is not there, and for one that has not ended', () => {
    const log = sessionLog({ minutes: 5, withoutOcmf: true });
    expect(() => selectSession(sourceOf(log), 'another')).toThrow(code('no_session'));
    const running = { log: log.log.slice(0, log.endIndex) };
    expect(() => selectSession(sourceOf(running), SESSION_ID)).toThrow(code('session_running'));
  });
});

function begin({ log, beginIndex }: SessionLog): JournalEntry {
  return decodeEntry(log[beginIndex]!).entry;
}
