import { randomBytes } from 'node:crypto';
import { ControlError } from '../../service/index.ts';
import { CommandGate, parseOperators } from '../../remote/index.ts';
import { LISTENED, stationPrefix, type Listener, type Telemetry } from '../../telemetry/index.ts';
import { signedTree } from '../backfill/sign-tree.ts';
import { TransferDesk } from '../backfill/transfer-desk.ts';
import { CommandDesk } from './command-desk.ts';
import type { Handlers } from './handler.ts';
import { configuredMeter } from './handlers/configured-meter.ts';
import { doctor } from './handlers/doctor.ts';
import { journalProof } from './handlers/journal-proof.ts';
import { journalReceipt } from './handlers/journal-receipt.ts';
import { journalStat } from './handlers/journal-stat.ts';
import { logLevel } from './handlers/log-level.ts';
import { meterRead } from './handlers/meter-read.ts';
import { meterTrace } from './handlers/meter-trace.ts';
import { meterWatch, type Watch } from './handlers/meter-watch.ts';
import { syncNow } from './handlers/sync-now.ts';
import type { RemoteParts } from './remote-parts.ts';
import { ReplyRoom } from './reply-room.ts';

/** What of telemetry commands need. */
export type RemoteLink = Pick<Telemetry, 'reply' | 'setChallenge' | 'statistics' | 'watch'>;

/** Commands of operators, from the broker to the answer. */
export interface Remote {
  /** For telemetry: what is listened to. */
  readonly listeners: readonly Listener[];
  /** Stands in `status`: what the first command must carry. */
  readonly challenge: string;
  /** From here on answers have somewhere to go; a command that comes before is answered then. Undefined: there is no telemetry. */
  open(link: RemoteLink | undefined): void;
  /** Ends what is under way. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Where there are operators: their keys, the challenge of this run, and what carries commands out.
 * @throws ConfigError `config.invalid` for an operator's key that is none
 */
export function openRemote(given: Omit<RemoteParts, 'signTree' | 'anchoredSize'>): Remote {
  const { options, config, identity, journal, evidence } = given;
  const { clock, wallClock, log, stateDirectory: directory } = options;
  const operators = parseOperators(config.telemetry.operators);
  const station = config.station.name;
  const gate = new CommandGate({ station, operators, randomBytes });
  let link: RemoteLink | undefined;
  // Entries may wait for hours for their share of the budget: answers do not wait behind them.
  const replies = new ReplyRoom((reply) => link?.reply(reply) ?? false);
  const entries = new ReplyRoom((reply) => link?.reply(reply) ?? false);
  const parts: RemoteParts = {
    ...given,
    signTree: (size) => signedTree({ directory, journal, identity }, size),
    anchoredSize: () => anchoredSize(given),
  };
  const transfers = new TransferDesk({
    ...{ directory, clock, logSize: () => journal.size, signTree: parts.signTree },
    send: (reply, signal) => entries.send(reply, signal),
    isHeldBack: () => link?.statistics().budget.heldBack.includes('backfill') ?? false,
    isDaySpent: () => isDaySpent(link),
  });
  const desk = new CommandDesk({
    ...{ gate, replies, evidence, clock, wallClock, log, prefix: stationPrefix(station) },
    handlers: handlersOf(parts, transfers, (forMs, meter) => link?.watch(forMs, meter)),
    isDaySpent: () => isDaySpent(link),
    onChallenge: (challenge) => link?.setChallenge(challenge),
  });
  return {
    listeners: [
      { ...LISTENED.request, receive: (message) => desk.receive(message) },
      { ...LISTENED.credit, receive: ({ payload }) => transfers.credit(payload) },
    ],
    challenge: gate.challenge,
    open: (telemetry) => (link = telemetry),
    stop: () => desk.stop(),
  };
}

function handlersOf(parts: RemoteParts, transfers: TransferDesk, watch: Watch): Handlers {
  const traced = meterTrace(parts);
  return {
    doctor: doctor(parts),
    'meter read': meterRead(parts),
    'meter trace': async (parameters, answer) => {
      configuredMeter(parts, parameters.meter);
      // Whoever looks at a meter's frames sees its samples too, also where the budget puts them together.
      watch(parameters.forMs, parameters.meter);
      return await traced(parameters, answer);
    },
    'meter watch': meterWatch(parts, watch),
    'journal stat': journalStat(parts),
    'journal proof': journalProof(parts),
    'journal receipt': journalReceipt(parts),
    'journal entries': transfers.handle,
    'sync now': syncNow(parts),
    'log level': logLevel(parts),
  };
}

function isDaySpent(link: RemoteLink | undefined): boolean {
  const { bytesPerDay = null, bytesLastDay = 0 } = link?.statistics().budget ?? {};
  return bytesPerDay !== null && bytesLastDay >= bytesPerDay;
}

function anchoredSize({ askSync }: Pick<RemoteParts, 'askSync'>): number | undefined {
  try {
    return askSync({ sync: 'status' }).sync.status.anchoredSize;
  } catch (error) {
    if (error instanceof ControlError) return undefined;
    throw error;
  }
}
