import { formatDecimal, type Decimal } from '../../hal/contract/index.ts';
import { OcmfError } from './errors.ts';
import { formatOcmfTime } from './ocmf-time.ts';
import {
  IDENTIFICATION_FLAGS,
  IDENTIFICATION_LEVELS,
  IDENTIFICATION_TYPES,
  METER_STATES,
  READING_REASONS,
  type ChargePointIdType,
  type CurrentType,
  type EnergyUnit,
  type IdentificationFlag,
  type IdentificationLevel,
  type IdentificationType,
  type MeterState,
  type ReadingReason,
  type TimeState,
} from './vocabulary.ts';

/** Signs with ECDSA on P-256 over SHA-256, DER-encoded; identity's `OcmfKey` is one. */
export interface OcmfSigner {
  sign(message: Uint8Array): Uint8Array;
}

/** What a record says; "Payload Data Section" of OCMF 1.3.1. Text fields are written as they are. */
export interface OcmfContent {
  /** Table 1: the component that signs. */
  readonly gateway?: {
    readonly identification?: string;
    readonly serial?: string;
    readonly version?: string;
  };
  /** Table 2: each context counts its own records, by one. */
  readonly pagination: { readonly context: 'T' | 'F'; readonly number: number | bigint };
  /** Table 3. */
  readonly meter: {
    readonly vendor?: string;
    readonly model?: string;
    readonly serial: string;
    readonly firmware?: string;
  };
  /** Table 4: present exactly when the context is T. */
  readonly user?: {
    readonly assigned: boolean;
    readonly level?: IdentificationLevel;
    readonly flags?: readonly IdentificationFlag[];
    readonly type: IdentificationType;
    readonly data?: string;
    /** TT, at most 250 characters; since 1.1. */
    readonly tariff?: string;
  };
  /** CF, at most 25 characters; since 1.3. */
  readonly controllerFirmware?: string;
  /** Table 24; since 1.2. */
  readonly lossCompensation?: {
    readonly name?: string;
    readonly identification?: number;
    readonly resistance: Decimal;
    readonly unit: 'mOhm' | 'uOhm';
  };
  /** Table 6. */
  readonly chargePoint?: { readonly type: ChargePointIdType; readonly id: string };
  /** Table 7: one or more. */
  readonly readings: readonly OcmfReading[];
}

export interface OcmfReading {
  /** Milliseconds since 1970 (UTC), minutes that local time is ahead of it (0 unless given), table 19. */
  readonly time: { readonly ms: number; readonly offsetMinutes?: number; readonly state: TimeState };
  /** Present exactly when the context is T. */
  readonly reason?: ReadingReason;
  /** Absent where only an error is to be told. */
  readonly value?: {
    readonly amount: Decimal;
    /** `1-0:1.8.0*255`, `01-00:B2.08.00*FF` (OCMF 1.4, table 25). */
    readonly obis: string;
    readonly unit: EnergyUnit;
    readonly current?: CurrentType;
    /** CL: loss that the compensation took off since the begin, in the value's unit; since 1.2. */
    readonly cumulatedLoss?: Decimal;
  };
  /** EF: what must not be billed. */
  readonly unusable?: { readonly energy?: boolean; readonly time?: boolean };
  /** ST, table 10. */
  readonly state: MeterState;
}

/** OCPP 2.0.1, SignedMeterValueType: signedMeterData has at most 2,500 characters of base64, which is 1,875 bytes. */
export const MAX_OCPP_201_BYTES = 1_875;

export interface CreateOptions {
  /** Largest record in bytes; OCPP 2.0.1's bound unless given (2.1 has room for 24,576). */
  readonly maxBytes?: number;
}

const utf8 = new TextEncoder();

/**
 * One signed record, `OCMF|payload|signature`. The signature covers the UTF-8 of the payload's text exactly as it stands
 * ("Signing and Verification Process"), so the text must never be re-serialised. Every reading carries all of its fields:
 * leaving out repeated ones is allowed, not asked for, and not every reader knows it. FV is the lowest version that has all
 * fields used, because the reference verifier refuses versions it does not know (decision 0012).
 * @throws OcmfError `ocmf.invalid_content` for what the specification cannot say; `ocmf.too_long` above `maxBytes`
 */
export function createOcmfRecord(
  content: OcmfContent,
  signer: OcmfSigner,
  { maxBytes = MAX_OCPP_201_BYTES }: CreateOptions = {},
): string {
  const payload = ocmfPayload(content);
  const hex = Array.from(signer.sign(utf8.encode(payload)), (byte) => byte.toString(16).padStart(2, '0'));
  const record = `OCMF|${payload}|{"SA":"ECDSA-secp256r1-SHA256","SD":"${hex.join('').toUpperCase()}"}`;
  const length = utf8.encode(record).length;
  if (length > maxBytes) {
    throw new OcmfError('ocmf.too_long', `the record has ${length} bytes; ${maxBytes} are allowed`, {
      details: { length, maxBytes },
      hint: 'fewer readings in one record, or shorter texts',
    });
  }
  return record;
}

