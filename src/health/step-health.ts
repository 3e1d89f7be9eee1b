import { faultOf, type FaultCode } from './fault-catalogue.ts';
import { nameOf, worstFirst, type HealthItem } from './health-item.ts';
import type { Condition, Look } from './look.ts';
import { durationInWords } from './words.ts';

/** What is remembered of one condition of one thing. */
interface ConditionState {
  readonly raised: boolean;
  /** When what is raised began to hold. */
  readonly sinceMonoMs: number;
  /** As last known, and since when. */
  readonly holds: boolean;
  readonly holdsSinceMonoMs: number;
  /** As it was said when it last held. */
  readonly detail: string;
}

/** Every condition and every thing that was ever looked at: as many as the configuration makes, and no more. */
export interface HealthMemory {
  readonly conditions: ReadonlyMap<string, ConditionState>;
  /** Since when a thing is without a fault, and in what state, by its name. */
  readonly normal: ReadonlyMap<string, { readonly state: 'ok' | 'unknown'; readonly sinceMonoMs: number }>;
}

export const NO_MEMORY: HealthMemory = { conditions: new Map(), normal: new Map() };

export interface HealthChange {
  readonly type: 'raise' | 'clear';
  readonly code: FaultCode;
  readonly subject: string | undefined;
  readonly detail: string;
}

export interface HealthStep {
  readonly next: HealthMemory;
  /** Worst first. */
  readonly items: readonly HealthItem[];
  readonly changes: readonly HealthChange[];
}

/**
 * From how things stand now to what is said of them: a condition is raised after it has held for its time, and cleared after
 * it has been gone for its time, so that nothing that flutters is told each time. One item for each condition that is raised, and
 * one for each thing of which none is.
 */
export function stepHealth(memory: HealthMemory, looks: readonly Look[], nowMonoMs: number): HealthStep {
  const conditions = new Map(memory.conditions);
  const normal = new Map<string, { readonly state: 'ok' | 'unknown'; readonly sinceMonoMs: number }>();
  const items: HealthItem[] = [];
  const changes: HealthChange[] = [];
  for (const look of looks) {
    const raised: HealthItem[] = [];
    for (const condition of look.conditions) {
      const key = keyOf(condition.code, look.subject);
      const { state, change } = stepCondition(memory.conditions.get(key), condition, nowMonoMs);
      conditions.set(key, state);
      if (change !== undefined) {
        changes.push({ type: change, code: condition.code, subject: look.subject, detail: state.detail });
      }
      if (state.raised) raised.push(raisedItem(look, condition, state, nowMonoMs));
    }
    const name = nameOf(look);
    const was = memory.normal.get(name);
    // What was known to be well is so until a condition is raised: a line that is closed between two requests flutters, too.
    const state = was?.state === 'ok' ? 'ok' : look.normal.state;
    const sinceMonoMs = was?.state === state ? was.sinceMonoMs : nowMonoMs;
    if (raised.length === 0) {
      normal.set(name, { state, sinceMonoMs });
      items.push({
        ...thingOf(look),
        ...{ state, detail: look.normal.detail },
        code: null,
        sinceMs: Math.floor(sinceMonoMs),
        advice: null,
      });
    } else items.push(...raised);
  }
  return { next: { conditions, normal }, items: worstFirst(items), changes };
}

/** The list by a single look, of whoever does not watch: what holds now is raised at once. */
export function itemsOfOneLook(looks: readonly Look[]): HealthItem[] {
  return worstFirst(
    looks.flatMap((look) => {
      const holding = look.conditions.filter(({ holds }) => holds === true);
      const thing = thingOf(look);
      if (holding.length === 0)
        return [{ ...thing, ...look.normal, code: null, sinceMs: null, advice: null }];
      return holding.map(({ code, detail, advice }): HealthItem => {
        const fault = faultOf(code);
        return {
          ...thing,
          state: fault.severity,
          code,
          detail,
          sinceMs: null,
          advice: advice ?? fault.advice,
        };
      });
    }),
  );
}

/** Whether a code is raised, as far as is remembered. */
export function isRaised(memory: HealthMemory, code: FaultCode, subject?: string): boolean {
  return memory.conditions.get(keyOf(code, subject))?.raised ?? false;
}

function stepCondition(
  before: ConditionState | undefined,
  { code, holds: told, detail }: Condition,
  nowMonoMs: number,
): { readonly state: ConditionState; readonly change?: HealthChange['type'] } {
  const { raiseMs, clearMs } = faultOf(code);
  const last = before ?? {
    ...{ raised: false, sinceMonoMs: nowMonoMs, holds: false, holdsSinceMonoMs: nowMonoMs, detail },
  };
  const holds = told ?? last.holds;
  const known: ConditionState = {
    ...last,
    holds,
    holdsSinceMonoMs: holds === last.holds ? last.holdsSinceMonoMs : nowMonoMs,
    detail: told === true ? detail : last.detail,
  };
  if (holds === known.raised) return { state: known };
  const forMs = nowMonoMs - known.holdsSinceMonoMs;
  if (holds && forMs >= raiseMs) {
    return { state: { ...known, raised: true, sinceMonoMs: known.holdsSinceMonoMs }, change: 'raise' };
  }
  if (!holds && forMs >= clearMs) return { state: { ...known, raised: false }, change: 'clear' };
  return { state: known };
}

function raisedItem(
  look: Look,
  { code, advice }: Condition,
  state: ConditionState,
  nowMonoMs: number,
): HealthItem {
  const fault = faultOf(code);
  const goneMs = nowMonoMs - state.holdsSinceMonoMs;
  const gone = `; no more for ${durationInWords(goneMs)}, cleared after ${durationInWords(fault.clearMs)}`;
  return {
    ...thingOf(look),
    state: fault.severity,
    code,
    detail: state.holds ? state.detail : `${state.detail}${gone}`,
    sinceMs: Math.floor(state.sinceMonoMs),
    advice: advice ?? fault.advice,
  };
}

function thingOf({ check, subject }: Look): Pick<HealthItem, 'check' | 'subject'> {
  return { check, ...(subject !== undefined && { subject }) };
}

function keyOf(code: FaultCode, subject: string | undefined): string {
  return subject === undefined ? code : `${code} ${subject}`;
}
