// Exactly once, judged by the chain: what stands in final blocks is compared with what the outbox's file says. Nothing of
// src/sync is used, so that it cannot be wrong with it.
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Devnet, FoundExtrinsic } from '../../devnet/index.ts';

export interface OutboxRow {
  readonly id: number;
  readonly kind: 'anchor' | 'publish';
  readonly state: string;
  /** Of the tree, in which a batch has the entries `fromIndex` to `toIndex` - 1. */
  readonly size: number;
  /** Root hash, hexadecimal. */
  readonly root: string;
  readonly fromIndex: number | null;
  readonly toIndex: number | null;
  /** What a batch puts on chain, hexadecimal. */
  readonly payload: string | null;
}

/** What is held against each other. */
export interface Audited {
  readonly stateDirectory: string;
  /** The log's name: each of its checkpoints begins with it. */
  readonly origin: string;
  /** Public key of the account that signs, hexadecimal. */
  readonly account: string;
}

export interface Audit {
  /** Checkpoints of the station in final blocks. */
  readonly onChain: number;
  /** Batches of its entries there, oldest first, hexadecimal. */
  readonly published: readonly string[];
  /** Anchors that the outbox says are final. */
  readonly final: number;
  /** What should not be. Empty: every intent exactly once, none stuck. */
  readonly problems: readonly string[];
}

/** All rows of outbox.db, oldest first; none when there is no outbox yet. May be read while a service writes. */
export function outboxRows(stateDirectory: string): readonly OutboxRow[] {
  let database: Database.Database;
  try {
    database = new Database(path.join(stateDirectory, 'outbox.db'), { readonly: true, fileMustExist: true });
  } catch {
    return [];
  }
  try {
    const rows = database.prepare(
      `SELECT id, kind, state, size, lower(hex(root)) AS root, from_index AS fromIndex, to_index AS toIndex,
         lower(hex(payload)) AS payload FROM intent ORDER BY id`,
    );
    return rows.all() as OutboxRow[];
  } catch {
    return []; // Killed before the first migration was committed.
  } finally {
    database.close();
  }
}

const ENDED = new Set(['final', 'superseded', 'unplaced']);

const IN_FLIGHT = new Set(['signed', 'broadcast', 'inBlock']);

/** The state of the intent being worked on: the one that is on its way, otherwise the oldest that has not ended. */
export function openState(rows: readonly OutboxRow[]): string {
  const open = rows.filter(({ state }) => !ENDED.has(state));
  const row = open.find(({ state }) => IN_FLIGHT.has(state)) ?? open[0];
  if (row === undefined) return 'none';
  return row.kind === 'publish' ? `publish ${row.state}` : row.state;
}

/** Blocks after the end in which bytes that are still somewhere would come to light. */
const BLOCKS_AFTER = 4;

/** To be asked when the station has stopped and has nothing left to do. */
export async function auditAnchors(devnet: Devnet, audited: Audited): Promise<Audit> {
  for (let block = 0; block < BLOCKS_AFTER; block++) await devnet.step();
  const rows = outboxRows(audited.stateDirectory);
  const found = (await onChain(devnet, audited)).map((extrinsic) => nameOf(extrinsic, rows, audited.origin));
  const problems = [...judge(rows, found), ...judgeRanges(rows)];
  const published = found.filter(({ kind }) => kind === 'publish').map(({ name }) => name);
  return {
    onChain: found.filter(({ kind }) => kind === 'anchor').length,
    published,
    final: rows.filter(({ kind, state }) => kind === 'anchor' && state === 'final').length,
    problems,
  };
}

