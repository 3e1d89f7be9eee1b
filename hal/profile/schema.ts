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

const FIELD = {
  table: v.pipe(
    v.picklist(['holding', 'input']),
    describe('holding: function code 3; input: function code 4.'),
  ),
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
});

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
    describe('By OBIS code, serial or firmware: "<decimal> <unit>", text, or absent.'),
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
  }),
  identity: v.strictObject({
    serial: v.pipe(FIELD_SCHEMA, describe('The serial number that is printed on the meter.')),
    firmware: v.optional(FIELD_SCHEMA),
  }),
  probe: v.optional(list(v.pipe(PROBE, describe('How to recognise the model.')), 'All of these hold.')),
  points: list(POINT, 'The measured quantities.'),
  vectors: list(VECTOR, 'Golden vectors; together they cover every point.'),
});

type ProfileFile = v.InferOutput<typeof PROFILE_FILE>;
type MutuallyAssignable<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** Does not compile unless the schema and the contract say the same. */
export const SCHEMA_IS_THE_CONTRACT: MutuallyAssignable<ProfileFile, MeterProfile> = true;
