import * as v from 'valibot';
import { isObisCode, UNITS, type MeterProfile, type ObisCode } from '../contract/index.ts';

// The shape of a profile file. Every key says what it is for, because editors show it to whoever adds a meter.
// What a shape cannot say (registers that overlap, a unit that does not fit its OBIS code) is in lint.ts.

const describe = v.description;

const text = (about: string) => v.pipe(v.string(), v.regex(/\S/, 'must not be empty'), describe(about));
const integer = (min: number, max: number, about: string) =>
  v.pipe(
    v.number(),
    v.integer('must be a whole number'),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
    describe(about),
  );
const list = <const Item extends v.GenericSchema>(item: Item, about: string) =>
  v.pipe(v.array(item), v.minLength(1, 'must not be empty'), v.readonly(), describe(about));

/** A string that `isObisCode` accepts; the pattern is for editors, the guard for the type. */
const obisCode = v.pipe(
  v.string(),
  v.regex(/^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}\*\d{1,3}$/, 'must be a full OBIS code, A-B:C.D.E*F'),
  v.check(isObisCode, 'has a group above 255'),
  v.transform((code) => code as ObisCode),
  describe('What the value is (IEC 62056-61), in full.'),
);

const hexContent = (about: string) =>
  v.pipe(
    v.string('must be text: put it in quotes'),
    v.regex(/^0x([0-9A-F]{4})+$/, 'must be like "0x7FFFFFFF": four upper-case digits for each register'),
    describe(about),
  );

const decimalText = (about: string) =>
  v.pipe(
    v.string('must be text: put it in quotes'),
    v.regex(/^-?\d+(\.\d+)?$/, 'must be a decimal such as "99999.9"'),
    describe(about),
  );

const name = (about: string) =>
  v.pipe(
    v.string(),
    v.regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower case letters and digits with single hyphens'),
    describe(about),
  );

const TABLE = v.pipe(
  v.picklist(['holding', 'input']),
  describe('holding: function code 3; input: function code 4.'),
);

const REGISTERS = {
  registerAddress: integer(0, 0xffff, 'Zero-based address of the first register, as on the wire.'),
  documentRef: text('The number that the manual prints for the register.'),
  type: v.pipe(
    v.picklist([
      'u16',
      's16',
      'u32',
      's32',
      'u48',
      's48',
      'u64',
      's64',
      'float32',
      'float64',
      'bcd',
      'string',
    ]),
    describe('u/s: unsigned and signed integers; float: IEEE 754; bcd: four bits a digit; string: ASCII.'),
  ),
  registerCount: v.optional(integer(1, 125, 'How many registers; for bcd and string only.')),
  byteOrder: v.pipe(
    v.picklist(['ABCD', 'CDAB', 'BADC', 'DCBA']),
    describe('ABCD: most significant byte first; CDAB: least significant register first.'),
  ),
  absent: v.optional(
    list(hexContent('All digits of the field.'), 'Raw contents that mean: no value. NaN needs no entry.'),
  ),
  bitField: v.optional(
    v.pipe(
      v.strictObject({
        firstBit: integer(0, 63, 'The lowest of the bits; 0 is the least significant of the value.'),
        bitCount: integer(1, 63, 'How many; of a signed type the highest of them is the sign.'),
      }),
      describe('The value is in these bits of the integer.'),
    ),
  ),
};

const FIELD = {
  table: TABLE,
  ...REGISTERS,
  lowPart: v.optional(
    v.pipe(
      v.strictObject({
        ...REGISTERS,
        highTimes: integer(2, 2 ** 48, '65536 for halves of a binary number, 1000 for MWh and kWh.'),
      }),
      describe('The less significant part of a split value: value = field * highTimes + lowPart.'),
    ),
  ),
};

const FIELD_SCHEMA = v.strictObject(FIELD);

