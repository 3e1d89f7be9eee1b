import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import type { StoredSyncStatus, SyncFailure, SyncOutcome, SyncStatus } from '../sync/index.ts';
import { note, print, printJson, printTable } from './output.ts';
import { ownIdentity } from './own-identity.ts';
import { stateDirectory } from './state-directory.ts';
import { UsageError } from './usage-error.ts';

interface NowOptions {
  readonly config: string;
  readonly state?: string;
  readonly json?: true;
}

export function registerSyncCommand(program: Command): void {
  const sync = program.command('sync').description('the outbox: what reaches the chain, and when');
  sync
    .command('status')
    .description('shows the last anchor and what is on its way; reads beside a running service')
    .argument('[dir]', 'state directory')
    .option('--json', 'one JSON document')
    .action(showStatus);
  sync
    .command('now')
    .description(
      'anchors what the journal holds and waits until it is final; the service must not be running',
    )
    .requiredOption('--config <file>', 'station.yaml')
    .option('--state <dir>', 'state directory; default: $STATE_DIRECTORY, otherwise ./state')
    .option('--json', 'one JSON document')
    .action(syncNow);
}

async function showStatus(given: string | undefined, options: { readonly json?: true }): Promise<void> {
  const { readSyncStatus, SyncError } = await import('../sync/index.ts');
  let status: StoredSyncStatus;
  try {
    status = readSyncStatus(stateDirectory(given));
  } catch (error) {
    // A station that never synced has no outbox yet: that is an answer, not a failure.
    if (!(error instanceof SyncError) || error.code !== 'sync.outbox_missing') throw error;
    note(`${error.message}; ${error.hint ?? ''}`);
    status = { intents: [], lastAnchor: null, failure: null, genesisHash: null };
  }
  const words = inWords(status);
  if (options.json) return printJson({ ...jsonStatus(status), words });
  for (const line of words) print(line);
  if (status.intents.length === 0) return;
  print('');
  printTable(
    ['intent', 'state', 'size', 'planned', 'attempt', 'nonce', 'era', 'block', 'why'],
    status.intents.map(({ id, state, size, plannedAtMs, attempt, block, evidence, reason }) => [
      String(id),
      state,
      String(size),
      new Date(plannedAtMs).toISOString(),
      attempt === null ? '-' : String(attempt.ordinal),
      attempt === null ? '-' : String(attempt.nonce),
      attempt === null ? '-' : `${attempt.birth.number}..${attempt.deathNumber}`,
      String(evidence?.blockNumber ?? block?.number ?? '-'),
      reason ?? '',
    ]),
  );
}

/** Rows without the bulk: the evidence is in the receipt. */
function jsonStatus({ intents, ...rest }: StoredSyncStatus): object {
  return {
    ...rest,
    intents: intents.map(({ id, state, size, root, plannedAtMs, attempt, block, evidence, reason }) => ({
      id,
      state,
      size,
      root,
      plannedAtMs,
      attempts: attempt?.ordinal ?? 0,
      nonce: attempt?.nonce ?? null,
      birthNumber: attempt?.birth.number ?? null,
      deathNumber: attempt?.deathNumber ?? null,
      blockNumber: evidence?.blockNumber ?? block?.number ?? null,
      blockHash: evidence?.blockHash ?? block?.hash ?? null,
      reason,
    })),
  };
}

function inWords({ intents, lastAnchor, failure }: StoredSyncStatus): string[] {
  const lines = [
    lastAnchor === null
      ? 'nothing is anchored yet'
      : `anchored: ${lastAnchor.size} entries, block ${lastAnchor.blockNumber} (${lastAnchor.blockHash}), ${viaWords(lastAnchor.via)}`,
  ];
  for (const { state, size, attempt } of [...intents].reverse()) {
    const words = OPEN_WORDS[state];
    if (words !== undefined)
      lines.push(`${size} entries: ${words}${attempt === null ? '' : ` (attempt ${attempt.ordinal})`}`);
  }
  if (failure !== null) lines.push(failureWords(failure));
  return lines;
}

