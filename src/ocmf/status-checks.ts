import { Tally, type OcmfFinding } from './check.ts';
import type { OcmfTime } from './ocmf-time.ts';
import { registersOf } from './register.ts';
import { show, type Session } from './session-checks.ts';
import { IDENTIFICATION_ERRORS, METER_STATES, TIME_STATES, type MeterState } from './vocabulary.ts';

/**
 * Table 19. Time never runs backwards in a session where the clocks can say so: the later one was synchronised, or measured
 * time relative to the earlier one's, and the earlier one was set at all. A clock that says "unknown" proves nothing.
 */
export function timeStatus(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  const states = new Set<string>();
  for (const { record, where } of sessions.flat()) {
    for (const { time, timeText } of record.readings) {
      if (time === undefined) tally.wrong(`${where}TM ${show(timeText)} is no time`);
      else if (time.state === undefined) tally.unknown(`${where}TM does not say whether the clock was set`);
      else if (time.state === 'U')
        tally.unknown(`${where}the clock was not set (U): the time proves nothing`);
      else states.add(TIME_STATES[time.state]);
    }
  }
  for (const session of sessions) {
    // Register by register: a record may list each of them from begin to end.
    for (const { readings } of registersOf(session)) {
      let before: OcmfTime | undefined;
      for (const { reading, record } of readings) {
        const { time } = reading;
        if (time === undefined) continue;
        if (before !== undefined && time.ms < before.ms) {
          checkBackwards(before, time, session[record]?.where ?? '', tally);
        }
        before = time;
      }
    }
  }
  return tally.finding([...states].join(', '));
}

function checkBackwards(before: OcmfTime, time: OcmfTime, where: string, tally: Tally): void {
  const isComparable = (time.state === 'S' || time.state === 'R') && before.state !== 'U';
  if (isComparable && before.state !== undefined) tally.wrong(`${where}the time goes backwards`);
  else tally.unknown(`${where}the time goes backwards, and the clock was not synchronised`);
}

/** Field ST, table 10: "intermediate error conditions must lead to an error during the test". */
export function meterState(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  for (const { record, where } of sessions.flat()) {
    for (const { state } of record.readings) {
      if (state === undefined) tally.unknown(`${where}ST is missing: the meter does not say how it is`);
      else if (!Object.hasOwn(METER_STATES, state)) tally.wrong(`${where}ST ${show(state)} is no state`);
      else if (state !== 'G') {
        tally.wrong(`${where}the meter says: ${METER_STATES[state as MeterState]} (${state})`);
      }
    }
  }
  return tally.finding('good');
}

/** Field EF and TX of X: "detection of unusable variables must lead to an error". */
export function errorFlags(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  for (const { record, where } of sessions.flat()) {
    for (const { errorFlags: flags, reason } of record.readings) {
      if (flags.includes('E')) tally.wrong(`${where}energy is not to be billed (E)`);
      if (flags.includes('t')) tally.wrong(`${where}time is not to be billed (t)`);
      if (/[^Et]/.test(flags)) tally.wrong(`${where}EF ${show(flags)} has flags that are not known`);
      if (reason === 'X') tally.wrong(`${where}an error during charging (X)`);
    }
  }
  return tally.finding('none');
}

/** Fields IS and IL, table 11. */
export function userAssignment(sessions: readonly Session[]): OcmfFinding {
  const tally = new Tally();
  const levels = new Set<string>();
  for (const { record, where } of sessions.flat()) {
    const { assigned, level } = record.user;
    if (level !== undefined && IDENTIFICATION_ERRORS.has(level)) tally.wrong(`${where}the user: ${level}`);
    if (assigned !== true) tally.unknown(`${where}no user is assigned`);
    else levels.add(level ?? 'assigned');
  }
  return tally.finding([...levels].join(', '));
}
