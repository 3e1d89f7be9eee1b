import { decimal, type DecodedValue, type ObisCode } from '../../contract/index.ts';
import { unitOf } from './dlms-unit.ts';
import { SmlError } from './errors.ts';
import { obisOf } from './obis-name.ts';
import { asTheMeterMeantIt } from './quirks.ts';
import { decodeTime, type SmlTime } from './time.ts';
import type { Tlv } from './tlv.ts';

/** A value with what SML says about it beyond the contract. */
export interface SmlValue extends DecodedValue {
  /** The status word, whose bits each maker defines; EMH and others put the direction of energy into 0x20. */
  readonly status: bigint | null;
  /** When the meter took it; null where it does not say, and then the time of the list holds. */
  readonly time: SmlTime | null;
}

/** SML_GetList.Res (SML 1.04 §5.2.2): what a meter pushes. */
export interface ListResponse {
  readonly serverId: Uint8Array | undefined;
  readonly sensorTime: SmlTime | null;
  readonly values: readonly SmlValue[];
  /** Objects that name the meter, by OBIS code. */
  readonly names: ReadonlyMap<string, Uint8Array>;
}

/** Meter serial number, device number, and the older places of both, best first. */
export const NAMING_OBJECTS = [
  '1-0:96.1.0*255',
  '1-0:0.0.9*255',
  '1-0:0.0.0*255',
  '0-0:96.1.0*255',
  '0-0:96.1.255*255',
];

interface Entry {
  readonly obis: ObisCode | string;
  readonly status: Tlv | undefined;
  readonly time: SmlTime | null;
  readonly unit: number | undefined;
  readonly scaler: number;
  readonly value: Tlv | undefined;
}

/** @throws SmlError `sml.malformed` */
export function decodeListResponse(content: Tlv): ListResponse {
  const [, serverId, , sensorTime, valueList] = listOf(content, 7, 'list response');
  const entries = listOf(valueList, undefined, 'list of values').map(decodeEntry);
  const names = new Map<string, Uint8Array>();
  for (const { obis, value } of entries) {
    if (NAMING_OBJECTS.includes(obis) && value?.kind === 'octets') names.set(obis, value.bytes);
  }
  const ownServerId = serverId?.kind === 'octets' ? serverId.bytes : undefined;
  const identity = ownServerId ?? names.get('1-0:96.1.0*255');
  return {
    serverId: ownServerId,
    sensorTime: decodeTime(sensorTime),
    values: entries.flatMap((entry) => valueOf(entry, identity)),
    names,
  };
}

/** SML_ListEntry: name, status, time, unit, scaler, value, signature. */
function decodeEntry(entry: Tlv): Entry {
  const [name, status, time, unit, scaler, value] = listOf(entry, 7, 'list entry');
  if (name?.kind !== 'octets') throw malformed('a list entry without a name');
  return {
    obis: obisOf(name.bytes),
    status,
    time: decodeTime(time),
    unit: smallNumber(unit, 'unsigned', 'unit'),
    scaler: smallNumber(scaler, 'integer', 'scaler') ?? 0,
    value,
  };
}

/** None for an entry whose value is no number: text, keys, a truth value, a list, or nothing. */
function valueOf(entry: Entry, identity: Uint8Array | undefined): SmlValue[] {
  if (entry.value === undefined) return [];
  const { obis, scaler, unit, time, status } = entry;
  const value = asTheMeterMeantIt(entry.value, obis, identity);
  if (value.kind !== 'integer' && value.kind !== 'unsigned') return [];
  if (Math.abs(scaler) > 64) throw malformed(`a scaler of ${scaler}`);
  return [
    {
      obis,
      value: decimal(value.value, scaler),
      unit: unitOf(unit),
      quality: 'G',
      status: status?.kind === 'unsigned' ? status.value : null,
      time,
    },
  ];
}

/** A number of one byte that may be absent. */
function smallNumber(tlv: Tlv | undefined, kind: 'integer' | 'unsigned', what: string): number | undefined {
  if (tlv === undefined || tlv.kind === 'absent') return undefined;
  if (tlv.kind !== kind || tlv.byteCount !== 1) throw malformed(`something that is no ${what} in its place`);
  return Number(tlv.value);
}

function listOf(tlv: Tlv | undefined, length: number | undefined, what: string): readonly Tlv[] {
  if (tlv?.kind !== 'list' || (length !== undefined && tlv.items.length !== length)) {
    throw malformed(`something that is no ${what} in its place`);
  }
  return tlv.items;
}

function malformed(what: string): SmlError {
  return new SmlError('sml.malformed', `no valid list of values: ${what}`);
}
