import { StationError, type Log, type MonotonicClock } from '../../../hal/contract/index.ts';
import type { EvidenceLog } from '../../metering/index.ts';
import {
  recordOfAccepted,
  RemoteError,
  TokenBucket,
  type Command,
  type CommandGate,
  type CommandName,
  type Judgement,
  type RemoteErrorCode,
  type ResponseError,
} from '../../remote/index.ts';
import type { WallClock } from '../../service/index.ts';
import type { HeardMessage } from '../../telemetry/index.ts';
import { CommandAnswer, replyOf } from './command-answer.ts';
import { destinationOf, type Destination } from './destination.ts';
import type { Handler, Handlers } from './handler.ts';
import { RefusalsOnRecord, type Refused } from './refusals-on-record.ts';
import type { ReplyRoom } from './reply-room.ts';
import { timeLimitMs } from './time-limits.ts';

export interface DeskParts {
  readonly gate: CommandGate;
  readonly handlers: Handlers;
  /** `delmonicos/v1/<station>`. */
  readonly prefix: string;
  readonly replies: ReplyRoom;
  readonly evidence: EvidenceLog;
  readonly clock: MonotonicClock;
  readonly wallClock: Pick<WallClock, 'nowWallMs' | 'status'>;
  readonly log: Log;
  /** The last 24 hours have cost all that a day may cost on the wire. */
  readonly isDaySpent: () => boolean;
  /** Another one is to stand in `status`. */
  readonly onChallenge: (challenge: string) => void;
}

/** Under way at once: each has its answer, and perhaps a reader of the journal, in memory. */
const MAX_COMMANDS = 4;
const MAX_TRACES = 2;
/**
 * Refusals that are answered. A command of a known key can be copied by whoever sees it, and sent again and again: without this bound
 * a stranger would make the station spend a day's budget on telling him no.
 */
const REFUSALS_ANSWERED = { burst: 20, everyMs: 60_000 };
/** Answers of up to some hundred KiB. Answers are not held back: so whoever may only read could spend any number of days' budgets with them. */
const COSTLY: ReadonlySet<CommandName> = new Set(['meter trace', 'meter watch', 'journal receipt']);
/** How long room is waited for, to say that a command has come to nothing. */
const FAREWELL_MS = 10_000;

type Accepted = Extract<Judgement, { verdict: 'accepted' }>;

/**
 * Takes commands from the broker: judged, put on record, carried out, answered. Nothing here throws at who brings them, and
 * nothing that is carried out outlives `stop`.
 */
