import * as v from 'valibot';
import {
  added,
  CLOCK,
  code,
  count,
  decimal,
  flag,
  hexadecimal,
  METER,
  MOMENT,
  sinceBoot,
  text,
  WALL_TIME,
} from './fields.ts';
import { BOOT_REASON } from './station-schemas.ts';

const ONLINE = v.object({
  status: v.literal('online'),
  station: text('Name of the station'),
  version: text('Of the product'),
  identity: v.object({
    publicKey: hexadecimal(32, 'Ed25519 key that signs entries and receipts'),
    account: text('Chain account in SS58'),
    origin: text("Origin of the station's log (C2SP tlog-checkpoint)"),
  }),
  boot: v.object({
    count: count('Boots of the machine that the log has seen'),
    reason: v.exactOptional(BOOT_REASON),
  }),
  session: count('Sessions with the broker since the start of the service, this one included'),
  mqtt: v.picklist(['5', '3.1.1']),
  samplesDropped: count('Samples that telemetry gave up since then; they are in the journal'),
  keepAliveSeconds: added(
    count('The station is never silent for longer; after 1.5 times as long the broker speaks the last will'),
  ),
  challenge: v.exactOptional(hexadecimal(16, 'What a command must carry; absent where nobody may send any')),
});

const OFFLINE = v.object({
  status: v.literal('offline'),
  station: text('Name of the station'),
  reason: v.pipe(
    v.picklist(['connection lost', 'stopped']),
    v.description("connection lost: the broker's word (last will). stopped: the station's goodbye."),
  ),
  boot: v.object({ count: count('As in the birth that it belongs to') }),
  session: count('As in the birth that it belongs to'),
});

/** `status`: birth, last will and goodbye. */
export const STATUS = v.variant('status', [ONLINE, OFFLINE]);

/** `meters/<meter>/sample`. */
export const SAMPLE = v.object({
  meter: v.object({ ...METER.entries, serial: text('Serial number that the meter told') }),
  index: v.exactOptional(count('Journal entry that holds the same reading, signed')),
  time: v.exactOptional(WALL_TIME),
  clock: v.exactOptional(CLOCK),
  boot: count('Boots of the machine that the log has seen'),
  readBeginMs: sinceBoot('Nothing in it is older'),
  readEndMs: sinceBoot('Nothing in it is newer'),
  values: v.array(
    v.object({
      obis: v.pipe(
        v.string(),
        v.regex(/^[0-9]+-[0-9]+:[0-9]+\.[0-9]+\.[0-9]+\*[0-9]+$/),
        v.description('What was measured, as OBIS code'),
      ),
      value: decimal('Digit by digit what the meter showed'),
      unit: text('Wh, W, varh, var, VAh, VA, A, V, Hz, or 1 for a number without unit'),
      quality: text('G good; otherwise the OCMF status letter that fits'),
      min: v.exactOptional(decimal('Least of the window; not for energy')),
      max: v.exactOptional(decimal('Greatest of the window; not for energy')),
      mean: v.exactOptional(
        decimal('Of the window, with one digit more than the value, rounded half to even'),
      ),
      count: v.exactOptional(
        count('Good values of the window, which the three are of, where not each reading had one'),
      ),
      readBeginMs: v.exactOptional(
        sinceBoot('Of a value that the newest reading does not hold: as of its own'),
      ),
      readEndMs: v.exactOptional(
        sinceBoot('Of a value that the newest reading does not hold: as of its own'),
      ),
    }),
  ),
  window: v.exactOptional(
    v.pipe(
      v.object({
        samples: count('Readings that this message stands for, the one that it shows included'),
        beginMs: sinceBoot('When the first of them began'),
        endMs: sinceBoot('When the last of them ended'),
      }),
      v.description('Only where one message stands for several readings, because the budget is short'),
    ),
  ),
});

/** `log`: one line. */
export const LOG_LINE = v.object({
  level: v.picklist(['error', 'warning', 'info', 'debug']),
  event: text('Name of the event, such as meter.read_failed'),
  fields: v.pipe(
    v.record(v.string(), v.nullable(v.union([v.string(), v.number(), v.boolean()]))),
    v.description('What belongs to it, flat; never a secret'),
  ),
  repeated: v.exactOptional(count('Lines like it since it was last told, and left out')),
  left: v.exactOptional(count('Other lines since the one before that were too many to be told')),
  ...MOMENT,
});

/** `response/<client>`: one part of an answer. */
export const RESPONSE = v.variant('ok', [
  v.object({
    request: v.nullable(hexadecimal(16, 'Nonce of the command')),
    part: count('From 0, without gaps'),
    last: flag('Nothing follows'),
    expiry: v.exactOptional(
      v.pipe(
        v.literal('unjudged'),
        v.description(
          "In part 0: the station's clock is unknown, so its challenge alone said that it is fresh",
        ),
      ),
    ),
    ok: v.literal(true),
    result: v.pipe(v.looseObject({}), v.description('By command')),
  }),
  v.object({
    request: v.nullable(hexadecimal(16, 'Nonce of the command; null: it could not be read')),
    part: count('From 0, without gaps'),
    last: flag('Nothing follows'),
    ok: v.literal(false),
    error: v.object({
      code: code('Of docs/errors.md'),
      message: text('The same in words'),
      hint: v.nullable(text('What to do')),
      stationTimeMs: v.exactOptional(
        count("With remote.expired: the station's time, ms since 1970, to sign relative to"),
      ),
      challenge: v.exactOptional(hexadecimal(16, 'With remote.stale: what a command must carry now')),
    }),
  }),
]);

/** `credit`: more of a transfer that was authorised. */
export const CREDIT = v.object({
  request: hexadecimal(16, 'Nonce of the command that opened the transfer'),
  chunks: v.pipe(count('How many more messages may come'), v.minValue(1), v.maxValue(256)),
});
