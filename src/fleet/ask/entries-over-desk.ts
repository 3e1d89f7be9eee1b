import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { EntriesParameters, ResponsePart } from '../../remote/index.ts';
import type { EntriesHeard, EntriesLink, EntriesRequest } from '../backfill/entries-link.ts';
import type { BrokerDesk } from '../desk/desk.ts';
import { FleetError } from '../errors.ts';
import { refused } from './ask-failure.ts';
import type { Sent, StationAsker } from './ask-station.ts';

export interface EntriesOverDesk {
  readonly asker: StationAsker;
  readonly desk: BrokerDesk;
  readonly clock: MonotonicClock;
  /** How long a session with the broker is waited for. */
  readonly connectWithinMs?: number;
  /** How long the first word of a station may take, before a refusal for the challenge or the clock is no longer waited for. */
  readonly firstWithinMs?: number;
}

/** Transfers of entries of one station, through the desk. */
export function entriesOverDesk(parts: EntriesOverDesk): EntriesLink {
  return { open: (parameters, heard) => open(parts, parameters, heard) };
}

async function open(
  parts: EntriesOverDesk,
  parameters: EntriesParameters,
  heard: EntriesHeard,
): Promise<EntriesRequest> {
  const { asker, desk, clock, connectWithinMs = 60_000, firstWithinMs = 5_000 } = parts;
  await session(desk, clock, connectWithinMs);
  const command = { name: 'journal entries', parameters } as const;
  const learnt = new Set<string>();
  for (;;) {
    const first = new AbortController();
    let refusal: ResponsePart | undefined;
    let isFirstOver = false;
    const sent = await asker.send(command, {
      parts: (some) => {
        for (const part of some) {
          asker.noteExpiry(part);
          if (!part.ok && part.part === 0 && !isFirstOver) refusal = part;
          else heard.part(part);
        }
        first.abort();
      },
      chunk: (index, payload) => {
        first.abort();
        heard.chunk(index, payload);
      },
    });
    await clock.sleep(firstWithinMs, first.signal).catch(() => {});
    isFirstOver = true;
    const why = refusalOf(refusal);
    if (why === undefined) return request(parts, sent, heard);
    await sent.end();
    if (learnt.has(why.code) || !(await asker.learn(why, sent))) throw refused(why);
    learnt.add(why.code);
  }
}

function refusalOf(part: ResponsePart | undefined) {
  return part?.ok === false ? part.error : undefined;
}

function request({ asker, desk }: EntriesOverDesk, sent: Sent, heard: EntriesHeard): EntriesRequest {
  let wasConnected = desk.state().connected;
  const stopWatching = desk.onChange(() => {
    const isConnected = desk.state().connected;
    if (wasConnected && !isConnected) heard.broken();
    wasConnected = isConnected;
  });
  return {
    request: sent.request,
    credit(message) {
      const payload = Buffer.from(JSON.stringify(message));
      desk.publish({ topic: `${asker.prefix}/credit`, payload }).catch(() => {});
    },
    async end() {
      stopWatching();
      await sent.end();
    },
  };
}

/** Attempts that fail are followed by others, until the time is up. */
async function session(desk: BrokerDesk, clock: MonotonicClock, withinMs: number): Promise<void> {
  const untilMonoMs = clock.nowMonoMs() + withinMs;
  for (;;) {
    try {
      return await desk.connected();
    } catch (error) {
      const isClosed = error instanceof FleetError && error.code === 'fleet.not_connected';
      if (isClosed || clock.nowMonoMs() >= untilMonoMs) throw error;
    }
  }
}
