// What becomes of a damaged log: it is continued, or another one begins. Pure.
import type { EntryRange, FaultBody, FaultFact } from '../entry/entry-types.ts';
import type { KnownTree } from './high-water.ts';
import { logNumber, logOrigin } from './origin-chain.ts';
import type { RebuiltTree } from './tree-rebuild.ts';

/** What is known once everything that can be read has been read. */
export interface RecoveryFacts {
  readonly stationOrigin: string;
  /** Name of the file that was set aside. */
  readonly keptAs: string;
  /** Code and message of what was noticed. */
  readonly cause: { readonly code: string; readonly message: string };
  /** Of the damaged log; undefined when not one entry verifies. */
  readonly origin: string | undefined;
  /** Entries that verify, and the end of the last one. */
  readonly entries: number;
  readonly end: number;
  /** Entry 0, which names the log's key, is among them. */
  readonly birth: boolean;
  readonly tree: RebuiltTree | undefined;
  /** Lost entries that no earlier entry declares. */
  readonly holes: readonly EntryRange[];
  /** Trees of this station that somebody else may hold it to: the high-water mark, anchors. */
  readonly known: readonly KnownTree[];
  /** How many journals were set aside here, this one included. */
  readonly setAside: number;
  /** The copy is older than what this station did last, even if it looks whole. */
  readonly rolledBack: boolean;
  /** Why it was not even tried to recover anything, where it was not. */
  readonly untried?: string | undefined;
  /** What its first entry says that it is called, believed only so far that no other log gets that name. */
  readonly named?: string | undefined;
}

export type RecoveryPlan =
  | {
      readonly action: 'continue';
      readonly origin: string;
      readonly size: number;
      readonly faults: FaultBody[];
    }
  | { readonly action: 'begin'; readonly origin: string; readonly faults: FaultBody[] };

/** Bounds one `fault` entry: some 60 KB of ranges would not fit. */
const MAX_HOLES_PER_ENTRY = 2_000;

/**
 * The log goes on only where that cannot fork it: every leaf in front is known, nothing is known to have stood behind, and no
 * tree that left the station says otherwise.
 */
export function planRecovery(facts: RecoveryFacts): RecoveryPlan {
  const { origin, tree, stationOrigin } = facts;
  const why = whyNotContinued(facts);
  if (why === undefined && origin !== undefined && tree !== undefined)
    return { action: 'continue', origin, size: tree.size, faults: faultsOf(facts, origin, undefined) };
  const next = logOrigin(stationOrigin, nextNumber(facts));
  return { action: 'begin', origin: next, faults: faultsOf(facts, next, why ?? 'nothing of it can be read') };
}

function whyNotContinued({
  stationOrigin,
  origin,
  birth,
  end,
  tree,
  known,
  rolledBack,
  untried,
}: RecoveryFacts): string | undefined {
  if (rolledBack) return 'an older copy was put back';
  if (untried !== undefined) return untried;
  if (origin === undefined || tree === undefined || tree.size === 0 || !birth) return 'its beginning is lost';
  const number = logNumber(stationOrigin, origin) ?? 0;
  if (known.some((other) => (logNumber(stationOrigin, other.origin) ?? 0) > number))
    return 'it was followed by another log already';
  const [against] = tree.contradicted;
  if (against !== undefined)
    return against.size > tree.size
      ? `a tree of ${against.size} entries was signed, of which ${tree.size} can be shown`
      : `it does not begin with the tree of ${against.size} entries that was signed`;
  if (end > tree.size) return `entry ${tree.size} is lost with its hash, and later ones were signed`;
  return undefined;
}

/** Above every log of this station that anything here tells of. */
function nextNumber({ stationOrigin, origin, named, known, setAside }: RecoveryFacts): number {
  const numbers = [origin, named, ...known.map((tree) => tree.origin)].map((name) =>
    name === undefined ? 0 : (logNumber(stationOrigin, name) ?? 0),
  );
  // With n journals set aside, up to n logs may have been written before.
  return Math.max(setAside, ...numbers) + 1;
}

function faultsOf(facts: RecoveryFacts, origin: string, why: string | undefined): FaultBody[] {
  const { holes, tree } = facts;
  const continued = why === undefined;
  const code = facts.rolledBack ? 'journal.rolled_back' : facts.cause.code;
  const message = continued
    ? 'the journal was damaged; what verifies was recovered and the log goes on'
    : `the journal before this one was set aside, and another log begins: ${why}`;
  const first: FaultBody = { code, message, facts: factsOf(facts, origin, continued) };
  if (!continued || tree?.root === undefined) return [first];
  const head = { size: tree.size, root: Uint8Array.from(tree.root) };
  const parts: FaultBody[] = [];
  for (let at = 0; at < Math.max(1, holes.length); at += MAX_HOLES_PER_ENTRY) {
    const part = holes.slice(at, at + MAX_HOLES_PER_ENTRY);
    parts.push({ ...first, ...(part.length > 0 && { holes: part }), tree: head });
  }
  return parts;
}

function factsOf(facts: RecoveryFacts, origin: string, continued: boolean): FaultFact[] {
  const { tree, known, holes } = facts;
  const highest = known.filter((other) => other.origin === facts.origin || facts.origin === undefined).at(0);
  const lost = holes.reduce((sum, { from, to }) => sum + to - from, 0);
  const listed: [string, string | number | undefined][] = [
    ['noticed', `${facts.cause.code}: ${facts.cause.message}`],
    ['keptAs', facts.keptAs],
    ['damagedLog', facts.origin],
    ['log', origin],
    ['recoveredEntries', facts.entries],
    ['lastKnownSize', Math.max(facts.end, tree?.size ?? 0)],
    ['lostEntries', continued ? lost : undefined],
    ['recoveredSize', tree?.size],
    ['recoveredRoot', hex(tree?.root)],
    ['highestKnownSize', highest?.size],
    ['highestKnownRoot', hex(highest?.root)],
  ];
  return listed.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}

function hex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}
