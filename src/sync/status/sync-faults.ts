// Conditions of syncing that somebody should know of, although readings go on: raised once, cleared once, put on record. Pure.

export const SYNC_FAULT_CODES = [
  'sync.low_balance',
  'sync.no_peers',
  'sync.finality_stale',
  'sync.anchor_overdue',
] as const;
export type SyncFaultCode = (typeof SYNC_FAULT_CODES)[number];

export interface FaultFact {
  readonly name: string;
  readonly value: string;
}

/** How one condition stands now. Undefined: nobody can say at this moment, and what was known last still holds. */
export interface FaultCondition {
  readonly holds: boolean | undefined;
  readonly facts: readonly FaultFact[];
}

export type FaultConditions = Readonly<Record<SyncFaultCode, FaultCondition>>;

interface FaultState {
  readonly raised: boolean;
  /** As last known, and since when. */
  readonly holds: boolean;
  readonly sinceMonoMs: number;
  /** After a clear, not raised again before this. */
  readonly restUntilMonoMs: number;
}

export type FaultStates = Readonly<Record<SyncFaultCode, FaultState>>;

export interface FaultEffect {
  readonly type: 'raise' | 'clear';
  readonly code: SyncFaultCode;
  readonly facts: readonly FaultFact[];
}

const MINUTE = 60_000;

/** So long a condition must hold, or be gone, before it is told. What has an amount in it has its own hysteresis there. */
const PATIENCE: Readonly<Record<SyncFaultCode, { readonly raiseMs: number; readonly clearMs: number }>> = {
  'sync.low_balance': { raiseMs: 0, clearMs: 0 },
  'sync.no_peers': { raiseMs: 30 * MINUTE, clearMs: MINUTE },
  'sync.finality_stale': { raiseMs: 15 * MINUTE, clearMs: MINUTE },
  'sync.anchor_overdue': { raiseMs: 0, clearMs: 0 },
};
/** A fault that comes and goes is told this often at most: 48 entries a day and code, whatever the network does. */
export const REST_MS = 60 * MINUTE;

/** `raised`: what the journal has as raised and not cleared; it is cleared when it is over, and not raised again. */
export function newFaults(nowMonoMs: number, raised: ReadonlySet<string> = new Set()): FaultStates {
  const state = (code: SyncFaultCode): FaultState => {
    const wasRaised = raised.has(code);
    return { raised: wasRaised, holds: wasRaised, sinceMonoMs: nowMonoMs, restUntilMonoMs: -Infinity };
  };
  return {
    'sync.low_balance': state('sync.low_balance'),
    'sync.no_peers': state('sync.no_peers'),
    'sync.finality_stale': state('sync.finality_stale'),
    'sync.anchor_overdue': state('sync.anchor_overdue'),
  };
}

export function raisedFaults(states: FaultStates): readonly SyncFaultCode[] {
  return SYNC_FAULT_CODES.filter((code) => states[code].raised);
}

export function stepFaults(
  states: FaultStates,
  conditions: FaultConditions,
  nowMonoMs: number,
): { readonly next: FaultStates; readonly effects: readonly FaultEffect[] } {
  const next: Record<SyncFaultCode, FaultState> = { ...states };
  const effects: FaultEffect[] = [];
  for (const code of SYNC_FAULT_CODES) {
    const { holds, facts } = conditions[code];
    const before = states[code];
    const known =
      holds === undefined || holds === before.holds ? before : { ...before, holds, sinceMonoMs: nowMonoMs };
    const type = dueEffect(known, PATIENCE[code], nowMonoMs);
    if (type === undefined) next[code] = known;
    else {
      const isRaise = type === 'raise';
      const restUntilMonoMs = isRaise ? known.restUntilMonoMs : nowMonoMs + REST_MS;
      next[code] = { ...known, raised: isRaise, restUntilMonoMs };
      effects.push({ type, code, facts });
    }
  }
  return { next, effects };
}

function dueEffect(
  { raised, holds, sinceMonoMs, restUntilMonoMs }: FaultState,
  { raiseMs, clearMs }: { readonly raiseMs: number; readonly clearMs: number },
  nowMonoMs: number,
): FaultEffect['type'] | undefined {
  if (holds === raised) return undefined;
  if (raised) return nowMonoMs - sinceMonoMs >= clearMs ? 'clear' : undefined;
  return nowMonoMs - sinceMonoMs >= raiseMs && nowMonoMs >= restUntilMonoMs ? 'raise' : undefined;
}

/** A balance that was low is good again with a quarter more than what it is low below, so that one fee does not flap it. */
export function isBalanceLow(free: string | null, lowBelow: string | null): boolean | undefined {
  if (free === null || lowBelow === null) return undefined;
  const [amount, limit] = [BigInt(free), BigInt(lowBelow)];
  if (amount < limit) return true;
  return amount >= limit + limit / 4n ? false : undefined;
}
