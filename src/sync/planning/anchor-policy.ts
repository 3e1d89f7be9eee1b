// When an anchor is made, and when the link may be used for it. Pure: the edge (planner.ts) brings the facts.
import type { DayWindow } from '../../config/index.ts';
import type { HeldBack } from '../status/status.ts';

export interface AnchorRules {
  readonly anchorEveryMs: number;
  readonly maxAgeMs: number;
  readonly minBacklog: number;
  /** When the link may be used; undefined: at any time. */
  readonly windows?: readonly DayWindow[] | undefined;
  readonly bytesPerDay?: number | undefined;
}

export interface LinkFacts {
  /** For how long the oldest entry has waited that no final anchor covers; 0: none waits. */
  readonly unanchoredMs: number;
  /** Local time of day in milliseconds since midnight; null: nobody vouches for the clock, and windows are not heeded. */
  readonly timeOfDayMs: number | null;
  /** In [0, 1): where in the first half of a window this station begins. */
  readonly windowSpread: number;
  /** Of the 24 hours that `bytesPerDay` is counted over, and how long they last yet. */
  readonly usedBytes: number;
  readonly dayLeftMs: number;
  /** Bytes are signed and may be on their way: what becomes of them is followed up also when a window has closed. */
  readonly isInFlight: boolean;
  /**
   * Somebody waits for a round (`sync now`): nothing holds the link back. What the round anchors was planned when it was asked
   * for; entries that come meanwhile are no reason for one more anchor.
   */
  readonly isAsked: boolean;
}

export interface AnchorFacts extends LinkFacts {
  /** Entries on disk that no anchor, made or planned, covers, and for how long the oldest of them has waited. */
  readonly backlog: number;
  readonly waitedMs: number;
  /** Until the interval since the last plan is over. */
  readonly intervalLeftMs: number;
}

export interface AnchorDecision {
  readonly isDue: boolean;
  /** What holds it back though its interval is over. */
  readonly held: HeldBack | null;
  /** When it will be due by what is known now; null: nothing waits. */
  readonly dueInMs: number | null;
}

/**
 * Entries that have waited so many times the maximum age are anchored whatever the link costs: windows and bytes a day are
 * a matter of money, and a log that nobody commits to is a matter of evidence.
 */
export const OVERDUE_FACTOR = 2;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export function decideAnchor(rules: AnchorRules, facts: AnchorFacts): AnchorDecision {
  const { backlog, waitedMs, intervalLeftMs } = facts;
  if (backlog <= 0) return { isDue: false, held: null, dueInMs: null };
  const ageLeft = rules.maxAgeMs - waitedMs;
  if (ageLeft > 0 && intervalLeftMs > 0) {
    const dueInMs = Math.ceil(backlog < rules.minBacklog ? ageLeft : Math.min(intervalLeftMs, ageLeft));
    return { isDue: false, held: null, dueInMs };
  }
  if (ageLeft > 0 && backlog < rules.minBacklog) {
    const atMostMs = Math.ceil(ageLeft);
    const held: HeldBack = { by: 'backlog', backlog, minBacklog: rules.minBacklog, atMostMs };
    return { isDue: false, held, dueInMs: atMostMs };
  }
  const held = whatHoldsLink(rules, facts);
  return { isDue: held === null, held, dueInMs: held === null ? 0 : heldForMs(held) };
}

/** Why the link may not be used now; null: it may. What holds longest is told. */
export function whatHoldsLink(rules: AnchorRules, facts: LinkFacts): HeldBack | null {
  const { unanchoredMs, timeOfDayMs, windowSpread, usedBytes, dayLeftMs, isInFlight, isAsked } = facts;
  const patience = OVERDUE_FACTOR * rules.maxAgeMs - unanchoredMs;
  if (isAsked || patience <= 0) return null;
  const atMost = (ms: number): number => Math.ceil(Math.min(ms, patience));
  const { bytesPerDay, windows } = rules;
  if (bytesPerDay !== undefined && usedBytes >= bytesPerDay)
    return { by: 'bytes', usedBytes, bytesPerDay, freeInMs: atMost(dayLeftMs) };
  if (isInFlight || windows === undefined || timeOfDayMs === null) return null;
  const opensInMs = untilOpenMs(windows, timeOfDayMs, windowSpread);
  return opensInMs <= 0 ? null : { by: 'window', opensInMs: atMost(opensInMs) };
}

function heldForMs(held: HeldBack): number | null {
  if (held.by === 'window') return held.opensInMs;
  return held.by === 'bytes' ? held.freeInMs : held.atMostMs;
}

/**
 * Until one of the windows is open for this station; 0: one is. A fleet shares its windows, and ten thousand stations that
 * come at 01:00 are a load that the network does not have at any other time: each begins at its own moment of the first half.
 */
export function untilOpenMs(windows: readonly DayWindow[], timeOfDayMs: number, spread: number): number {
  const waits = windows.map(({ fromMinute, toMinute }) => {
    const length = onDial(toMinute * MINUTE - fromMinute * MINUTE);
    const delay = (spread * length) / 2;
    const since = onDial(timeOfDayMs - fromMinute * MINUTE - delay);
    return since < length - delay ? 0 : DAY - since;
  });
  return Math.min(...waits);
}

function onDial(ms: number): number {
  return ((ms % DAY) + DAY) % DAY;
}

/** Intervals are spread by a twentieth either way: what was switched on together drifts apart. */
const INTERVAL_SPREAD = 0.1;
/** Stations that start together anchor for the first time within this fraction of the interval, at most five minutes. */
const START_SPREAD = 0.1;
export const MAX_START_SPREAD_MS = 5 * MINUTE;

/** How long after a plan the next one is made. `random` in [0, 1). */
export function nextIntervalMs(anchorEveryMs: number, random: number): number {
  return anchorEveryMs * (1 - INTERVAL_SPREAD / 2 + INTERVAL_SPREAD * random);
}

/** How long after the start of the service the first plan is made: what is left of the interval, and a spread. */
export function firstDelayMs(
  anchorEveryMs: number,
  sinceLastPlanMs: number | undefined,
  random: number,
): number {
  const elapsed = sinceLastPlanMs ?? Infinity;
  const left = elapsed >= 0 && elapsed < anchorEveryMs ? anchorEveryMs - elapsed : 0;
  return left + startDelayMs(anchorEveryMs, random);
}

/**
 * How long after the start of the service a link is asked for, for what an earlier run has left open: stations that lost
 * power in the middle of an anchor get it back together. `random` in [0, 1).
 */
export function startDelayMs(
  anchorEveryMs: number,
  random: number,
  atMostMs: number = MAX_START_SPREAD_MS,
): number {
  return random * Math.min(anchorEveryMs * START_SPREAD, atMostMs);
}
