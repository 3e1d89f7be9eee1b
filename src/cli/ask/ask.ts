import { randomBytes, randomInt } from 'node:crypto';
import type { AskEvent, BrokerDesk, StationAsker } from '../../fleet/index.ts';
import type { Command } from '../../remote/index.ts';
import { deskOptions } from '../broker-options.ts';
import { readKeyFile } from '../key/key-file.ts';
import { ExitCode, harmlessLine, note } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { UsageError } from '../usage-error.ts';
import type { AskArguments } from './ask-command.ts';
import { listCommands } from './ask-list.ts';
import { askRequest, type AskRequest } from './ask-request.ts';
import { believedKey, keyGiven, type BelievedKey } from './believed-key.ts';

/** What the broker retains comes at once, behind a slow link within seconds. */
const RETAINED_WITHIN_MS = 3_000;
const SILENCE_MS = 30_000;
/** A light client that has to find its peers, and a chain that has to finalise. */
const SYNC_SILENCE_MS = 11 * 60_000;
/** It waits for its turn on the line, behind whatever is read there. */
const METER_SILENCE_MS = 65_000;

/** What an answer is made of: how to ask, and whom to believe. */
export interface Asking {
  readonly station: string;
  readonly desk: BrokerDesk;
  readonly asker: StationAsker;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly believed: BelievedKey | undefined;
  readonly isJson: boolean;
}

export async function ask(
  station: string | undefined,
  words: readonly string[],
  options: AskArguments,
): Promise<void> {
  if (options.list === true || station === undefined || words.length === 0) {
    if (options.list !== true && station !== undefined)
      throw new UsageError('usage.bad_option', `what is ${station} to be asked?`, {
        hint: 'See `delmonicos ask --list`.',
      });
    return await listCommands(options.json === true);
  }
  const request = askRequest(words, commandArguments(options));
  const keyFile = options.key;
  if (keyFile === undefined)
    throw new UsageError('usage.bad_option', 'with which key? --key FILE', {
      hint: 'delmonicos key operator FILE --name NAME makes one.',
    });
  const key = readKeyFile(keyFile, `make one with: delmonicos key operator ${keyFile} --name NAME`);
  const pinned = await keyGiven(options.stationKey);
  const desked = deskOptions(options);
  const [fleet, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../fleet/index.ts'),
    import('../../service/index.ts'),
  ]);
  const desk = fleet.openDesk(desked, { clock, random: () => randomInt(2 ** 32) / 2 ** 32 });
  try {
    await desk.connected();
    const retainedWithinMs = Math.min(options.timeout ?? RETAINED_WITHIN_MS, RETAINED_WITHIN_MS);
    const seat = await fleet.findStation(desk, station, { clock, retainedWithinMs });
    const asker = new fleet.StationAsker({
      ...{ desk, station, seat, key, clock, randomBytes },
      nowWallMs: Date.now,
      onEvent: (event) => tell(event, station),
      believesStationTime: options.believeStationTime === true,
    });
    const believed = believedKey(pinned, seat.status, station);
    const silenceMs = options.timeout ?? silenceOf(request);
    const signal = untilInterrupted();
    const asking = { station, desk, asker, silenceMs, signal, believed, isJson: options.json === true };
    await answer(asking, request).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      note('interrupted: what the station was asked for, it goes on with');
      process.exitCode = ExitCode.bad;
    });
  } finally {
    await desk.close();
  }
}

async function answer(asking: Asking, request: AskRequest): Promise<void> {
  if (request.kind === 'entries') {
    const { fetchToFile } = await import('./ask-entries.ts');
    return await fetchToFile(asking, request);
  }
  const { command, output } = request;
  const { asker, silenceMs, signal } = asking;
  const { showerOf } = await import('./answers.ts');
  const shower = showerOf(command, asking, output);
  const results = await asker.ask(command, {
    silenceMs,
    signal,
    ...(shower.part !== undefined && { onPart: shower.part }),
  });
  const isGood = await shower.end(results);
  process.exitCode = isGood ? ExitCode.good : ExitCode.bad;
}

function silenceOf(request: AskRequest): number {
  if (request.kind === 'entries') return SILENCE_MS;
  const { command } = request;
  switch (command.name) {
    case 'meter trace':
      // A line can be silent all the while.
      return command.parameters.forMs + SILENCE_MS;
    case 'meter read':
      return METER_SILENCE_MS;
    case 'sync now':
      return SYNC_SILENCE_MS;
    default:
      return SILENCE_MS;
  }
}

function commandArguments({ for: forMs, size, index, session, from, to, output }: AskArguments) {
  return {
    ...(forMs !== undefined && { for: forMs }),
    ...(size !== undefined && { size }),
    ...(index !== undefined && { index }),
    ...(session !== undefined && { session }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(output !== undefined && { output }),
  };
}

function tell(event: AskEvent, station: string): void {
  note(harmlessLine(`note: ${eventWords(event, station)}`));
}

function eventWords(event: AskEvent, station: string): string {
  switch (event.event) {
    case 'clock-differs': {
      const seconds = Math.round(Math.abs(event.stationAheadMs) / 1_000);
      const side = event.stationAheadMs > 0 ? 'ahead of' : 'behind';
      return `the clock of ${station} is ${seconds} s ${side} the one here; signed again for its time`;
    }
    case 'challenge-renewed':
      return `${station} wants another challenge than it had told; signed again`;
    case 'expiry-unjudged':
      return `${station} does not know the time: only its challenge says that the command is fresh`;
  }
}

/** Named here, where the two are put together. */
export type OrderOf<Name extends Command['name']> = Extract<Command, { name: Name }>;
