// Exactly once, judged by the chain: what stands in final blocks is compared with what the outbox's file says. Nothing of
// src/sync is used, so that it cannot be wrong with it.
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Devnet } from '../devnet/index.ts';

export interface OutboxRow {
  readonly id: number;
  readonly state: string;
  readonly size: number;
  /** Root hash, hexadecimal. */
  readonly root: string;
}

export interface Audit {
  /** Checkpoints of the station in final blocks. */
  readonly onChain: number;
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
    const rows = database.prepare('SELECT id, state, size, lower(hex(root)) AS root FROM intent ORDER BY id');
    return rows.all() as OutboxRow[];
  } catch {
    return []; // Killed before the first migration was committed.
  } finally {
    database.close();
  }
}

const ENDED = new Set(['final', 'superseded', 'unplaced']);

/** The state of the intent being worked on: the oldest that has not ended. */
export function openState(rows: readonly OutboxRow[]): string {
  return rows.find(({ state }) => !ENDED.has(state))?.state ?? 'none';
}

interface FoundCheckpoint {
  readonly size: number;
  readonly root: string;
  readonly blockNumber: number;
  readonly succeeded: boolean | undefined;
}

/** Every checkpoint of that log in final blocks, in their order. */
export async function checkpointsOnChain(
  devnet: Devnet,
  origin: string,
): Promise<readonly FoundCheckpoint[]> {
  const found = await devnet.findExtrinsics(`0x${Buffer.from(`${origin}\n`).toString('hex')}`);
  return found.map(({ extrinsic, blockNumber, succeeded }) => {
    const text = Buffer.from(extrinsic.slice(2), 'hex').toString('latin1');
    const [, size = '', root = ''] = text.slice(text.indexOf(`${origin}\n`)).split('\n');
    const rootHex = Buffer.from(root, 'base64').toString('hex');
    return { size: Number(size), root: rootHex, blockNumber, succeeded };
  });
}

/** Blocks after the end in which bytes that are still somewhere would come to light. */
const BLOCKS_AFTER = 4;

/** To be asked when the station has stopped and has nothing left to do. */
export async function auditAnchors(
  devnet: Devnet,
  { stateDirectory, origin }: { readonly stateDirectory: string; readonly origin: string },
): Promise<Audit> {
  for (let block = 0; block < BLOCKS_AFTER; block++) await devnet.step();
  const rows = outboxRows(stateDirectory);
  const found = await checkpointsOnChain(devnet, origin);
  return { ...judge(rows, found), onChain: found.length };
}

function judge(
  rows: readonly OutboxRow[],
  found: readonly FoundCheckpoint[],
): Pick<Audit, 'final' | 'problems'> {
  const problems: string[] = [];
  const times = new Map<string, number>();
  const key = ({ size, root }: { size: number; root: string }): string => `${size} ${root}`;
  for (const checkpoint of found) {
    times.set(key(checkpoint), (times.get(key(checkpoint)) ?? 0) + 1);
    if (checkpoint.succeeded !== true)
      problems.push(`size ${checkpoint.size} in block ${checkpoint.blockNumber} did not succeed`);
  }
  const final = rows.filter(({ state }) => state === 'final');
  for (const row of rows) {
    const count = times.get(key(row)) ?? 0;
    const wanted = row.state === 'final' ? 1 : 0;
    if (count !== wanted)
      problems.push(`intent ${row.id} of ${row.size} entries is ${row.state} and ${count} times on chain`);
    if (!ENDED.has(row.state)) problems.push(`intent ${row.id} is stuck: ${row.state}`);
    if (row.state === 'unplaced') problems.push(`intent ${row.id} is on chain or not, and nobody knows`);
  }
  const known = new Set(rows.map(key));
  for (const [name, count] of times) {
    if (!known.has(name)) problems.push(`${count} times on chain, and no intent: ${name}`);
  }
  return { final: final.length, problems };
}