/** Everything in final blocks that the account has signed, and every checkpoint of the log whoever signed it, in order. */
async function onChain(devnet: Devnet, { account, origin }: Audited): Promise<readonly FoundExtrinsic[]> {
  const signed = await devnet.findExtrinsics(`0x${account}`);
  const own = signed.filter(({ extrinsic }) => signerOf(extrinsic) === account);
  const notes = await devnet.findExtrinsics(`0x${Buffer.from(`${origin}\n`).toString('hex')}`);
  const place = ({ blockNumber, extrinsicIndex }: FoundExtrinsic): number =>
    blockNumber * 1_000 + extrinsicIndex;
  const byPlace = new Map([...own, ...notes].map((each) => [place(each), each]));
  return [...byPlace].sort(([a], [b]) => a - b).map(([, each]) => each);
}

/** Signed extrinsic of version 4, signer by its id: compact length, 0x84, 0x00, 32 bytes. */
function signerOf(extrinsic: string): string | undefined {
  const bytes = Buffer.from(extrinsic.slice(2), 'hex');
  const prefix = [1, 2, 4][(bytes[0] ?? 3) & 3];
  if (prefix === undefined || bytes[prefix] !== 0x84 || bytes[prefix + 1] !== 0) return undefined;
  return bytes.subarray(prefix + 2, prefix + 34).toString('hex');
}

interface Found {
  readonly kind: 'anchor' | 'publish' | 'unknown';
  /** What is the same in the row that it is of. */
  readonly name: string;
  readonly blockNumber: number;
  readonly succeeded: boolean | undefined;
}

function nameOf(found: FoundExtrinsic, rows: readonly OutboxRow[], origin: string): Found {
  const { extrinsic, blockNumber, succeeded } = found;
  const batch = rows.find(({ payload }) => payload !== null && payload !== '' && extrinsic.includes(payload));
  if (batch?.payload) return { kind: 'publish', name: batch.payload, blockNumber, succeeded };
  const text = Buffer.from(extrinsic.slice(2), 'hex').toString('latin1');
  const at = text.indexOf(`${origin}\n`);
  if (at < 0) return { kind: 'unknown', name: extrinsic, blockNumber, succeeded };
  const [, size = '', root = ''] = text.slice(at).split('\n');
  const name = `${Number(size)} ${Buffer.from(root, 'base64').toString('hex')}`;
  return { kind: 'anchor', name, blockNumber, succeeded };
}

function judge(rows: readonly OutboxRow[], found: readonly Found[]): readonly string[] {
  const problems: string[] = [];
  const times = new Map<string, number>();
  const nameOfRow = ({ kind, size, root, payload }: OutboxRow): string =>
    kind === 'publish' ? (payload ?? '') : `${size} ${root}`;
  for (const { kind, name, blockNumber, succeeded } of found) {
    times.set(name, (times.get(name) ?? 0) + 1);
    if (succeeded !== true) problems.push(`${kind} ${short(name)} in block ${blockNumber} did not succeed`);
  }
  for (const row of rows) {
    const { id, kind, state, size } = row;
    const count = times.get(nameOfRow(row)) ?? 0;
    const wanted = state === 'final' ? 1 : 0;
    if (count !== wanted)
      problems.push(`${kind} ${id} of ${size} entries is ${state} and ${count} times on chain`);
    if (!ENDED.has(state)) problems.push(`${kind} ${id} is stuck: ${state}`);
    if (state === 'unplaced') problems.push(`${kind} ${id} is on chain or not, and nobody knows`);
  }
  const known = new Set(rows.map(nameOfRow));
  for (const [name, count] of times) {
    if (!known.has(name)) problems.push(`${count} times on chain, and no intent: ${short(name)}`);
  }
  return problems;
}

/** Batches follow each other and never overlap. */
function judgeRanges(rows: readonly OutboxRow[]): readonly string[] {
  const batches = rows.filter(({ kind }) => kind === 'publish');
  return batches.flatMap(({ id, fromIndex }, at) => {
    const before = batches[at - 1]?.toIndex ?? 0;
    return (fromIndex ?? 0) < before
      ? [`batch ${id} begins at ${fromIndex}, the one before ends at ${before}`]
      : [];
  });
}

function short(name: string): string {
  return name.length > 100 ? `${name.slice(0, 100)}…` : name;
}
