import type { Decimal } from '../../hal/contract/index.ts';
import type { OcmfTime } from './ocmf-time.ts';

/** A record as it was found. What was signed is `payloadText` and nothing else; the other fields are what it says. */
export interface OcmfRecord {
  /** From `OCMF|` to the end of the signature section. */
  readonly text: string;
  /** Between the two pipes, as it stands, white space included. */
  readonly payloadText: string;
  /** UTF-8 of `payloadText`. */
  readonly signedBytes: Uint8Array;
  /** FV, `1.0` where a record has none. */
  readonly formatVersion: string | undefined;
  readonly gateway: {
    readonly identification: string | undefined;
    readonly serial: string | undefined;
    readonly version: string | undefined;
  };
  /** Undefined where PG is missing or unreadable. */
  readonly pagination: { readonly context: 'T' | 'F'; readonly number: bigint } | undefined;
  readonly meter: {
    readonly vendor: string | undefined;
    readonly model: string | undefined;
    readonly serial: string | undefined;
    readonly firmware: string | undefined;
  };
  readonly user: {
    readonly assigned: boolean | undefined;
    readonly level: string | undefined;
    readonly flags: readonly string[];
    readonly type: string | undefined;
    readonly data: string | undefined;
    readonly tariff: string | undefined;
  };
  readonly controllerFirmware: string | undefined;
  readonly chargePoint: { readonly type: string | undefined; readonly id: string | undefined };
  /** With what a reading takes over from the one before it. */
  readonly readings: readonly RecordReading[];
  readonly signature: RecordSignature;
  /** Where the record departs from the specification without losing its sense; for people. */
  readonly departures: readonly string[];
}

export interface RecordReading {
  /** Undefined where TM cannot be read. */
  readonly time: OcmfTime | undefined;
  readonly timeText: string | undefined;
  /** TX; undefined in fiscal readings. */
  readonly reason: string | undefined;
  /** Undefined where the reading only tells of an error, or its value cannot be read. */
  readonly value: ReadingValue | undefined;
  /** EF. */
  readonly errorFlags: string;
  /** ST; one letter of table 10 where the record keeps to it. */
  readonly state: string | undefined;
}

export interface ReadingValue {
  readonly amount: Decimal;
  readonly obis: string | undefined;
  readonly unit: string | undefined;
  readonly current: string | undefined;
  readonly cumulatedLoss: Decimal | undefined;
}

export interface RecordSignature {
  /** SA; the default is ECDSA-secp256r1-SHA256. */
  readonly algorithm: string | undefined;
  /** SE; the default is hex. */
  readonly encoding: string | undefined;
  /** SM; the default is application/x-der. */
  readonly mimeType: string | undefined;
  /** SD. */
  readonly data: string;
}
