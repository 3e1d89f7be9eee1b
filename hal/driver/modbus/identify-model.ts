import {
  compareDecimal,
  MeterError,
  parseDecimal,
  spanOf,
  type Line,
  type MeterProfile,
  type ProfilePoint,
  type RegisterField,
  type RegisterSpan,
} from '../../contract/index.ts';
import { framingOf, type FramingName } from './framing.ts';
import { decodePoint, decodeText } from './register-codec.ts';
import { RegisterReader } from './register-reader.ts';

export interface UnitToIdentify {
  readonly line: Line;
  readonly unitId: number;
  readonly profiles: readonly MeterProfile[];
  readonly responseTimeoutMs: number;
  /** Given by the line's kind unless told. */
  readonly framing?: FramingName;
}

export interface ModelFound {
  readonly profile: MeterProfile;
  /** As the profile reads it; undefined when the meter shows none there. */
  readonly serial: string | undefined;
}

export interface ModelsFound {
  /** Models all of whose probe rules hold: one, where the profiles are good. */
  readonly matches: readonly ModelFound[];
  /** Models without probe rules that the unit could be: they show a serial number and sane values where the profile says. */
  readonly couldBe: readonly ModelFound[];
}

/** Between an answer and the next question: what the slowest meters of the profiles ask for. */
const TURNAROUND_MS = 30;
/** Assumed behind a gateway, whose serial side one cannot see. */
const USUAL_BAUD_RATE = 9_600;

/** What mains can be, wherever a meter is mounted; it tells a register map from another one. */
const SANE: Readonly<Record<string, readonly [string, string]>> = {
  '1-0:32.7.0*255': ['50', '1000'],
  '1-0:14.7.0*255': ['40', '70'],
};

/**
 * Finds out which model a unit is, by the probe rules of the profiles. Registers are read once, whoever asks for them. What
 * the unit refuses or does not answer holds for no rule.
 * @throws MeterError `line.open_failed`, `line.closed`
 */
export async function identifyUnit({ profiles, ...unit }: UnitToIdentify): Promise<ModelsFound> {
  const read = cachedReads(unit);
  const matches: ModelFound[] = [];
  for (const profile of profiles) {
    if (profile.probe !== undefined && (await allHold(profile, read)))
      matches.push({ profile, serial: await textOf(profile.identity.serial, read) });
  }
  // A model that is known by name says more than a map that any device may have.
  const byName = matches.filter(({ profile }) => profile.discovery === undefined);
  if (matches.length > 0) return { matches: byName.length > 0 ? byName : matches, couldBe: [] };
  const couldBe: ModelFound[] = [];
  for (const profile of profiles) {
    if (profile.probe !== undefined) continue;
    const serial = await textOf(profile.identity.serial, read);
    if (serial === undefined || /^0*$/.test(serial)) continue;
    if (await showsSaneValues(profile, read)) couldBe.push({ profile, serial });
  }
  return { matches, couldBe };
}

type Read = (span: RegisterSpan) => Promise<Uint8Array | undefined>;

function cachedReads({ line, unitId, responseTimeoutMs, framing }: Omit<UnitToIdentify, 'profiles'>): Read {
  const link = {
    ...({ baudRate: USUAL_BAUD_RATE, parity: 'none', dataBits: 8, stopBits: 1, unitId } as const),
    ...{ responseTimeoutMs, turnaroundMs: TURNAROUND_MS, maxRegistersPerRead: 125, maxRegisterHole: 0 },
  };
  const reader = new RegisterReader(line, unitId, link, framing ?? framingOf(line.kind));
  const known = new Map<string, Uint8Array | undefined>();
  return async (span) => {
    const key = `${span.table}/${span.registerAddress}/${span.registerCount}`;
    if (!known.has(key)) known.set(key, await registersOrNothing(reader, span));
    return known.get(key);
  };
}

async function registersOrNothing(
  reader: RegisterReader,
  { table, registerAddress, registerCount }: RegisterSpan,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read({ table, registerAddress, registerCount }, 'diagnostic')).registers;
  } catch (error) {
    if (error instanceof MeterError && error.code.startsWith('meter.')) return undefined;
    throw error;
  }
}

async function textOf(field: RegisterField | undefined, read: Read): Promise<string | undefined> {
  if (field === undefined) return undefined;
  const registers = await read(spanOf(field));
  return registers && decodeText(field, registers);
}

async function allHold({ probe = [] }: MeterProfile, read: Read): Promise<boolean> {
  for (const rule of probe) {
    const found = await textOf(rule, read);
    if (found === undefined || !rule.oneOf.includes(found)) return false;
  }
  return probe.length > 0;
}

/** The first value, and voltage and frequency where the model has them, are numbers that a meter on mains can show. */
async function showsSaneValues({ points }: MeterProfile, read: Read): Promise<boolean> {
  const telling = points.filter((point, index) => index === 0 || SANE[point.obis] !== undefined);
  for (const point of telling) {
    const registers = await read(spanOf(point));
    if (registers === undefined || !isSane(point, registers)) return false;
  }
  return true;
}

function isSane(point: ProfilePoint, registers: Uint8Array): boolean {
  const reading = decodePoint(point, registers);
  if (reading.kind !== 'number') return false;
  const [min, max] = SANE[point.obis] ?? point.range ?? [];
  if (min === undefined || max === undefined) return true;
  return (
    compareDecimal(reading.value, parseDecimal(min)) >= 0 &&
    compareDecimal(reading.value, parseDecimal(max)) <= 0
  );
}
