import { InvariantError, type Log, type MonotonicClock } from '../../hal/contract/index.ts';
import type { StationConfig } from '../config/index.ts';
import type { StationIdentity } from '../identity/index.ts';
import { decodeEntry, openJournalReader, type Journal, type StoredEntry } from '../journal/index.ts';
import type { EvidenceLog, Metering, ScheduledMeter } from '../metering/index.ts';
import { parsePublicKey } from '../ocmf/index.ts';
import { openControlSocket } from '../service/index.ts';
import {
  answerSessionRequest,
  SessionRecorder,
  type SessionEntry,
  type SessionJournal,
  type SessionMeters,
} from '../session/index.ts';
import { isHealthRequest } from './health/health-document.ts';
import { isSyncRequest } from './sync/sync-on-socket.ts';
import type { StationTime } from './time/open-time.ts';

export interface OpenSessionsParts {
  readonly stateDirectory: string;
  readonly version: string;
  readonly config: StationConfig;
  readonly identity: StationIdentity;
  readonly journal: Pick<Journal, 'bootCount'>;
  readonly evidence: EvidenceLog;
  readonly meters: readonly ScheduledMeter[];
  readonly metering: Pick<Metering, 'readNow'>;
  readonly time: StationTime;
  /** What is asked about sync on the same socket. */
  readonly answerSync: (request: { readonly sync: unknown }) => object;
  /** How the station is, on the same socket. */
  readonly answerHealth: () => object;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

export interface OpenSessions {
  /** Refuses what comes; resolves when what is under way is on disk, and the socket is gone. */
  stop(): Promise<void>;
}

/** Begins and ends that are looked at: as many as the sessions that are remembered have, and some. */
const LOOK_BACK_ENTRIES = 11_000;

/**
 * Sessions and the socket on which the charging software begins and ends them; undefined where none is configured.
 * @throws JournalError, ControlError; OcmfError `ocmf.bad_key` for a meter's registered key that is none
 */
export async function openSessions(parts: OpenSessionsParts): Promise<OpenSessions | undefined> {
  const { config, identity, clock, log } = parts;
  if (config.control === undefined) return undefined;
  for (const { publicKey } of config.meters) if (publicKey !== undefined) parsePublicKey(publicKey);
  const recorder = new SessionRecorder({
    station: { name: config.station.name, version: parts.version },
    meters: sessionMeters(parts),
    journal: sessionJournal(parts),
    history: () => sessionEntries(parts.stateDirectory),
    entry: (index) => readSessionEntry(parts.stateDirectory, index),
    signer: identity.ocmf,
    clock,
    log,
  });
  const socket = await openControlSocket({
    path: config.control.socket,
    answer: async (request) => {
      if (isSyncRequest(request)) return parts.answerSync(request);
      if (isHealthRequest(request)) return parts.answerHealth();
      return await answerSessionRequest(recorder, request);
    },
    log,
  });
  log('info', 'control.listening', { path: config.control.socket, open: recorder.open().length });
  return {
    stop: async () => {
      await recorder.stop();
      await socket.close();
    },
  };
}

function sessionJournal({ journal, evidence, time: { keeper } }: OpenSessionsParts): SessionJournal {
  return {
    bootCount: journal.bootCount,
    append: (kind, body, durability) => evidence.append(kind, body, durability),
    stamp: () => {
      keeper.settle();
      return keeper.stamp();
    },
  };
}

function sessionMeters({ config, meters, metering }: OpenSessionsParts): SessionMeters {
  const of = (meterId: string): ScheduledMeter | undefined =>
    meters.find(({ meter }) => meter.id === meterId);
  return {
    ids: meters.map(({ meter }) => meter.id),
    read: (meterId) => metering.readNow(meterId),
    profileOf: (meterId) => of(meterId)?.meter.profileId ?? '',
    readSigned: (meterId, moment) => of(meterId)?.meter.readSignedRecord?.(moment),
    registered: (meterId) => {
      const { publicKey, serial } = config.meters.find(({ id }) => id === meterId) ?? {};
      return publicKey === undefined ? undefined : { publicKey, ...(serial !== undefined && { serial }) };
    },
  };
}

/** The newest begins and ends, newest first. Decoded, not verified: the log is this station's own, and was checked on opening. */
function* sessionEntries(directory: string): Generator<SessionEntry> {
  const reader = openJournalReader(directory);
  try {
    const [begins, ends] = [reader.newestOfKind('session-begin'), reader.newestOfKind('session-end')];
    let [begin, end] = [begins.next(), ends.next()];
    for (let left = LOOK_BACK_ENTRIES; left > 0; left--) {
      if (begin.done !== true && (end.done === true || begin.value.index > end.value.index)) {
        yield sessionEntry(begin.value);
        begin = begins.next();
      } else if (end.done !== true) {
        yield sessionEntry(end.value);
        end = ends.next();
      } else return;
    }
  } finally {
    reader.close();
  }
}

function readSessionEntry(directory: string, index: number): SessionEntry {
  const reader = openJournalReader(directory);
  try {
    return sessionEntry(reader.entry(index));
  } finally {
    reader.close();
  }
}

function sessionEntry({ index, cose }: StoredEntry): SessionEntry {
  const { entry } = decodeEntry(cose);
  if (entry.kind === 'session-begin' || entry.kind === 'session-end') return entry;
  throw new InvariantError(`entry ${index} is a ${entry.kind}`);
}