const POINT = v.strictObject({
  obis: obisCode,
  ...FIELD,
  unit: v.pipe(v.picklist(UNITS), describe('Unit of the value after scaling.')),
  decimalExponent: integer(-12, 12, 'value = register * 10^decimalExponent; kWh in a register is 3 for Wh.'),
  direction: v.optional(
    v.pipe(
      v.picklist(['import', 'export']),
      describe('What a positive register value means; for energy and power.'),
    ),
  ),
  decimalExponentFrom: v.optional(
    v.pipe(
      v.strictObject(REGISTERS),
      describe('A register of the same table with a power of ten, added to decimalExponent.'),
    ),
  ),
  poll: v.optional(
    v.pipe(
      v.picklist(['fast', 'slow', 'once']),
      describe('fast (unless told): with every sample; slow: every link.slowEvery-th; once: the first only.'),
    ),
  ),
  atomicGroup: v.optional(name('Points with the same name are read in one request.')),
  monotonic: v.optional(
    v.pipe(v.boolean(), describe('Whether it never falls; true for energy unless told.')),
  ),
  rolloverAt: v.optional(decimalText('Where the counter begins again at 0, in the unit.')),
  maxRate: v.optional(decimalText('The most that the meter can measure, in the unit an hour (Wh: W).')),
  range: v.optional(
    v.pipe(
      v.tuple([decimalText('Lowest value.'), decimalText('Highest value.')]),
      v.readonly(),
      describe('What the meter can mean, in the unit; anything else is out of range.'),
    ),
  ),
});

const CLOCK = v.strictObject({
  table: TABLE,
  registerAddress: REGISTERS.registerAddress,
  documentRef: REGISTERS.documentRef,
  format: v.pipe(
    v.picklist(['unixSeconds', 'bytesYmdhms', 'registersYmdhms', 'iec870-5-4']),
    describe('How the meter writes the time, in 2, 3, 6 or 4 registers.'),
  ),
  byteOrder: REGISTERS.byteOrder,
});

const QUALITY_RULE = v.strictObject({
  id: name('Names the rule in vectors and logs.'),
  ...FIELD,
  when: list(text('A number in decimal notation, or text.'), 'Contents for which the rule holds.'),
  quality: v.pipe(
    v.picklist(['T', 'D', 'R', 'M', 'X', 'I', 'O', 'S', 'F', 'E', 'N']),
    describe('Status letter of OCMF that the values get while the rule holds.'),
  ),
  affects: v.optional(list(obisCode, 'Points concerned; all unless told.')),
});

const SIGNED_RECORD_REGISTERS = v.strictObject({
  statusAddress: integer(0, 0xffff, 'Zero-based address of the status register.'),
  textAddress: integer(0, 0xffff, 'Zero-based address of the first register of the text.'),
  textRegisters: integer(1, 1_024, 'How many registers the text has at most.'),
  documentRef: text('The numbers that the manual prints for both.'),
});

const SIGNED_RECORDS = v.strictObject({
  format: v.picklist(['OCMF']),
  command: integer(0, 0xffff, 'Written to the status register to have a record signed.'),
  busy: integer(0, 0xffff, 'What the status register says meanwhile.'),
  ready: integer(0, 0xffff, 'What it says when the record can be read.'),
  timeoutMs: integer(100, 60_000, 'Longest time from the command to ready.'),
  begin: SIGNED_RECORD_REGISTERS,
  end: SIGNED_RECORD_REGISTERS,
});

const ABSENT_CONTENTS = v.optional(
  list(hexContent('All digits of the field.'), 'Contents that mean: no value.'),
);
const ABSENT_BY_TYPE = v.pipe(
  v.strictObject({
    u16: ABSENT_CONTENTS,
    s16: ABSENT_CONTENTS,
    u32: ABSENT_CONTENTS,
    s32: ABSENT_CONTENTS,
    u48: ABSENT_CONTENTS,
    s48: ABSENT_CONTENTS,
    u64: ABSENT_CONTENTS,
    s64: ABSENT_CONTENTS,
    float32: ABSENT_CONTENTS,
    float64: ABSENT_CONTENTS,
  }),
  describe('Contents that mean "no value" in every field of a type that has no "absent" of its own.'),
);

const PROBE = v.strictObject({
  ...FIELD,
  oneOf: list(text('A number in decimal notation, or text.'), 'Contents of a meter of this model.'),
});

