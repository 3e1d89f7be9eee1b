import { randomInt } from 'node:crypto';
import { type Log, StationError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import type { SyncAnswer, SyncOutcome, SyncStatus } from '../../sync/index.ts';
import { askService, isSameDirectory } from '../ask-service.ts';
import { note, print, printJson } from '../output.ts';
import { ownIdentity } from '../own-identity.ts';
import { ProgressLine } from '../progress-line.ts';
import { gatewayPlace } from '../gateway-place.ts';
import { stateDirectory } from '../state-directory.ts';
import { viaWords } from './sync-status-lines.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { UsageError } from '../usage-error.ts';

interface NowOptions {
  readonly config: string;
  readonly state?: string;
  readonly socket?: string;
  readonly timeout?: number;
  readonly json?: true;
}

const ASK_EVERY_MS = 500;

/** One round: by the running service of this state directory, otherwise by this process. */
export async function syncNow(options: NowOptions): Promise<void> {
  const { loadStationConfig } = await import('../../config/index.ts');
  const config = loadStationConfig(options.config);
  if (config.chain === undefined) {
    throw new UsageError('usage.bad_option', `${options.config} has no section "chain"`, {
      hint: 'Without a chain the journal is kept and nothing is anchored.',
    });
  }
  const directory = stateDirectory(options.state);
  const line = new ProgressLine();
  const show = ({ words: [now] }: SyncStatus): void => line.show(now.state, now.text);
  const limit = await untilOver(options.timeout);
  try {
    const socket = options.socket ?? config.control?.socket;
    const begun = socket === undefined ? undefined : await beginAtService(socket, directory);
    const outcome =
      socket === undefined || begun === undefined
        ? await oneRound({ config, directory, show, limit })
        : await follow(socket, begun, { show, limit });
    line.clear();
    printOutcome(outcome, options);
  } finally {
    line.clear();
    limit.clear();
  }
}

function printOutcome(outcome: SyncOutcome, options: NowOptions): void {
  const { anchor } = outcome;
  if (options.json === true) return printJson(outcome);
  if (outcome.outcome === 'nothing-to-anchor') note('nothing to anchor: all entries are covered');
  if (anchor === null) return;
  print(
    `${anchor.size} entries in block ${anchor.blockNumber} (${anchor.blockHash}), ${viaWords(anchor.via)}`,
  );
}

interface Limit {
  /** Aborted by Ctrl-C or when the time is up. */
  readonly signal: AbortSignal;
  readonly isTimeUp: () => boolean;
  readonly clear: () => void;
}

async function untilOver(timeoutMs: number | undefined): Promise<Limit> {
  const { systemMonotonicClock: clock } = await import('../../service/index.ts');
  const interrupted = untilInterrupted();
  if (timeoutMs === undefined) return { signal: interrupted, isTimeUp: () => false, clear: () => {} };
  const timer = new AbortController();
  const late = new AbortController();
  clock.sleep(timeoutMs, timer.signal).then(
    () => late.abort(),
    () => {},
  );
  const signal = AbortSignal.any([interrupted, late.signal]);
  return { signal, isTimeUp: () => late.signal.aborted, clear: () => timer.abort() };
}

/** What is thrown when somebody stopped to wait; what is in flight stays in the outbox in either case. */
async function notFinal({ isTimeUp }: Limit, byService: boolean): Promise<StationError> {
  const { SyncError } = await import('../../sync/index.ts');
  const why = isTimeUp() ? 'the time is up' : 'interrupted';
  return new SyncError('sync.not_final_yet', `${why}: no final anchor yet`, {
    effect: 'unknown',
    hint: byService
      ? 'The service goes on: `delmonicos sync status --watch` shows how.'
      : 'What was sent is looked for by the next sync: nothing is sent twice.',
  });
}

/** Undefined: no service of this directory answers there, and this process may do it itself. */
async function beginAtService(socket: string, directory: string): Promise<SyncAnswer['sync'] | undefined> {
  try {
    const { sync } = (await askService(socket, { sync: 'status' })) as unknown as SyncAnswer;
    if (!isSameDirectory(sync.stateDirectory, directory)) {
      note(`the service on ${socket} is of another state directory, ${sync.stateDirectory}; it is not asked`);
      return undefined;
    }
    return ((await askService(socket, { sync: 'now' })) as unknown as SyncAnswer).sync;
  } catch (error) {
    if (error instanceof StationError && error.code === 'control.unreachable') return undefined;
    throw error;
  }
}

interface Following {
  readonly show: (status: SyncStatus) => void;
  readonly limit: Limit;
}

/** Asks the service until its round has ended. Nothing that happens here stops the service. */
async function follow(
  socket: string,
  begun: SyncAnswer['sync'],
  { show, limit }: Following,
): Promise<SyncOutcome> {
  const { systemMonotonicClock: clock } = await import('../../service/index.ts');
  const id = begun.round?.id;
  for (let answer = begun; ;) {
    const { status, round } = answer;
    show(status);
    if (round === null || round.id !== id) {
      throw new StationError('control.no_answer', 'the service was started anew meanwhile', {
        remedy: 'retry',
        effect: 'unknown',
        hint: 'Look with `delmonicos sync status`.',
      });
    }
    if (round.state === 'failed') throw roundError(round.error);
    if (round.state !== 'running') return { outcome: round.state, anchor: round.anchor };
    await clock.sleep(ASK_EVERY_MS, limit.signal).catch(() => {});
    if (limit.signal.aborted) throw await notFinal(limit, true);
    answer = ((await askService(socket, { sync: 'status' })) as unknown as SyncAnswer).sync;
  }
}

type RoundError = NonNullable<SyncAnswer['sync']['round']>['error'];

function roundError(error: RoundError): StationError {
  const { code, message, hint } = error ?? { code: 'internal', message: 'the round failed', hint: null };
  return new StationError(code, message, {
    remedy: 'retry',
    effect: 'unknown',
    hint: `${hint === null ? '' : `${hint} `}The service tries again by itself.`,
  });
}

interface Round extends Following {
  readonly config: StationConfig;
  readonly directory: string;
}

/** Composes what syncing needs and takes it apart again whatever happens. The outbox's lock keeps the service out. */
async function oneRound({ config, directory, show, limit }: Round): Promise<SyncOutcome> {
  const [{ openJournalReader, signCheckpoint, JournalError }, { openAnchoring }, service] = await Promise.all(
    [import('../../journal/index.ts'), import('../../station/index.ts'), import('../../service/index.ts')],
  );
  const { systemMonotonicClock: clock } = service;
  const ss58Prefix = config.chain?.ss58Prefix;
  const identity = await ownIdentity(directory, {
    ...config.identity,
    ...(ss58Prefix !== undefined && { ss58Prefix }),
  });
  const write = (line: string): void => void process.stderr.write(`${line}\n`);
  const serviceLog = service.createLog({ level: 'warning', journald: false, write, clock });
  // How this round ends is told once, as what the command ends with: there is no next try to wait for.
  const log: Log = (level, event, fields) => {
    if (event !== 'sync.failed') serviceLog(level, event, fields);
  };
  const showRound = (status: SyncStatus): void => {
    if (status.phase !== 'waiting' && status.phase !== 'stopped') show(status);
  };
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
    const options = {
      stateDirectory: directory,
      gatewayEntry: gatewayPlace(),
      clock,
      wallClock: service.systemWallClock(),
      random: () => randomInt(2 ** 32) / 2 ** 32,
      log,
    };
    const sync = await openAnchoring({ options, config, identity, journal }, showRound);
    if (sync === undefined) return { outcome: 'nothing-to-anchor', anchor: null };
    const stop = (): void => void sync.stop();
    limit.signal.addEventListener('abort', stop, { once: true });
    try {
      return await sync.syncNow();
    } catch (error) {
      throw limit.signal.aborted ? await notFinal(limit, false) : error;
    } finally {
      limit.signal.removeEventListener('abort', stop);
      await sync.stop();
    }
  } finally {
    reader.close();
  }
}
