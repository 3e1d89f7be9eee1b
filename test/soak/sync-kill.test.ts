// kill -9 at random moments of sync: every intent exactly once on chain, none stuck. SOAK_KILLS: how many (200).
// SOAK_PROGRESS=<file>: finished rounds are kept there, and a run with the same file and seed goes on after them.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { productJson, runProduct } from '../support/product.ts';
import { unpublished } from '../support/sync/published-entries.ts';
import { seededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { anchorWhatIsLeft, killWhileSyncing, type SyncKillReport } from '../support/sync/sync-kill-loop.ts';
import { auditAnchors, type Audit } from '../support/sync/sync-oracle.ts';
import { startSyncWorld, type SyncWorld, type Transport } from '../support/sync/sync-world.ts';

const KILLS = Number(process.env['SOAK_KILLS'] ?? 200);
const PROGRESS = process.env['SOAK_PROGRESS'];
/** Each round has a station and a network of its own. */
const KILLS_A_ROUND = 20;
/** One round in so many goes through the light client, the others over RPC. */
const LIGHT_EVERY = 4;
/** And one in so many publishes its readings, over either. */
const PUBLISH_EVERY = 3;

interface Round {
  readonly seed: number;
  readonly round: number;
  readonly transport: Transport;
  readonly report: SyncKillReport;
  readonly audit: Audit;
  readonly receipts: number;
  readonly seconds: number;
}

const { seed, note } = seededRandom('sync-kill');
const kept = PROGRESS !== undefined && existsSync(PROGRESS) ? readFileSync(PROGRESS, 'utf8') : '';
const done: Round[] = kept
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Round)
  .filter((round) => round.seed === seed);
const rounds = Array.from({ length: Math.ceil(KILLS / KILLS_A_ROUND) }, (_, index) => ({
  round: index + 1,
  kills: Math.min(KILLS_A_ROUND, KILLS - index * KILLS_A_ROUND),
  transport: index % LIGHT_EVERY === 1 ? ('light-client' as const) : ('rpc' as const),
  publishes: index % PUBLISH_EVERY === 1,
}));

describe(`kills of a station that syncs ${note}`, { timeout: 1_800_000 }, () => {
  afterAll(() => {
    const sum = (value: (round: Round) => number): number =>
      done.reduce((total, round) => total + value(round), 0);
    const table = (which: 'byTarget' | 'byState'): string => {
      const names = [...new Set(done.flatMap(({ report }) => Object.keys(report[which])))].sort();
      return names.map((name) => `${name} ${sum(({ report }) => report[which][name] ?? 0)}`).join(', ');
    };
    const problems = done.flatMap(({ report, audit }) => [...report.problems, ...audit.problems]);
    process.stdout.write(
      `kill -9 while syncing: ${sum(({ report }) => report.kills)} kills (${table('byTarget')}) ` +
        `that found the outbox at: ${table('byState')}; ${sum(({ audit }) => audit.onChain)} anchors on chain, ` +
        `${sum(({ audit }) => audit.published.length)} batches of entries, ` +
        `${sum(({ receipts }) => receipts)} receipts verified, ${problems.length} problems, ` +
        `${Math.round(sum(({ seconds }) => seconds))} s ${note}\n`,
    );
  });

  it.each(rounds)(
    'round $round: $kills kills over $transport, publishing: $publishes',
    async ({ round, kills, transport, publishes }) => {
      if (done.some((earlier) => earlier.round === round && earlier.report.kills === kills)) return;
      const startedAt = performance.now();
      const random = seededRandom(`sync-kill ${round}`, String(seed));
      const world = await startSyncWorld({ transport, ...(publishes && { more: ['publish: [reading]'] }) });
      try {
        const report = await killWhileSyncing(world, {
          kills,
          random,
          publishes,
          maxMs: transport === 'rpc' ? 4_000 : 8_000,
        });
        const stuck = await anchorWhatIsLeft(world, 120_000);
        const audit = await auditAnchors(world.devnet, world);
        const lost = publishes ? await unpublished(world.stateDirectory, 'reading', audit.published) : [];
        const { receipts, bad } = await verifiedReceipts(world, transport, random);
        const seconds = (performance.now() - startedAt) / 1_000;
        expect([...report.problems, ...stuck, ...audit.problems, ...lost, ...bad]).toEqual([]);
        expect(audit.onChain).toBeGreaterThan(0);
        const result: Round = { seed, round, transport, report, audit, receipts, seconds };
        done.push(result);
        if (PROGRESS !== undefined) appendFileSync(PROGRESS, `${JSON.stringify(result)}\n`);
      } finally {
        await world.stop();
      }
    },
  );
});

interface Verified {
  readonly checks: readonly { readonly name: string; readonly result: string; readonly detail: string }[];
}

/** Receipts of entries from all over the log, each with its anchor, put to the chain. */
async function verifiedReceipts(
  world: SyncWorld,
  transport: Transport,
  random: SeededRandom,
): Promise<{ receipts: number; bad: readonly string[] }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sync-receipts-'));
  const { rpcUrl = '', paraSpecPath, relaySpecPath } = world.devnet;
  const chain =
    transport === 'rpc' ? ['--chain', rpcUrl] : ['--chain', paraSpecPath, '--relay', relaySpecPath];
  const { size } = await productJson<{ size: number }>(['journal', 'verify', world.stateDirectory]);
  const wanted = [0, random.below(size), random.below(size), size - 1];
  const bad: string[] = [];
  try {
    for (const index of wanted) {
      const file = path.join(folder, `${index}.receipt.json`);
      const made = await runProduct([
        ...['receipt', 'create', world.stateDirectory, '--index', String(index), '-o', file],
      ]);
      if (made.status !== 0) bad.push(`no receipt of entry ${index}: ${made.stderr}`);
      const { checks } = await productJson<Verified>([
        ...['receipt', 'verify', file, '--key', world.publicKey, ...chain],
      ]);
      const failed = checks.filter(
        ({ name, result }) => result === 'fail' || (name === 'finality' && result !== 'pass'),
      );
      bad.push(...failed.map(({ name, detail }) => `the receipt of entry ${index}: ${name}: ${detail}`));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { receipts: wanted.length, bad };
}
