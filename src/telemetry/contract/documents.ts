import { formatDecimal, type MeterSample } from '../../../hal/contract/index.ts';
import type { ProtocolLevel } from '../session/reconnect-policy.ts';

/** Who the station is: the facts of its birth message. */
export interface StationBirth {
  /** Version of the product. */
  readonly version: string;
  readonly identity: {
    /** Ed25519 public key, 64 hexadecimal digits: whoever holds it can verify entries and receipts. */
    readonly publicKey: string;
    /** Chain account in SS58. */
    readonly account: string;
    /** Origin of the station's log (C2SP tlog-checkpoint). */
    readonly origin: string;
  };
  /** `count` is the journal's boot count: with it, milliseconds since boot name one moment. */
  readonly boot: { readonly count: number; readonly reason?: string };
}

/** Counted since the process started. */
export interface SessionFacts {
  /** 1 for the first session with the broker. A will speaks of its own session only. */
  readonly session: number;
  readonly level: ProtocolLevel;
  /** Samples that telemetry gave up so far; they are in the journal. */
  readonly samplesDropped: number;
  /** What a command must carry; undefined where nobody may send any. */
  readonly challenge?: string | undefined;
  /** After 1.5 times this silence the broker speaks the last will. */
  readonly keepAliveSeconds: number;
}

/** Where a sample stands in the evidence, when the publisher knows: its journal entry and the station's wall clock. */
export interface SampleStamp {
  /** Leaf index of the journal entry. */
  readonly index?: number;
  /** Milliseconds since 1970 UTC, worth what `clock` says. */
  readonly time?: number;
  /** As in the journal: U unknown, I informative, S synchronised, R relative. */
  readonly clock?: 'U' | 'I' | 'S' | 'R';
}

export function onlineDocument(stationName: string, birth: StationBirth, session: SessionFacts): object {
  return {
    status: 'online',
    station: stationName,
    version: birth.version,
    identity: birth.identity,
    boot: birth.boot,
    session: session.session,
    mqtt: session.level === 5 ? '5' : '3.1.1',
    samplesDropped: session.samplesDropped,
    keepAliveSeconds: session.keepAliveSeconds,
    ...(session.challenge !== undefined && { challenge: session.challenge }),
  };
}

/** `connection lost` is the broker's word (last will), `stopped` the station's own goodbye. */
export function offlineDocument(
  stationName: string,
  birth: StationBirth,
  session: number,
  reason: 'connection lost' | 'stopped',
): object {
  return { status: 'offline', station: stationName, reason, boot: { count: birth.boot.count }, session };
}

/**
 * One reading, with the keys of `delmonicos meter read --json`. Times are whole milliseconds since boot, rounded
 * outwards, so that each value was true at some moment between them; values are decimal strings, digit by digit what
 * the meter showed.
 */
export function sampleDocument(
  meterId: string,
  bootCount: number,
  sample: MeterSample,
  stamp: SampleStamp,
): object {
  return {
    meter: { id: meterId, serial: sample.meterSerial, profile: sample.profileId },
    ...stamp,
    boot: bootCount,
    readBeginMs: Math.floor(sample.readBeginMonoMs),
    readEndMs: Math.ceil(sample.readEndMonoMs),
    values: sample.values.map(({ obis, value, unit, quality }) => ({
      obis,
      value: formatDecimal(value),
      unit,
      quality,
    })),
  };
}

/**
 * JSON text of a document, UTF-8. Decimals (`{mantissa, exponent}`) and bigint become decimal strings: no number of a
 * reading passes through a float.
 */
export function encodeDocument(document: object): Buffer {
  return Buffer.from(
    JSON.stringify(document, (_key, value: unknown) => {
      if (typeof value === 'bigint') return value.toString();
      return isDecimal(value) ? formatDecimal(value) : value;
    }),
  );
}

function isDecimal(value: unknown): value is { mantissa: bigint; exponent: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'mantissa' in value &&
    typeof value.mantissa === 'bigint' &&
    'exponent' in value &&
    typeof value.exponent === 'number'
  );
}
