import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { SignedCheckpoint } from '../../journal/index.ts';
import { RemoteError, type EntriesParameters } from '../../remote/index.ts';
import type { Reply } from '../../telemetry/index.ts';
import type { Answer } from '../remote/handler.ts';
import { Credit, readCredit } from './credit.ts';
import { Pace } from './pace.ts';
import { Transfer } from './transfer.ts';

/** At once: each may have a few messages in telemetry's queue. */
const MAX_TRANSFERS = 2;

export interface TransferDeskPorts {
  /** State directory, with the journal. */
  readonly directory: string;
  readonly clock: MonotonicClock;
  /** Entries on disk. */
  readonly logSize: () => number;
  /** The signed tree of so many entries; of all there are unless given. */
  readonly signTree: (size?: number) => Promise<SignedCheckpoint>;
  /** Resolves when telemetry has taken it. Rejects with the signal's reason. */
  readonly send: (reply: Reply, signal: AbortSignal) => Promise<void>;
  /** Whether entries wait in telemetry because the day's budget is used up. */
  readonly isHeldBack: () => boolean;
  /** Whether the last 24 hours cost all that a day may. */
  readonly isDaySpent: () => boolean;
  /** USUAL_BYTES_PER_SECOND unless given. */
  readonly bytesPerSecond?: number;
}

interface Running {
  readonly operator: string;
  readonly from: number;
  readonly credit: Credit;
  readonly giveWay: AbortController;
}

/** Entries over MQTT for whoever was allowed to ask for them, a few transfers at a time (docs/telemetry.md, Backfill). */
export class TransferDesk {
  readonly #ports: TransferDeskPorts;
  readonly #pace: Pace;
  readonly #running = new Map<string, Running>();

  constructor(ports: TransferDeskPorts) {
    this.#ports = ports;
    this.#pace = new Pace(ports.bytesPerSecond);
  }

  /**
   * The handler of `journal entries`: resolves with the last part of the answer. A transfer of the same operator and beginning that is
   * still open gives way: its link broke, and this is the second try.
   * @throws RemoteError `remote.bad_parameters`, `remote.busy`; JournalError as signedTree
   */
  readonly handle = async (parameters: EntriesParameters, answer: Answer): Promise<object> => {
    checkParameters(parameters, this.#ports.logSize());
    const { from } = parameters;
    for (const [request, other] of this.#running) {
      if (other.operator !== answer.operator || other.from !== from) continue;
      other.giveWay.abort(
        new RemoteError('remote.busy', 'the same operator asked for the same entries again'),
      );
      this.#running.delete(request);
    }
    if (this.#running.size >= MAX_TRANSFERS) {
      throw new RemoteError('remote.busy', `${MAX_TRANSFERS} transfers of entries are open`, {
        remedy: 'retry',
        hint: 'wait until one of them has ended; one that nobody gives credit to ends after a minute',
      });
    }
    const running = {
      ...{ operator: answer.operator, from },
      ...{ credit: new Credit(parameters.credit), giveWay: new AbortController() },
    };
    this.#running.set(answer.request, running);
    try {
      return await this.#transfer(parameters, answer, running);
    } finally {
      if (this.#running.get(answer.request) === running) this.#running.delete(answer.request);
    }
  };

  /** What came on the topic `credit`; what is not for an open transfer is left. */
  credit(payload: Uint8Array): void {
    const message = readCredit(payload);
    if (message !== undefined) this.#running.get(message.request)?.credit.add(message.chunks);
  }

  async #transfer(parameters: EntriesParameters, answer: Answer, running: Running): Promise<object> {
    const { directory, clock, send, signTree, isHeldBack, isDaySpent } = this.#ports;
    const { request } = answer;
    const tree = await signTree(parameters.size);
    const signal = AbortSignal.any([answer.signal, running.giveWay.signal]);
    const transfer = new Transfer(
      {
        ...{ request, parameters, tree, signal, credit: running.credit },
        part: (result) => answer.part(result),
      },
      { directory, clock, send, isHeldBack, isDaySpent, pace: this.#pace },
    );
    return await transfer.run();
  }
}

function checkParameters(
  { from, to, next = from, size, known = 0 }: EntriesParameters,
  logSize: number,
): void {
  const tree = size ?? logSize;
  const why =
    from > to
      ? `from ${from} is behind to ${to}`
      : tree > logSize
        ? `the log has ${logSize} entries, not ${tree}`
        : from > tree
          ? `entry ${from} is not in a log of ${tree}`
          : next < from || next > to
            ? `next ${next} is not within ${from} and ${to}`
            : known > tree
              ? `a tree of ${known} is no beginning of a tree of ${tree}`
              : undefined;
  if (why === undefined) return;
  throw new RemoteError('remote.bad_parameters', why, { details: { logSize } });
}
