// A station's desk for transfers over a journal in a directory, and the way between it and a reader: in memory, and as bad as told.
import { randomBytes } from 'node:crypto';
import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { EntriesHeard, EntriesLink } from '../../../src/fleet/index.ts';
import { openJournalReader, signCheckpoint, type JournalSigner } from '../../../src/journal/index.ts';
import { parseCommand, type EntriesParameters, type ResponsePart } from '../../../src/remote/index.ts';
import { TransferDesk } from '../../../src/station/backfill/transfer-desk.ts';
import { VirtualClock } from '../virtual-clock.ts';

/** A message on its way to the reader. */
export type OnItsWay =
  | { readonly kind: 'chunk'; readonly index: number; readonly payload: Uint8Array }
  | { readonly kind: 'part'; readonly part: ResponsePart };

export interface BackfillStation {
  readonly desk: TransferDesk;
  readonly link: EntriesLink;
  readonly clock: VirtualClock;
  /** Parameters of each command that came. */
  readonly commands: EntriesParameters[];
}

export interface StationSetup {
  readonly directory: string;
  readonly signer: JournalSigner;
  /** What becomes of a message: what is delivered in its place. Everything unless given. */
  readonly onTheWay?: (message: OnItsWay, command: number) => readonly OnItsWay[];
  readonly isHeldBack?: () => boolean;
  readonly isDaySpent?: () => boolean;
  /** As the product's unless given. */
  readonly bytesPerSecond?: number;
  /** Whether credit that is given arrives. */
  readonly creditArrives?: () => boolean;
  readonly operator?: string;
}

export function backfillStation(setup: StationSetup): BackfillStation {
  const { directory, onTheWay = (message) => [message], operator = 'desk' } = setup;
  const { isHeldBack = () => false, isDaySpent = () => false } = setup;
  const clock = new VirtualClock();
  const commands: EntriesParameters[] = [];
  const readers = new Map<string, (message: OnItsWay) => void>();
  const desk = new TransferDesk({
    ...{ directory, clock, isHeldBack, isDaySpent, bytesPerSecond: setup.bytesPerSecond ?? 1_000_000 },
    logSize: () => withReader(directory, (reader) => reader.size),
    signTree: (wanted) => Promise.resolve(treeOf(setup, wanted)),
    send: (reply) => {
      const [, request = '', index = ''] = reply.topic.split('/');
      if (!isHeldBack())
        readers.get(request)?.({ kind: 'chunk', index: Number(index), payload: reply.payload });
      // While the budget holds it back it is not sent, and nothing is heard of it.
      if (!isHeldBack()) setImmediate(() => reply.onSettled?.('delivered'));
      return Promise.resolve();
    },
  });
  const open = (parameters: EntriesParameters, heard: EntriesHeard): ReturnType<EntriesLink['open']> => {
    const request = randomBytes(16).toString('hex');
    const command = commands.push(parameters);
    const deliver = (message: OnItsWay): void => {
      for (const arrived of onTheWay(message, command)) {
        if (arrived.kind === 'chunk') heard.chunk(arrived.index, arrived.payload);
        else heard.part(arrived.part);
      }
    };
    readers.set(request, deliver);
    setImmediate(() => void answer(desk, { request, parameters, operator }, deliver));
    return Promise.resolve({
      request,
      credit: (message) => {
        if (setup.creditArrives?.() ?? true) desk.credit(Buffer.from(JSON.stringify(message)));
      },
      end: () => Promise.resolve(void readers.delete(request)),
    });
  };
  return { desk, clock, commands, link: { open } };
}

/** What the station says to a command: each part, and a refusal too. */
async function answer(
  desk: TransferDesk,
  asked: { readonly request: string; readonly parameters: EntriesParameters; readonly operator: string },
  deliver: (message: OnItsWay) => void,
): Promise<void> {
  const { request, operator } = asked;
  let part = 0;
  const send = (last: boolean, body: object): void => {
    const bytes = JSON.stringify({ request, part: part++, last, ...body });
    if (bytes.length > 15.25 * 1024) throw new Error(`a part of ${bytes.length} bytes`);
    deliver({ kind: 'part', part: JSON.parse(bytes) as ResponsePart });
  };
  const signal = new AbortController().signal;
  try {
    const { parameters } = parseCommand('journal entries', JSON.stringify(asked.parameters));
    const result = await desk.handle(parameters as EntriesParameters, {
      ...{ request, operator, signal },
      part: (some) => Promise.resolve(send(false, { ok: true, result: some })),
    });
    send(true, { ok: true, result });
  } catch (error) {
    const { code = 'internal', message } = error as { code?: string; message: string };
    send(true, { ok: false, error: { code, message, hint: null } });
  }
}

function treeOf({ directory, signer }: StationSetup, wanted?: number) {
  return withReader(directory, (reader) => {
    const size = wanted ?? reader.size;
    const root = reader.rootAt(size);
    return { text: signCheckpoint({ origin: reader.origin, size, root }, signer), size, root };
  });
}

export function withReader<T>(
  directory: string,
  read: (reader: ReturnType<typeof openJournalReader>) => T,
): T {
  const reader = openJournalReader(directory);
  try {
    return read(reader);
  } finally {
    reader.close();
  }
}

/** What `journal export --format cbor-seq` writes of them. */
export function exported(directory: string, from: number, to: number): Buffer {
  return withReader(directory, (reader) =>
    Buffer.concat([...reader.entries(from, Math.min(to, reader.size))].map(({ cose }) => cose)),
  );
}

/** Lets virtual time pass until the work is done. */
export async function inItsTime<T>(clock: MonotonicClock, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => (isDone = true));
  done.catch(() => {});
  while (!isDone) await (clock as VirtualClock).advance(250);
  return await done;
}
