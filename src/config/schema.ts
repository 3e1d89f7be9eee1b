import * as v from 'valibot';
import { CHAIN } from './chain-schema.ts';
import { TELEMETRY } from './telemetry-schema.ts';
import { parseSizeBytes } from './quantity.ts';
import { describe, duration, endpoint, id, integer, size } from './schema-fields.ts';

// The shape of station.yaml. Keys are a contract (docs/configuration.md): add, never rename. Every key says what it is for,
// because `delmonicos config schema` is what editors show to whoever writes the file.

const STATION = v.strictObject({
  name: v.pipe(
    v.string(),
    v.regex(
      /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
      'must be 1 to 64 letters, digits, - _ . (it is part of MQTT topics)',
    ),
    describe('Name of the station, unique in the fleet; part of its MQTT topics.'),
  ),
  origin: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[^\s+]{1,255}$/, 'must have no white space and no +'),
      describe(
        "The log's origin (C2SP tlog-checkpoint). Default: delmonicos/<chain account>. Never change it later.",
      ),
    ),
  ),
});

const LINE = v.strictObject({
  id: id('Name of the line, used by meters.'),
  serial: v.optional(
    v.pipe(v.string(), v.startsWith('/', 'must be a device path'), describe('Serial device.')),
  ),
  tcp: v.optional(endpoint('HOST:PORT of a Modbus TCP device or gateway.')),
  rtuOverTcp: v.optional(
    endpoint('HOST:PORT of a transparent gateway: the bytes of its serial port over TCP.'),
  ),
  baudRate: v.optional(
    integer(
      300,
      1_000_000,
      'Serial speed. Default: 9600; 115200 for a p1 meter, 300 for an iec62056 meter that is woken up.',
    ),
  ),
  parity: v.optional(v.pipe(v.picklist(['none', 'even', 'odd']), describe('Default: none.'))),
  dataBits: v.optional(v.pipe(v.picklist([7, 8]), describe('Default: 8.'))),
  stopBits: v.optional(v.pipe(v.picklist([1, 2]), describe('Default: 1.'))),
});

const METER = v.strictObject({
  id: id('Name of the meter; part of its MQTT topics.'),
  line: v.pipe(v.string(), describe('The id of its line.')),
  unitId: v.optional(integer(1, 247, 'Modbus unit id. Not for sml, p1 and iec62056.')),
  profile: v.pipe(
    v.string(),
    describe(
      'Meter model, see `delmonicos meter profiles`; or sml, p1, iec62056: what a meter speaks that is not Modbus.',
    ),
  ),
  readout: v.optional(
    v.pipe(
      v.picklist(['push', 'request']),
      describe(
        'For iec62056: push listens to a meter that sends by itself (mode D), request wakes it up (modes A, B, C). Default: request.',
      ),
    ),
  ),
  serial: v.optional(
    v.pipe(
      v.string('must be text: put it in quotes'),
      v.regex(/^\S(.{0,62}\S)?$/, 'must be 1 to 64 characters'),
      describe(
        'Its serial number. Required where the meter does not tell it; where it does, any other meter is refused.',
      ),
    ),
  ),
  publicKey: v.optional(
    v.pipe(
      v.string('must be text: put it in quotes'),
      v.regex(/^[0-9A-Za-z+/=]{64,800}$/, 'must be a public key in hex or base64'),
      describe(
        'Of a meter that signs by itself: its public key (SubjectPublicKeyInfo or point), hex or base64. Its records are believed by it.',
      ),
    ),
  ),
  every: duration('How often it is read.'),
});

/** Below this, what a log needs besides its entries would be most of it. */
const MIN_JOURNAL_BYTES = 1024 ** 2;