/** The payload section's text, which is what is signed. @throws OcmfError `ocmf.invalid_content` */
export function ocmfPayload(content: OcmfContent): string {
  check(content);
  const { gateway, pagination, meter, user, lossCompensation: loss, chargePoint, readings } = content;
  return object([
    ['FV', text(formatVersion(content))],
    ['GI', text(gateway?.identification)],
    ['GS', text(gateway?.serial)],
    ['GV', text(gateway?.version)],
    ['PG', text(`${pagination.context}${pagination.number}`)],
    ['MV', text(meter.vendor)],
    ['MM', text(meter.model)],
    ['MS', text(meter.serial)],
    ['MF', text(meter.firmware)],
    ['IS', user === undefined ? undefined : String(user.assigned)],
    ['IL', text(user?.level)],
    ['IF', user?.flags === undefined ? undefined : `[${user.flags.map((flag) => text(flag)).join(',')}]`],
    ['IT', text(user?.type)],
    ['ID', text(user?.data)],
    ['TT', text(user?.tariff)],
    ['CF', text(content.controllerFirmware)],
    [
      'LC',
      loss &&
        object([
          ['LN', text(loss.name)],
          ['LI', loss.identification?.toString()],
          ['LR', formatDecimal(loss.resistance)],
          ['LU', text(loss.unit)],
        ]),
    ],
    ['CT', text(chargePoint?.type)],
    ['CI', text(chargePoint?.id)],
    ['RD', `[${readings.map(reading).join(',')}]`],
  ]);
}

/** RV is a JSON number whose digits count (table 7): 2935.60 stays 2935.60, which no float would keep. */
function reading({ time, reason, value, unusable = {}, state }: OcmfReading): string {
  return object([
    ['TM', text(formatOcmfTime({ offsetMinutes: 0, ...time }))],
    ['TX', text(reason)],
    ['RV', value && formatDecimal(value.amount)],
    ['RI', text(value?.obis)],
    ['RU', text(value?.unit)],
    ['RT', text(value?.current)],
    ['CL', value?.cumulatedLoss && formatDecimal(value.cumulatedLoss)],
    ['EF', text(`${unusable.energy === true ? 'E' : ''}${unusable.time === true ? 't' : ''}`)],
    ['ST', text(state)],
  ]);
}

/** "Versioning of the Document": a minor version adds fields. */
function formatVersion({ user, controllerFirmware, lossCompensation, readings }: OcmfContent): string {
  if (controllerFirmware !== undefined) return '1.3';
  const hasLoss = readings.some(({ value }) => value?.cumulatedLoss !== undefined);
  if (lossCompensation !== undefined || hasLoss) return '1.2';
  return user?.tariff === undefined ? '1.0' : '1.1';
}

function object(fields: readonly (readonly [string, string | undefined])[]): string {
  const present = fields.filter(([, json]) => json !== undefined);
  return `{${present.map(([key, json]) => `"${key}":${json}`).join(',')}}`;
}

/** "The use of the special pipe character is not allowed within the sections": JSON has another way to write it. */
function text(value: string | undefined): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value).replaceAll('|', '\\u007c');
}

const OBIS =
  /^[0-9a-fA-F]{1,3}-[0-9a-zA-Z]{1,3}:[0-9a-zA-Z]{1,3}\.[0-9a-fA-F]{1,3}\.[0-9a-zA-Z]{1,3}([*.][0-9a-fA-F]{1,3})?$/;

function check({
  pagination,
  meter,
  user,
  controllerFirmware,
  lossCompensation,
  ...rest
}: OcmfContent): void {
  const inTransaction = pagination.context === 'T';
  if (typeof pagination.number === 'number' && !Number.isSafeInteger(pagination.number)) {
    refuse('PG: the number is no integer');
  }
  if (pagination.number < 0) refuse('PG: pagination counts in natural numbers');
  if (meter.serial === '') refuse('MS: a meter has a serial number');
  if (inTransaction !== (user !== undefined)) {
    refuse('IS: a user assignment belongs to a transaction, and only to one');
  }
  if (user !== undefined) checkUser(user);
  if ((controllerFirmware?.length ?? 0) > 25) refuse('CF: at most 25 characters');
  if ((lossCompensation?.name?.length ?? 0) > 20) refuse('LN: at most 20 characters');
  if (!Number.isSafeInteger(lossCompensation?.identification ?? 0)) refuse('LI: no integer');
  if (rest.readings.length === 0) refuse('RD: a record has a reading');
  for (const [index, one] of rest.readings.entries()) checkReading(one, inTransaction, `RD[${index}]`);
}

function checkUser({ level, flags = [], type, tariff }: NonNullable<OcmfContent['user']>): void {
  if (level !== undefined && !(IDENTIFICATION_LEVELS as readonly string[]).includes(level)) {
    refuse('IL: not a level of table 11');
  }
  if (!(IDENTIFICATION_TYPES as readonly string[]).includes(type)) refuse('IT: not a type of table 17');
  const groups = flags.map((flag) =>
    IDENTIFICATION_FLAGS.findIndex((group) => (group as readonly string[]).includes(flag)),
  );
  if (groups.includes(-1)) refuse('IF: not a flag of tables 13 to 16');
  if (new Set(groups).size < groups.length) refuse('IF: one flag of each group');
  if ((tariff?.length ?? 0) > 250) refuse('TT: at most 250 characters');
}

function checkReading(reading: OcmfReading, inTransaction: boolean, where: string): void {
  const { time, reason, value, unusable = {}, state } = reading;
  try {
    formatOcmfTime({ offsetMinutes: 0, ...time });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    refuse(`${where}.TM: ${cause.message}`);
  }
  if (inTransaction !== (reason !== undefined)) {
    refuse(`${where}.TX: a reason belongs to a transaction, and only to one`);
  }
  if (reason !== undefined && !(reason in READING_REASONS)) refuse(`${where}.TX: not a letter of table 7`);
  if (!(state in METER_STATES)) refuse(`${where}.ST: not a letter of table 10`);
  const isError = state !== 'G' || unusable.energy === true || unusable.time === true;
  if (value === undefined && !isError) refuse(`${where}.RV: only an error has no value`);
  if (value !== undefined && !OBIS.test(value.obis)) refuse(`${where}.RI: not an OBIS code`);
}

function refuse(why: string): never {
  throw new OcmfError('ocmf.invalid_content', why);
}
