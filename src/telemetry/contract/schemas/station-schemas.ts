import * as v from 'valibot';
import {
  added,
  CLOCK,
  code,
  count,
  decimal,
  flag,
  hexadecimal,
  milliseconds,
  sha256,
  sinceBoot,
  text,
  WALL_TIME,
} from './fields.ts';

const STATISTICS = v.object({
  connected: flag('Whether there is a session with the broker'),
  protocolVersion: v.picklist(['5', '3.1.1']),
  sent: count('Messages that the broker acknowledged'),
  dropped: count('Samples given up since the start of the service; they are in the journal'),
  queued: count('Messages that wait or are in flight'),
  sessions: count('Sessions opened since the start of the service'),
  bytesSent: count('On the sockets, TLS and below aside'),
  bytesReceived: count('On the sockets, TLS and below aside'),
  failure: v.exactOptional(code('Why there is no session, while there is none')),
  inFlight: added(count('Of the messages that wait: sent, and not acknowledged yet')),
  notesDropped: added(
    count('Lines of the log and changes of health given up since the start of the service'),
  ),
  budget: added(
    v.object({
      bytesPerDay: v.nullable(count('What telemetry may cost a day on the wire; null: it is not limited')),
      bytesLastDay: count('On the wire, as reckoned, in the last 24 hours or since the start of the service'),
      combined: count('Readings that stand in the message of another one'),
      heldBack: v.pipe(
        v.array(v.picklist(['figures', 'log', 'samples', 'backfill'])),
        v.description('What waits for the budget now'),
      ),
      tooSmall: flag('Too small for a sample of each meter every hour'),
    }),
  ),
});

const CONFIGURATION = v.object({
  source: v.pipe(
    v.picklist(['file', 'signed']),
    v.description('The file of --config, or what the OEM signed'),
  ),
  sequence: v.nullable(count('Of a signed one: its number')),
  signedBy: v.nullable(text('Of a signed one: the key')),
  onTrial: flag('It has still to show that the station is as well with it as it was'),
});

/** Why the service started, as far as can be told from how it ended before. */
export const BOOT_REASON = v.pipe(
  v.picklist(['first', 'power-on', 'reboot', 'restart', 'crash', 'recovery', 'unknown']),
  v.description(
    'first: no log before it. power-on: the machine started, and the service had not ended in order (power, reset, kernel). ' +
      'reboot: the machine started after an orderly end. restart: the service alone, after an orderly end. crash: the service ' +
      'alone, after none. recovery: the log before this one could not be continued. unknown: nothing says how it ended.',
  ),
);

/** `state`. */
export const STATION_STATE = v.object({
  uptimeMs: milliseconds('How long the service has been running'),
  time: WALL_TIME,
  clock: CLOCK,
  configHash: v.nullable(sha256('the configuration in force')),
  configuration: CONFIGURATION,
  rssBytes: count('Resident memory of the service'),
  telemetry: STATISTICS,
  atMs: added(sinceBoot('When these figures were taken: `time` is of the same moment')),
  boot: added(v.object({ count: count('Boots of the machine that the log has seen'), reason: BOOT_REASON })),
  heapBytes: added(count('JavaScript heap in use')),
  memoryLimit: added(
    v.nullable(
      v.object({
        usedBytes: count('Memory of the control group, file cache included'),
        maxBytes: count('Its bound: MemoryMax'),
      }),
    ),
  ),
  cpuMsPerSecond: added(
    v.nullable(count('CPU time of the service, ms in each second since the document before')),
  ),
  openFiles: added(v.nullable(count('File descriptors of the service'))),
  loopDelayMs: added(
    v.nullable(
      v.object({
        p99: count('How late timers of the service were, in 99 of 100 cases, in ms'),
        max: count('At most, in the last minute or two, in ms'),
      }),
    ),
  ),
  machine: added(
    v.object({
      load: decimal('Processes that run or wait to, mean of the last minute'),
      memory: v.nullable(
        v.object({
          availableBytes: count('Memory that is left'),
          totalBytes: count('Memory of the machine'),
        }),
      ),
    }),
  ),
  gateway: added(
    v.nullable(v.object({ rssBytes: count('Resident memory of the chain gateway, while there is one') })),
  ),
});

/** `journal`. */
export const JOURNAL_DOCUMENT = v.object({
  size: count('Entries'),
  root: hexadecimal(32, 'RFC 6962 root hash over all of them'),
  bytes: count('On disk, with the write-ahead log'),
  backlog: count('Entries that no final anchor covers yet'),
  maxBytes: added(count('Above it, readings give way')),
  completeFrom: added(count('Index from which on no entry has given way or was lost')),
  dropped: added(count('Entries that gave way or were lost')),
  waiting: added(count('Entries that are not on disk yet')),
  lastCommitMs: added(v.nullable(sinceBoot('When entries were last put on disk'))),
  refusedBecause: added(v.nullable(code('Why entries are refused, while they are'))),
  flash: added(
    v.object({
      bytesPerDay: v.nullable(count('What this service writes; null in its first ten minutes')),
      lifeDays: v.nullable(count('At that pace, of journal.flashEndurance; null where that is not set')),
      wornPercent: v.nullable(count('What the worst eMMC says of its life that is used, in steps of ten')),
    }),
  ),
});

/** `config/result`. */
export const CONFIGURATION_RESULT = v.object({
  result: v.picklist(['accepted', 'present', 'refused', 'confirmed', 'rolled-back']),
  code: v.nullable(code('Why not')),
  message: text('The same in words'),
  id: sha256('the signed file'),
  sequence: v.nullable(count('As far as it could be read')),
  signedBy: v.nullable(text('As far as it could be read')),
  digest: v.nullable(sha256('its YAML text')),
  via: v.nullable(v.picklist(['mqtt', 'file'])),
});
