import { readKernelBootId } from '../boot-id.ts';
import type { FaultBody } from '../entry/entry-types.ts';
import { JournalError } from '../errors.ts';
import type { JournalOptions } from '../journal-port.ts';
import { keyHistoryForWriter } from '../key-history.ts';
import { checkedEdge, nextBootCount, readLastBoot } from '../log-continuity.ts';
import type { SqliteRows } from '../store/sqlite-rows.ts';
import type { TreeEdge } from '../tree/hash-tile.ts';
import { beginsWith } from './log-keys.ts';
import { judgeCounter } from './monotonic-counter.ts';
import {
  compareWithKnown,
  faultsToRecord,
  originOfEmpty,
  type LogEnd,
  type Surroundings,
} from './opening.ts';
import { startReason, type StartReason } from './start-reason.ts';

/** A log that may be appended to. */
export interface ContinuedLog {
  readonly origin: string;
  readonly edge: TreeEdge;
  readonly bootId: Uint8Array;
  readonly bootCount: number;
  /** How often it was opened, this time included. */
  readonly opening: number;
  /** What the high-water mark says that a monotonic counter showed. */
  readonly seal: number | undefined;
  readonly startReason: StartReason;
  /** To be recorded behind the `boot` entry. */
  readonly faults: readonly FaultBody[];
}

/**
 * Checks that the log is ours, whole at its end and the newest there ever was.
 * @throws JournalError `journal.corrupt`, `journal.rolled_back`, `journal.lost`, `journal.wrong_key`,
 * `journal.wrong_origin`, `journal.io`
 */
export function continueLog(
  store: SqliteRows,
  options: JournalOptions,
  around: Surroundings,
  faults: readonly FaultBody[],
): ContinuedLog {
  const { directory, signer, origin: stationOrigin, anchored } = options;
  const bootId = options.bootId ?? readKernelBootId();
  const size = store.size();
  const keys = keyHistoryForWriter(store, signer.publicKey);
  const last = size === 0 ? undefined : readLastBoot(store, stationOrigin, signer.publicKey, keys);
  const origin = last?.origin ?? originOfEmpty(options, around);
  const end: LogEnd = { stationOrigin, origin, size, opening: last?.opening };
  const hashed = compareWithKnown(store, end, around.found, anchored);
  const mark = around.found.state === 'read' ? around.found.mark : undefined;
  // Which entries need no look at their signatures depends on who signs: the keys must reach back to the birth.
  const signed = beginsWith(store, keys) ? hashed : 0;
  return {
    ...{ origin, bootId, bootCount: nextBootCount(last, bootId) },
    edge: checkedEdge(store, origin, size, keys, { signed, hashed }),
    seal: mark?.seal,
    startReason: startReason(last, bootId, mark, around.report !== undefined),
    opening: Math.max(last?.opening ?? 0, mark?.opening ?? 0) + 1,
    faults: [...faultsToRecord(store, around, end, directory), ...faults],
  };
}

/** What the monotonic counter shows; one that fails is recorded and done without. @throws JournalError `journal.rolled_back` */
export async function readCounter(
  { highWater, log }: JournalOptions,
  { found, report }: Surroundings,
): Promise<{ readonly shows: number | undefined; readonly faults: readonly FaultBody[] }> {
  const counter = highWater?.counter;
  if (counter === undefined) return { shows: undefined, faults: [] };
  let shows: number;
  try {
    shows = await counter.read();
  } catch (error) {
    log('warning', 'journal.counter_failed', { error });
    const message = `${counter.name} does not answer; an older copy of the whole directory would not be noticed`;
    return { shows: undefined, faults: [{ code: 'journal.counter_failed', message }] };
  }
  // Another log stands there already because of it; with its first mark the two agree again.
  if (report?.faults.some(({ code }) => code === 'journal.rolled_back') === true)
    return { shows, faults: [] };
  const seal = found.state === 'read' ? found.mark.seal : undefined;
  switch (judgeCounter(shows, seal)) {
    case 'fits':
      return { shows, faults: [] };
    case 'reset': {
      const message = `${counter.name} shows ${shows}, and ${seal} was there before: it was replaced or cleared`;
      return { shows, faults: [{ code: 'journal.counter_reset', message }] };
    }
    case 'rolled back':
      throw new JournalError(
        'journal.rolled_back',
        `the state directory is older than ${counter.name} says`,
        {
          remedy: 'degrade',
          details: { shows, seal },
          hint: 'an old copy of the whole state directory was put back',
        },
      );
  }
}
