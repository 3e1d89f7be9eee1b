// The charging session in a receipt: its begin, its end, and what the entries in between can say against it.
import { formatDecimal, subtractDecimal } from '../../hal/contract/index.ts';
import type { EntryOf, JournalEntry } from '../journal/index.ts';
import { isSessionEntry, sameMeter, sampleOf } from './believed-entries.ts';
import { fail, notChecked, pass, type Finding } from './check.ts';
import { firstFall, importOf } from './import-register.ts';
import { statementOf } from './statement.ts';

/** A begin and an end that stand in one receipt. */
export interface SessionEnds {
  readonly begin: EntryOf<'session-begin'>;
  readonly end: EntryOf<'session-end'>;
}

/** Begin or end, by the station's clock. */
export interface SessionMoment {
  readonly index: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** What that clock was worth. */
  readonly clock: string;
  /** The import register in Wh, exact; null when the meter did not vouch for it. */
  readonly register: string | null;
}

export interface SessionSummary {
  readonly sessionId: string;
  readonly evseId: string;
  readonly meterSerial: string;
  readonly begin: SessionMoment;
  readonly end: SessionMoment;
  /** Energy from begin to end in Wh, exact; null when the `session` or the `energy` check does not pass. */
  readonly wh: string | null;
  /** From begin to end by the clock that never jumps; null when the station started anew in between. */
  readonly durationMs: number | null;
  /** Entries that the log has between begin and end, and how many of them are in the receipt. */
  readonly entriesBetween: number;
  readonly entriesShown: number;
}

/** The one session of a receipt; undefined when it has none, or not exactly one begin and one end. */
export function sessionEnds(entries: readonly JournalEntry[]): SessionEnds | undefined {
  const begins = entries.filter((entry) => entry.kind === 'session-begin');
  const ends = entries.filter((entry) => entry.kind === 'session-end');
  const [begin] = begins;
  const [end] = ends;
  if (begin === undefined || end === undefined || begins.length > 1 || ends.length > 1) return undefined;
  return { begin, end };
}

export function summaryOf(
  { begin, end }: SessionEnds,
  entries: readonly JournalEntry[],
  findings: { readonly session: Finding; readonly energy: Finding },
): SessionSummary {
  const certain = findings.session.result === 'pass' && findings.energy.result === 'pass';
  return {
    sessionId: begin.body.sessionId,
    evseId: begin.body.evseId,
    meterSerial: begin.body.reading.meterSerial,
    begin: momentOf(begin),
    end: momentOf(end),
    wh: certain ? (energyOf({ begin, end }) ?? null) : null,
    durationMs: begin.bootCount === end.bootCount ? end.sinceBootMs - begin.sinceBootMs : null,
    entriesBetween: Math.max(0, end.index - begin.index - 1),
    entriesShown: entries.filter(({ index }) => index > begin.index && index < end.index).length,
  };
}

function momentOf(entry: EntryOf<'session-begin'> | EntryOf<'session-end'>): SessionMoment {
  const { index, time, clock } = statementOf(entry);
  const register = importOf(entry.body.reading);
  return { index, time, clock, register: register === undefined ? null : formatDecimal(register) };
}

/** In Wh, exact; undefined when one of the two readings has no good register. */
export function energyOf({ begin, end }: SessionEnds): string | undefined {
  const from = importOf(begin.body.reading);
  const to = importOf(end.body.reading);
  return from === undefined || to === undefined ? undefined : formatDecimal(subtractDecimal(to, from));
}

/** Begin and end belong together, and nothing between them speaks against it. */
export function checkSession(entries: readonly JournalEntry[]): Finding {
  if (!entries.some(isSessionEntry)) return notChecked('the receipt holds no session');
  const ends = sessionEnds(entries);
  if (ends === undefined) return oneSided(entries);
  const why = whyApart(ends) ?? whyInterrupted(ends, entries);
  if (why !== undefined) return fail(why);
  const { begin, end } = ends;
  const { sessionId, evseId, reading } = begin.body;
  const restarts = end.bootCount - begin.bootCount;
  const anew = restarts === 0 ? '' : `; the station started anew ${times(restarts)} in between`;
  return pass(
    `begin (entry ${begin.index}) and end (entry ${end.index}) are of session ${sessionId} at ${evseId}, meter ${reading.meterSerial}${anew}`,
  );
}

function oneSided(entries: readonly JournalEntry[]): Finding {
  const sessions = entries.filter(isSessionEntry);
  const [only, another] = sessions;
  if (only !== undefined && another === undefined) {
    const missing = only.kind === 'session-begin' ? 'end' : 'begin';
    return notChecked(`the ${missing} of session ${only.body.sessionId} is not in the receipt`);
  }
  return fail(`${sessions.length} begins and ends do not make one session`);
}

function whyApart({ begin, end }: SessionEnds): string | undefined {
  const [a, b] = [begin.body, end.body];
  if (a.sessionId !== b.sessionId) return `the begin is of session ${a.sessionId}, the end of ${b.sessionId}`;
  if (a.evseId !== b.evseId) return `the begin is of EVSE ${a.evseId}, the end of ${b.evseId}`;
  if (!sameMeter(a.reading, b.reading)) {
    return `the begin was read from meter ${a.reading.meterSerial}, the end from ${b.reading.meterSerial}`;
  }
  if (end.index < begin.index) return 'the end stands before the begin in the log';
  if (end.bootCount < begin.bootCount) return 'the end was written in an earlier boot than the begin';
  if (end.bootCount === begin.bootCount && end.sinceBootMs < begin.sinceBootMs) {
    return 'the end was written earlier than the begin, by the clock that never jumps';
  }
  return undefined;
}

function whyInterrupted({ begin, end }: SessionEnds, entries: readonly JournalEntry[]): string | undefined {
  const { reading } = begin.body;
  const inside = entries.filter(({ index }) => index >= begin.index && index <= end.index);
  const swap = inside.find(
    ({ kind, body }) =>
      kind === 'meter-swap' && 'oldSerial' in body && body.oldSerial === reading.meterSerial,
  );
  if (swap !== undefined)
    return `meter ${reading.meterSerial} was exchanged in between (entry ${swap.index})`;
  const ofMeter = inside.filter((entry) => {
    const sample = sampleOf(entry);
    return sample !== undefined && sameMeter(sample, reading);
  });
  const fall = firstFall(ofMeter);
  return fall === undefined
    ? undefined
    : `the register of meter ${fall.meterSerial} falls at entry ${fall.index}`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