const VECTOR = v.strictObject({
  source: text('Where the frames and the values come from.'),
  request: text('RTU frame with CRC, hexadecimal.'),
  response: text('RTU frame with CRC, hexadecimal.'),
  expect: v.pipe(
    v.record(v.string(), v.string('must be text: put it in quotes')),
    describe(
      'By OBIS code, serial, firmware, clock or id of a quality rule: "<decimal> <unit>", text, or absent.',
    ),
  ),
});

/** A profile file; its output type is `MeterProfile` (proved below). */
export const PROFILE_FILE = v.strictObject({
  id: v.pipe(
    v.string(),
    v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower case letters and digits with single hyphens'),
    describe('Name of the profile: maker-model. The file has the same name.'),
  ),
  maker: text('Company name on the meter.'),
  model: text('Model name on the meter.'),
  description: v.optional(text('What kind of meter it is, in a few words.')),
  protocol: v.literal('modbus'),
  discovery: v.optional(
    v.pipe(
      v.literal('sunspec'),
      describe('The driver finds the registers of each device; those here are where most have them.'),
    ),
  ),
  verified: v.pipe(
    v.picklist(['documentation', 'capture', 'bench']),
    describe(
      'documentation: documents only; capture: frames of a real meter; bench: compared with its display.',
    ),
  ),
  sources: list(
    v.strictObject({
      title: text('Title of the document.'),
      url: v.optional(text('Where to find it.')),
      edition: v.optional(text('Edition, revision or date.')),
    }),
    'Documents that the register map was taken from.',
  ),
  link: v.strictObject({
    baudRate: integer(300, 1_000_000, 'As delivered.'),
    parity: v.pipe(v.picklist(['none', 'even', 'odd']), describe('As delivered.')),
    dataBits: v.picklist([7, 8]),
    stopBits: v.picklist([1, 2]),
    unitId: integer(1, 247, 'As delivered.'),
    responseTimeoutMs: integer(20, 10_000, 'From the end of a request to the first byte of its answer.'),
    turnaroundMs: v.optional(
      integer(0, 5_000, 'Pause that the meter needs between an answer and a request.'),
    ),
    maxRegistersPerRead: integer(1, 125, 'Most registers in one request.'),
    maxRegisterHole: integer(0, 124, 'Most unlisted registers that may be read along; 0: none.'),
    forbiddenRanges: v.optional(
      list(
        v.strictObject({
          table: TABLE,
          from: integer(0, 0xffff, 'First register.'),
          to: integer(0, 0xffff, 'Last register.'),
        }),
        'Registers that no request may touch.',
      ),
    ),
    slowEvery: v.optional(integer(2, 10_000, 'Slow points are read with every Nth sample; 10 unless told.')),
    addressBase: v.optional(
      v.pipe(
        v.picklist([0, 1]),
        describe(
          'What the manual calls the first register; for readers. Addresses here are those on the wire.',
        ),
      ),
    ),
  }),
  identity: v.strictObject({
    serial: v.optional(
      v.pipe(
        FIELD_SCHEMA,
        describe('The serial number that is printed on the meter. Without it, station.yaml has to give it.'),
      ),
    ),
    firmware: v.optional(FIELD_SCHEMA),
    clock: v.optional(v.pipe(CLOCK, describe("The meter's own clock."))),
  }),
  absentByType: v.optional(ABSENT_BY_TYPE),
  probe: v.optional(list(v.pipe(PROBE, describe('How to recognise the model.')), 'All of these hold.')),
  points: list(POINT, 'The measured quantities.'),
  quality: v.optional(list(QUALITY_RULE, 'What the meter says of the worth of its values.')),
  signedRecords: v.optional(
    v.pipe(
      SIGNED_RECORDS,
      describe('How a meter that signs by itself is asked for a record; holding registers.'),
    ),
  ),
  vectors: list(VECTOR, 'Golden vectors; together they cover every point.'),
});

type ProfileFile = v.InferOutput<typeof PROFILE_FILE>;
type MutuallyAssignable<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** Does not compile unless the schema and the contract say the same. */
export const SCHEMA_IS_THE_CONTRACT: MutuallyAssignable<ProfileFile, MeterProfile> = true;