export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #refusals: RefusalsOnRecord;
  readonly #stopping = new AbortController();
  readonly #underWay = new Map<Promise<void>, CommandName>();
  readonly #refusalsAnswered = new TokenBucket(REFUSALS_ANSWERED);

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#refusals = new RefusalsOnRecord(parts.evidence, parts.clock, parts.log);
  }

  /** A message on `request`. Never throws. */
  receive(message: HeardMessage): void {
    if (this.#stopping.signal.aborted || message.payload.length === 0) return; // empty: a retained one that was cleared
    try {
      const judged = this.#judged(message);
      if (judged.verdict === 'refused') this.#refuse(judged, message);
      else this.#begin(judged, message);
    } catch (error) {
      this.#parts.log('error', 'remote.not_judged', { error });
    }
  }

  /** Ends what is under way; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#stopping.abort(new RemoteError('remote.unavailable', 'the service stops', { remedy: 'retry' }));
    await Promise.all(this.#underWay.keys());
    await this.#refusals.stop();
  }

  #judged({ payload, retained }: HeardMessage): Judgement {
    const { gate, clock, wallClock } = this.#parts;
    const judged = gate.judge(payload, {
      ...{ wallTimeMs: wallClock.nowWallMs(), clockStatus: wallClock.status() },
      ...{ isRetained: retained, nowMonoMs: clock.nowMonoMs() },
    });
    if (judged.newChallenge !== undefined) this.#parts.onChallenge(judged.newChallenge);
    if (judged.verdict === 'refused') return judged;
    if (COSTLY.has(judged.command.name) && this.#parts.isDaySpent()) return spent(judged);
    const names = [...this.#underWay.values()];
    const isTraceTooMany =
      judged.command.name === 'meter trace' &&
      names.filter((name) => name === 'meter trace').length >= MAX_TRACES;
    return names.length >= MAX_COMMANDS || isTraceTooMany ? busy(judged, names) : judged;
  }

  #refuse(refused: Refused, message: HeardMessage): void {
    this.#refusals.add(refused);
    const { isAnswered, nonce, error } = refused;
    if (!isAnswered || nonce === null || !this.#refusalsAnswered.take(this.#parts.clock.nowMonoMs())) return;
    const part = { request: nonce, part: 0, last: true, ok: false, error } as const;
    // Where there is no room for it, it is left: whoever asks too much must not fill what others wait for.
    this.#parts.replies.offer(replyOf(part, this.#destination(message, nonce)));
  }

  #begin(accepted: Accepted, message: HeardMessage): void {
    const ended = this.#carryOut(accepted, this.#destination(message, accepted.nonce));
    const underWay = ended.finally(() => this.#underWay.delete(underWay));
    this.#underWay.set(underWay, accepted.command.name);
  }

  /** Never rejects. */
  async #carryOut(accepted: Accepted, destination: Destination): Promise<void> {
    const { command, operator, nonce, isExpiryJudged } = accepted;
    const { clock, log, replies } = this.#parts;
    const limit = new AbortController();
    const finished = new AbortController();
    const limitMs = timeLimitMs(command);
    clock.sleep(limitMs, finished.signal).then(
      () => limit.abort(tookTooLong(command.name, limitMs)),
      () => {},
    );
    const signal = AbortSignal.any([limit.signal, this.#stopping.signal]);
    const answer = new CommandAnswer({
      ...{ request: nonce, operator: operator.name, destination, replies, signal, isExpiryJudged },
    });
    const fields = { command: command.name, operator: operator.name, request: nonce };
    let work: Promise<object> | undefined;
    try {
      await this.#putOnRecord(accepted);
      log('info', 'remote.accepted', fields);
      const handle = this.#parts.handlers[command.name] as Handler<CommandName>;
      work = handle(command.parameters, answer);
      await answer.end(await orAborted(work, signal));
    } catch (error) {
      const code = error instanceof StationError ? error.code : 'internal';
      log(code === 'internal' ? 'error' : 'warning', 'remote.failed', { ...fields, code, error });
      await this.#farewell(answer, error);
    } finally {
      finished.abort();
    }
    // Given up, but not over: it takes its place among those under way until it is, or the service stops.
    await orAborted(
      work?.catch(() => {}),
      this.#stopping.signal,
    ).catch(() => {});
  }

  /** What acts is on disk before it is carried out; what looks is answered also where nothing can be written any more. */
  async #putOnRecord(accepted: Accepted): Promise<void> {
    const { evidence, log } = this.#parts;
    const { body, durability } = recordOfAccepted(accepted);
    const recorded = evidence.append('command', body, durability);
    if (durability === 'billing') {
      await recorded;
      return;
    }
    recorded.catch((error: unknown) => log('error', 'journal.append_failed', { kind: 'command', error }));
  }

  async #farewell(answer: CommandAnswer, error: unknown): Promise<void> {
    const { clock } = this.#parts;
    const enough = new AbortController();
    const over = new AbortController();
    clock.sleep(FAREWELL_MS, AbortSignal.any([over.signal, this.#stopping.signal])).then(
      () => enough.abort(),
      () => enough.abort(),
    );
    await answer.fail(error, enough.signal).catch(() => {});
    over.abort();
  }

  #destination(message: HeardMessage, nonce: string): Destination {
    return destinationOf(message, this.#parts.prefix, nonce);
  }
}

/** The signal's reason when that comes first. */
async function orAborted<Result>(work: Promise<Result> | undefined, signal: AbortSignal): Promise<Result> {
  const settled = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true, signal: settled.signal });
  });
  return await Promise.race([work as Promise<Result>, aborted]).finally(() => settled.abort());
}

function busy(accepted: Accepted, underWay: readonly CommandName[]): Refused {
  return refusedAfterAll(accepted, {
    code: 'remote.busy',
    message: `the station is at work for others: ${underWay.join(', ')}`,
    hint: `At most ${MAX_COMMANDS} commands are carried out at once, ${MAX_TRACES} of them traces. Ask again in a moment.`,
  });
}

function spent(accepted: Accepted): Refused {
  return refusedAfterAll(accepted, {
    code: 'remote.too_many',
    message: 'the last 24 hours have cost all that a day of telemetry may cost',
    hint: 'Commands of small answers (doctor, journal stat, meter read) are obeyed all the same; telemetry.mqtt.bytesPerDay is the budget.',
  });
}

function refusedAfterAll(
  { command, operator, nonce, digest }: Accepted,
  error: ResponseError & { readonly code: RemoteErrorCode },
): Refused {
  return {
    ...({ verdict: 'refused', code: error.code, error, isAnswered: true } as const),
    ...{ command: command.name, operator: operator.name, nonce, digest },
  };
}

function tookTooLong(name: Command['name'], limitMs: number): RemoteError {
  return new RemoteError('remote.unavailable', `${name} took longer than ${limitMs} ms and was given up`, {
    remedy: 'retry',
  });
}