const OPEN_WORDS: Readonly<Record<string, string>> = {
  planned: 'planned, waits for the network',
  signed: 'signed, not known to have left',
  broadcast: 'handed to the network, in no block yet',
  inBlock: 'in a block that is not final yet',
  expired: 'did not get into a block in time, will be signed anew',
};

function viaWords(via: 'light-client' | 'rpc'): string {
  return via === 'rpc' ? 'as a node said' : 'as a light client verified';
}

function failureWords({ code, message, hint, failures, atMs }: SyncFailure): string {
  const times = failures === 1 ? 'failed' : `failed ${failures} times, first`;
  return `last sync ${times} at ${new Date(atMs).toISOString()} [${code}]: ${message}${hint === null ? '' : ` (${hint})`}`;
}

async function syncNow(options: NowOptions): Promise<void> {
  const outcome = await oneRound(options);
  const { anchor } = outcome;
  if (options.json) return printJson(outcome);
  if (outcome.outcome === 'nothing-to-anchor') note('nothing to anchor: all entries are covered');
  if (anchor === null) return;
  print(
    `${anchor.size} entries in block ${anchor.blockNumber} (${anchor.blockHash}), ${viaWords(anchor.via)}`,
  );
}

/** Composes what syncing needs and takes it apart again whatever happens. The outbox's lock keeps the service out. */
async function oneRound(options: NowOptions): Promise<SyncOutcome> {
  const [
    { loadStationConfig },
    { openJournalReader, signCheckpoint, JournalError },
    { openAnchoring },
    service,
  ] = await Promise.all([
    import('../config/index.ts'),
    import('../journal/index.ts'),
    import('../station/index.ts'),
    import('../service/index.ts'),
  ]);
  const { systemMonotonicClock: clock } = service;
  const config = loadStationConfig(options.config);
  if (config.chain === undefined) {
    throw new UsageError('usage.bad_option', `${options.config} has no section "chain"`, {
      hint: 'Without a chain the journal is kept and nothing is anchored.',
    });
  }
  const directory = stateDirectory(options.state);
  const identity = await ownIdentity(directory, {
    ...config.identity,
    ss58Prefix: config.chain.ss58Prefix,
  });
  const log = service.createLog({
    level: 'warning',
    journald: false,
    write: (line) => process.stderr.write(`${line}\n`),
    clock,
  });
  const reader = openJournalReader(directory);
  const journal = {
    get size() {
      return reader.size;
    },
    checkpoint: async () => {
      const { origin, size } = reader;
      const root = reader.rootAt(size);
      return { text: signCheckpoint({ origin, size, root }, identity), size, root };
    },
  };
  try {
    if (!Buffer.from(identity.publicKey).equals(reader.publicKey)) {
      throw new JournalError('journal.wrong_key', 'the root seed here is not the one that signs this log');
    }
    const ports = {
      stateDirectory: directory,
      gatewayEntry: new URL('./gateway.js', import.meta.url),
      clock,
      wallClock: service.systemWallClock(),
      random: () => randomInt(2 ** 32) / 2 ** 32,
      log,
    };
    const sync = await openAnchoring({ options: ports, config, identity, journal }, progressNotes());
    if (sync === undefined) return { outcome: 'nothing-to-anchor', anchor: null };
    try {
      return await sync.syncNow();
    } finally {
      await sync.stop();
    }
  } finally {
    reader.close();
  }
}

/** One line on stderr for each step that a person waits for. */
function progressNotes(): (status: SyncStatus) => void {
  let last = '';
  return ({ phase, open, chain }) => {
    const at =
      chain === null || chain.finalizedNumber === null ? '' : `, finalized block ${chain.finalizedNumber}`;
    const step = open === null ? phase : `${phase}, ${open.size} entries ${open.state}`;
    if (step === last) return;
    last = step;
    note(`${step}${at}`);
  };
}