const JOURNAL = v.strictObject({
  groupCommit: v.optional(
    duration('Samples are committed to flash in groups, at the latest this late. Default: 10s.'),
  ),
  groupEntries: v.optional(
    integer(1, 4_096, 'A group is committed early when it has this many samples. Default: 512.'),
  ),
  maxSize: v.optional(
    v.pipe(
      size(
        'What the journal may take on disk. At it, old readings give way; other entries never do. Default: 512MiB.',
      ),
      v.check((text) => parseSizeBytes(text) >= MIN_JOURNAL_BYTES, 'must be at least 1MiB'),
    ),
  ),
  reserve: v.optional(
    size(
      'Kept on disk for entries that are no readings, for when the disk is full. 0B: nothing. Default: 8MiB.',
    ),
  ),
  highWater: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1, 'must be a path'),
      describe(
        'Path of the high-water mark, by which an old copy of the journal is noticed; best on another partition. Default: journal.high-water in the state directory.',
      ),
    ),
  ),
  counter: v.optional(
    v.pipe(
      v.picklist(['auto', 'file', 'tpm']),
      describe(
        'What notices an old copy of the whole state directory. tpm: an NV counter of the TPM 2.0; file: nothing but the high-water mark. Default: auto: the TPM if there is one.',
      ),
    ),
  ),
  counterIndex: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^0x01[0-9a-fA-F]{6}$/, 'must be an NV index, such as 0x0180444d'),
      describe('NV index of that counter. Default: 0x0180444d.'),
    ),
  ),
  flashEndurance: v.optional(
    size(
      "What may be written to the device's flash in its life: TBW of its data sheet, or capacity x erase cycles / write amplification. Only `journal stat` uses it.",
    ),
  ),
});

const CLOCK = v.strictObject({
  source: v.optional(
    v.pipe(
      v.picklist(['auto', 'kernel', 'chrony', 'timesyncd']),
      describe(
        'Who is asked what the wall clock is worth. Default: auto: chronyd if it answers, otherwise the kernel and systemd-timesyncd.',
      ),
    ),
  ),
  maxError: v.optional(
    duration('A clock that may be further from UTC than this is not called synchronised. Default: 2s.'),
  ),
});

const IDENTITY = v.strictObject({
  seed: v.optional(
    v.pipe(
      v.picklist(['auto', 'file', 'credential', 'tpm', 'pkcs11']),
      describe(
        'Where the root seed is: auto takes the systemd credential root-seed, otherwise what root.seed in the state directory says. Default: auto.',
      ),
    ),
  ),
  tpm: v.optional(
    v.strictObject({
      tcti: v.optional(
        v.pipe(
          v.string(),
          v.regex(/^[\x21-\x7e]{1,255}$/, 'must be a TCTI of tpm2-tools'),
          describe('How the TPM is reached. Default: $TPM2TOOLS_TCTI, otherwise device:/dev/tpmrm0.'),
        ),
      ),
      pcrs: v.optional(
        v.pipe(
          v.string(),
          v.regex(
            /^sha(1|256|384|512):\d{1,2}(,\d{1,2})*$/,
            'must be a bank and registers such as sha256:0,7',
          ),
          describe('Platform registers that a seed made here is bound to. Default: none.'),
        ),
      ),
    }),
  ),
  pkcs11: v.optional(
    v.strictObject({
      module: v.optional(
        v.pipe(v.string(), v.startsWith('/', 'must be a path'), describe("The token's PKCS#11 library.")),
      ),
      token: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(32), describe("The token's label."))),
    }),
  ),
});

const CONTROL = v.strictObject({
  socket: v.pipe(
    v.string(),
    // sun_path of unix(7) has 108 bytes, the last one 0.
    v.regex(/^\/[\x21-\x7e]{1,106}$/, 'must be the absolute path of a Unix socket, at most 107 characters'),
    describe('Unix socket on which the charging software begins and ends sessions; see docs/sessions.md.'),
  ),
});

/** What station.yaml may say, as written (durations and sizes still text). */
export const STATION_FILE = v.pipe(
  v.strictObject({
    station: STATION,
    lines: v.array(LINE),
    meters: v.array(METER),
    journal: v.optional(JOURNAL),
    identity: v.optional(IDENTITY),
    clock: v.optional(CLOCK),
    control: v.optional(CONTROL),
    chain: v.optional(CHAIN),
    telemetry: v.optional(TELEMETRY),
  }),
  v.title('Delmonicos Inside: station configuration'),
);

export type StationFile = v.InferOutput<typeof STATION_FILE>;
