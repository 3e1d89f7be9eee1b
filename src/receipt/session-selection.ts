// Which entries of a log make the receipt of a session: its begin and end, what else the log says about the time in between,
// and as many of the meter's readings as a picture of the power needs.
import { decodeEntry, type EntryKind, type EntryRange, type JournalEntry } from '../journal/index.ts';
import { sameMeter } from './believed-entries.ts';
import { ReceiptError } from './errors.ts';
import type { SessionEnds } from './session.ts';

/** What is asked of a journal; a `JournalReader` is one. */
export interface SessionSource {
  entries(from: number, to: number): Iterable<StoredEntry>;
  newestOfKind(kind: Exclude<EntryKind, 'reading'>): Iterable<StoredEntry>;
  holes(from: number, to: number): readonly EntryRange[];
}

interface StoredEntry {
  readonly index: number;
  readonly cose: Uint8Array;
}

export interface SessionSelection {
  readonly begin: number;
  readonly end: number;
  /** Ascending: begin, end, and everything chosen in between or because it tells of what is not there any more. */
  readonly indices: readonly number[];
  /** The meter's readings between begin and end: chosen, and still in the journal. */
  readonly readings: { readonly chosen: number; readonly of: number };
  /** Other entries about the time in between: chosen, and in the journal. */
  readonly events: { readonly chosen: number; readonly of: number };
  /** Entries between begin and end that have gone from the journal. */
  readonly gone: number;
}

/** A picture some hundred pixels wide shows no more; it keeps the file of a day's session under a megabyte. */
export const PICTURE_READINGS = 360;
/** Nobody reads more, and a clock that is set all the time must not crowd out the readings. */
const MAX_EVENTS = 200;
/** Decoded in one piece. */
const PIECE_ENTRIES = 64;

/**
 * Thins evenly and keeps the first and the last of a kind. Reads the session once, in constant memory but for indices.
 * @throws ReceiptError `receipt.no_session`, `receipt.session_running`
 */
export function selectSession(source: SessionSource, sessionId: string): SessionSelection {
  const selecting = selectingSession(source, sessionId);
  for (;;) {
    const step = selecting.next();
    if (step.done === true) return step.value;
  }
}

/**
 * The same in pieces of a few milliseconds, for whoever has something else to do in between.
 * @param most of the meter's readings
 */
export function* selectingSession(
  source: SessionSource,
  sessionId: string,
  most = PICTURE_READINGS,
): Generator<undefined, SessionSelection, void> {
  const { begin, end } = yield* findSession(source, sessionId);
  const readings: number[] = [];
  const events: number[] = [];
  for (const { index, cose } of source.entries(begin.index + 1, end.index)) {
    if (index % PIECE_ENTRIES === 0) yield;
    const { entry } = decodeEntry(cose);
    if (entry.kind === 'reading') {
      if (sameMeter(entry.body, begin.body.reading)) readings.push(index);
    } else if (concerns(entry, sessionId)) events.push(index);
  }
  const chosenReadings = thinned(readings, most);
  const chosenEvents = thinned(events, MAX_EVENTS);
  const declared = declaredGone(source, begin.index, end.index);
  const indices = new Set([begin.index, ...chosenReadings, ...chosenEvents, end.index, ...declared]);
  return {
    begin: begin.index,
    end: end.index,
    indices: [...indices].sort((a, b) => a - b),
    readings: { chosen: chosenReadings.length, of: readings.length },
    events: { chosen: chosenEvents.length, of: events.length },
    gone: source
      .holes(begin.index, end.index)
      .reduce((sum, { from, to }) => sum + Math.min(to, end.index) - Math.max(from, begin.index), 0),
  };
}

/** The newest session of that id: a back office may use one again. */
function* findSession(source: SessionSource, sessionId: string): Generator<undefined, SessionEnds, void> {
  const end = yield* newest(source, 'session-end', (entry) => entry.body.sessionId === sessionId);
  const begin = yield* newest(
    source,
    'session-begin',
    (entry) => entry.body.sessionId === sessionId && (end === undefined || entry.index < end.index),
  );
  if (begin === undefined) {
    throw new ReceiptError('receipt.no_session', `the journal holds no session ${sessionId}`, {
      hint: 'the session ids of a journal: delmonicos journal export DIR --format csv',
    });
  }
  if (end === undefined) {
    throw new ReceiptError('receipt.session_running', `session ${sessionId} has not ended yet`, {
      hint: `its begin alone: delmonicos receipt create DIR --index ${begin.index} -o FILE`,
    });
  }
  return { begin, end };
}

function* newest<K extends 'session-begin' | 'session-end'>(
  source: SessionSource,
  kind: K,
  accepts: (entry: Extract<JournalEntry, { kind: K }>) => boolean,
): Generator<undefined, Extract<JournalEntry, { kind: K }> | undefined, void> {
  let looked = 0;
  for (const { cose } of source.newestOfKind(kind)) {
    if (++looked % PIECE_ENTRIES === 0) yield;
    const entry = decodeEntry(cose).entry as Extract<JournalEntry, { kind: K }>;
    if (accepts(entry)) return entry;
  }
  return undefined;
}

/** Whether an entry says something about the session that its holder should not be kept from. */
function concerns(entry: JournalEntry, sessionId: string): boolean {
  switch (entry.kind) {
    case 'tariff':
      return entry.body.sessionId === undefined || entry.body.sessionId === sessionId;
    case 'boot':
    case 'meter-swap':
    case 'clock-step':
    case 'gap':
    case 'fault':
      return true;
    case 'reading':
    case 'config':
    case 'command':
    case 'session-begin':
    case 'session-end':
      return false;
  }
}

/** Later entries that say which entries of the session are gone, and why. */
function declaredGone(source: SessionSource, begin: number, end: number): number[] {
  if (source.holes(begin, end).length === 0) return [];
  const found: number[] = [];
  for (const kind of ['gap', 'fault'] as const) {
    for (const { index, cose } of source.newestOfKind(kind)) {
      if (index < begin) break;
      const ranges = goneBy(decodeEntry(cose).entry);
      if (ranges.some(({ from, to }) => from < end && to > begin)) found.push(index);
    }
  }
  return thinned(found, MAX_EVENTS);
}

function goneBy(entry: JournalEntry): readonly EntryRange[] {
  if (entry.kind === 'fault') return entry.body.holes ?? [];
  return entry.kind === 'gap' && 'ranges' in entry.body ? entry.body.ranges : [];
}

/** At most `limit`, evenly spread, the first and the last among them. */
export function thinned(indices: readonly number[], limit: number): number[] {
  if (indices.length <= limit) return [...indices];
  const last = indices.length - 1;
  return Array.from({ length: limit }, (_, i) => indices[Math.floor((i * last) / (limit - 1))]!);
}
