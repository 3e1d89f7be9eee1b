import type { StoredSyncStatus, SyncAnswer } from '../../sync/index.ts';
import { askService, isSameDirectory } from '../ask-service.ts';
import { ExitCode, note, print, printJson, printTable } from '../output.ts';
import { stateDirectory } from '../state-directory.ts';
import { liveLines, liveSummary, storedWords } from './sync-status-lines.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface StatusOptions {
  readonly socket: string;
  readonly watch?: true;
  readonly json?: true;
}

/** How often a running service is asked while it is watched; it costs it less than a reading. */
const WATCH_EVERY_MS = 1_000;
const EMPTY: StoredSyncStatus = { intents: [], lastAnchor: null, failure: null, genesisHash: null };

export async function showSyncStatus(given: string | undefined, options: StatusOptions): Promise<void> {
  const directory = stateDirectory(given);
  if (options.watch === true) return await watch(directory, options);
  const stored = await readStored(directory, note);
  const live = await askLive(directory, options.socket, note);
  if (needsSomebody(live, stored)) process.exitCode = ExitCode.bad;
  const words = storedWords(stored);
  if (options.json === true) {
    const document = jsonStored(stored);
    return printJson({ ...document, words, live: live?.status ?? null, round: live?.round ?? null });
  }
  if (live !== undefined) {
    const { amountInWords, bytesInWords, durationInWords } = await import('../../sync/index.ts');
    const inWords = { amountInWords, bytesInWords, durationInWords };
    for (const line of liveLines(live.status, inWords)) print(line);
    if (stored.intents.length > 0) print('');
  }
  for (const line of words) print(line);
  printIntents(stored);
}

/** Follows a service, and says when it goes and comes. One line on stdout for each change, until Ctrl-C. */
async function watch(directory: string, options: StatusOptions): Promise<void> {
  const signal = untilInterrupted();
  const { systemMonotonicClock: clock } = await import('../../service/index.ts');
  let last = '';
  let saidAway = '';
  while (!signal.aborted) {
    const live = await askLive(directory, options.socket, (why) => (saidAway = why));
    const [key, line] = live === undefined ? [saidAway, saidAway] : liveSummary(live.status);
    if (key !== last) {
      last = key;
      if (options.json === true) printJson({ at: Date.now(), live: live?.status ?? null });
      else print(`${new Date().toISOString().slice(0, 19)}Z  ${line}`);
    }
    await clock.sleep(WATCH_EVERY_MS, signal).catch(() => {});
  }
}

/** What the service of this state directory says; undefined, and `tell` why, when none answers. */
async function askLive(
  directory: string,
  socket: string,
  tell: (why: string) => void,
): Promise<SyncAnswer['sync'] | undefined> {
  const { StationError } = await import('../../../hal/contract/index.ts');
  try {
    const { sync } = (await askService(socket, { sync: 'status' })) as unknown as SyncAnswer;
    if (isSameDirectory(sync.stateDirectory, directory)) return sync;
    tell(`the service on ${socket} is of another state directory, ${sync.stateDirectory}`);
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    tell(await whyNotLive(directory, socket, error));
  }
  return undefined;
}

async function whyNotLive(
  directory: string,
  socket: string,
  { code, message }: { readonly code: string; readonly message: string },
): Promise<string> {
  const { findJournalWriter } = await import('../../journal/index.ts');
  const { running, pid } = findJournalWriter(directory);
  if (!running) return 'no service runs on this state directory; this is what is stored';
  const why = code === 'control.unreachable' ? `does not answer on ${socket}` : `says [${code}] ${message}`;
  const advice =
    code === 'control.unreachable' ? ' (control.socket of its configuration, --socket here)' : '';
  return `the service (pid ${pid ?? 'unknown'}) ${why}${advice}; this is what is stored`;
}

async function readStored(directory: string, tell: (why: string) => void): Promise<StoredSyncStatus> {
  const { readSyncStatus, SyncError } = await import('../../sync/index.ts');
  try {
    return readSyncStatus(directory);
  } catch (error) {
    // A station that never synced has no outbox yet: that is an answer, not a failure.
    if (!(error instanceof SyncError) || error.code !== 'sync.outbox_missing') throw error;
    tell(`${error.message}; ${error.hint ?? ''}`);
    return EMPTY;
  }
}

/** Of a service that runs, its own word counts; of one that does not, the last failure. */
function needsSomebody(live: SyncAnswer['sync'] | undefined, { failure }: StoredSyncStatus): boolean {
  if (live !== undefined) return live.status.words.some(({ severity }) => severity === 'act');
  return failure?.remedy === 'operator' || failure?.remedy === 'halt';
}

/** Rows without the bulk: the evidence is in the receipt. */
function jsonStored({ intents, ...rest }: StoredSyncStatus): object {
  return {
    ...rest,
    intents: intents.map((intent) => ({
      ...{ id: intent.id, kind: intent.kind, state: intent.state, size: intent.size, root: intent.root },
      plannedAtMs: intent.plannedAtMs,
      attempts: intent.attempt?.ordinal ?? 0,
      nonce: intent.attempt?.nonce ?? null,
      birthNumber: intent.attempt?.birth.number ?? null,
      deathNumber: intent.attempt?.deathNumber ?? null,
      blockNumber: intent.evidence?.blockNumber ?? intent.block?.number ?? null,
      blockHash: intent.evidence?.blockHash ?? intent.block?.hash ?? null,
      outcome: intent.outcome,
      reason: intent.reason,
    })),
  };
}

function printIntents({ intents }: StoredSyncStatus): void {
  if (intents.length === 0) return;
  print('');
  printTable(
    ['intent', 'kind', 'state', 'size', 'planned', 'attempt', 'nonce', 'era', 'block', 'fee', 'why'],
    intents.map(({ id, kind, state, size, plannedAtMs, attempt, block, evidence, outcome, reason }) => [
      ...[String(id), kind, state, String(size), new Date(plannedAtMs).toISOString()],
      attempt === null ? '-' : String(attempt.ordinal),
      attempt === null ? '-' : String(attempt.nonce),
      attempt === null ? '-' : `${attempt.birth.number}..${attempt.deathNumber}`,
      String(evidence?.blockNumber ?? block?.number ?? '-'),
      outcome?.fee ?? '-',
      outcome?.error ?? reason ?? '',
    ]),
  );
}
