// A station that is killed again and again while it syncs: all of it, its core alone, or its chain gateway alone.
import { readFileSync } from 'node:fs';
import { ServiceProcess, productJson } from '../product.ts';
import { openState, type OutboxRow, outboxRows } from './sync-oracle.ts';
import type { SyncWorld } from './sync-world.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { verifiedJournal, type SyncEvent } from '../running-world.ts';

export interface SyncKillPlan {
  readonly kills: number;
  readonly random: SeededRandom;
  /** A moment that is only time is at most so long after the one before. */
  readonly maxMs: number;
  /** The station publishes entries: also while a batch of them is on its way. */
  readonly publishes?: boolean;
}

export interface SyncKillReport {
  readonly kills: number;
  readonly byTarget: Readonly<Record<string, number>>;
  /** In which state the kill found the intent; `none`: nothing was open. */
  readonly byState: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

const TARGETS = ['station', 'station', 'core', 'gateway'] as const;
export type Target = (typeof TARGETS)[number];
/** What is waited for before the jitter; `time`: nothing. */
const MOMENTS = [
  'time',
  'time',
  'connecting',
  'connected',
  'planned',
  'signed',
  'signed',
  'broadcast',
  'inBlock',
  'final',
] as const;
/** An intent that is on its way is a batch of entries. */
const PUBLISHING = ['publish signed', 'publish broadcast', 'publish inBlock'] as const;
type Moment = (typeof MOMENTS)[number] | (typeof PUBLISHING)[number];
/** After what was waited for: the next steps of the outbox are milliseconds away. */
const JITTER_MS = 30;
const PATIENCE_MS = 120_000;

/** Kills, and starts again what was killed; the last life ends by a kill, too. */
export async function killWhileSyncing(world: SyncWorld, plan: SyncKillPlan): Promise<SyncKillReport> {
  const byTarget: Record<string, number> = {};
  const byState: Record<string, number> = {};
  const problems: string[] = [];
  const count = (table: Record<string, number>, name: string): void => {
    table[name] = (table[name] ?? 0) + 1;
  };
  let service: ServiceProcess | undefined;
  let acknowledged = 0;
  try {
    for (let kill = 1; kill <= plan.kills; kill++) {
      service ??= ServiceProcess.start(world.configPath, world.stateDirectory);
      const target = kill === plan.kills ? 'station' : pick(TARGETS, plan.random);
      await nextMoment(world, service, target, plan);
      const gateway = gatewayPid(service);
      await strike(service, target);
      count(byTarget, target);
      count(byState, openState(outboxRows(world.stateDirectory)));
      if (target === 'gateway') continue;
      acknowledged = Math.max(acknowledged, Number(service.last('committed')?.['size'] ?? 0));
      service = undefined;
      if (gateway !== undefined && !(await goneSoon(gateway)))
        problems.push(`kill ${kill}: the gateway outlives its core`);
    }
  } finally {
    await service?.stop('SIGKILL');
  }
  const journal = await verifiedJournal(world.stateDirectory);
  if (!journal.ok) problems.push(`the journal: ${JSON.stringify(journal.firstBad)}`);
  if (journal.size < acknowledged) problems.push(`${acknowledged} acknowledged, ${journal.size} there`);
  return { kills: plan.kills, byTarget, byState, problems };
}

/**
 * What is left open comes to its end by itself, each round of it within the time, with nobody's help. Returns what was wrong
 * with that.
 */
export async function anchorWhatIsLeft(
  { configPath, stateDirectory }: Pick<SyncWorld, 'configPath' | 'stateDirectory'>,
  withinMs: number,
): Promise<readonly string[]> {
  const round = ['sync', 'now', '--config', configPath, '--state', stateDirectory];
  try {
    for (let rounds = 1; rounds <= MAX_ROUNDS; rounds++) {
      const { outcome, anchor } = await productJson<Round>(round, withinMs);
      const { size } = await verifiedJournal(stateDirectory);
      if (anchor?.size !== size) return [`${size} entries, ${anchor?.size ?? 0} anchored`];
      // A round ends with its anchor; batches of entries that wait are for the next ones.
      const publishes = outboxRows(stateDirectory).some(({ kind }) => kind === 'publish');
      if (!publishes || outcome === 'nothing-to-anchor') return [];
    }
    return [`something is left after ${MAX_ROUNDS} rounds`];
  } catch (error) {
    return [`what was left did not end: ${String(error)}`];
  }
}

interface Round {
  readonly outcome: string;
  readonly anchor: { readonly size: number } | null;
}

const MAX_ROUNDS = 20;

async function nextMoment(
  { stateDirectory }: SyncWorld,
  service: ServiceProcess,
  target: Target,
  { random, maxMs, publishes }: SyncKillPlan,
): Promise<void> {
  const moment = pick<Moment>(publishes ? [...MOMENTS, ...PUBLISHING, ...PUBLISHING] : MOMENTS, random);
  const seen = new Set(service.events);
  const kindOf = kindsOf(stateDirectory);
  if (moment === 'time') await delay(random.below(maxMs));
  else {
    await service.event((event) => {
      if (seen.has(event)) return false;
      seen.add(event);
      return isMoment(event, moment, kindOf);
    }, PATIENCE_MS);
    await delay(random.below(JITTER_MS));
  }
  if (target !== 'gateway') return;
  // It is there while something is to be anchored; the meter sees to that.
  if (gatewayPid(service) === undefined)
    await service.event(
      (event) => event === service.last('sync') && gatewayPid(service) !== undefined,
      PATIENCE_MS,
    );
}

/** The kind of an intent, which the status does not tell. */
function kindsOf(stateDirectory: string): (id: number) => OutboxRow['kind'] | undefined {
  const known = new Map<number, OutboxRow['kind']>();
  return (id) => {
    if (!known.has(id)) for (const row of outboxRows(stateDirectory)) known.set(row.id, row.kind);
    return known.get(id);
  };
}

function isMoment(
  event: Record<string, unknown>,
  moment: Moment,
  kindOf: (id: number) => OutboxRow['kind'] | undefined,
): boolean {
  if (event['event'] !== 'sync') return false;
  const { phase, open, lastAnchor } = event['status'] as SyncEvent;
  if (moment === 'connecting' || moment === 'connected') return phase === moment;
  if (moment === 'final') return open === null && lastAnchor !== null;
  const state = moment.replace('publish ', '');
  return open?.state === state && (state === moment || kindOf(open.id) === 'publish');
}

/** SIGKILL; resolves when the service is gone, if it was meant. */
export async function strike(service: ServiceProcess, target: Target): Promise<void> {
  const { pid } = service.child;
  const victim = target === 'gateway' ? gatewayPid(service) : pid;
  if (victim === undefined) throw new Error(`there is no ${target} to kill`);
  try {
    // Started in a session of its own: its process group is the whole station.
    process.kill(target === 'station' ? -victim : victim, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  if (target !== 'gateway') await service.exited;
}

export function gatewayPid(service: ServiceProcess): number | undefined {
  const status = service.last('sync')?.['status'] as { gateway: { pid: number | null } | null } | undefined;
  return status?.gateway?.pid ?? undefined;
}

/** A core that dies takes its gateway along; that takes the time it needs to notice. */
async function goneSoon(pid: number): Promise<boolean> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (isGone(pid)) return true;
    await delay(20);
  }
  return false;
}

/** A process that has ended; one that nobody has waited for yet (a zombie) has, too. */
export function isGone(pid: number): boolean {
  try {
    return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

function pick<Value>(from: readonly Value[], random: SeededRandom): Value {
  return from[random.below(from.length)] as Value;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
