import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { parseDecimal } from '../../../hal/contract/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  createOcmfRecord,
  type OcmfContent,
  type OcmfReading,
  type OcmfReport,
} from '../../../src/ocmf/index.ts';

export const STATION_KEY = identityFromSeed(new Uint8Array(32).fill(7)).ocmf;
export const OTHER_KEY = identityFromSeed(new Uint8Array(32).fill(8)).ocmf;

/** 2026-11-23T09:00:00Z. */
export const NOON = Date.UTC(2026, 10, 23, 12);

/** A reading of the energy register. */
export function readingOf(
  reason: NonNullable<OcmfReading['reason']>,
  kwh: string,
  secondsAfterNoon: number,
  change: Partial<OcmfReading> = {},
): OcmfReading {
  return {
    time: { ms: NOON + secondsAfterNoon * 1_000, offsetMinutes: 60, state: 'S' },
    reason,
    value: { amount: parseDecimal(kwh), obis: '1-0:1.8.0*255', unit: 'kWh', current: 'AC' },
    state: 'G',
    ...change,
  };
}

/** What a station says at a begin or an end, unless it says otherwise. */
export function contentOf(number: number, readings: readonly OcmfReading[]): OcmfContent {
  return {
    gateway: { identification: 'Delmonicos Inside', serial: 'DE-ACME-0001', version: '0.1.0' },
    pagination: { context: 'T', number },
    meter: { vendor: 'Eastron', model: 'SDM630', serial: '20230001' },
    user: {
      assigned: true,
      level: 'TRUSTED',
      flags: ['RFID_PLAIN', 'OCPP_AUTH_TLS'],
      type: 'ISO14443',
      data: '1F2D3A4F5506C7',
    },
    chargePoint: { type: 'EVSEID', id: 'DE*ACM*E0001*1' },
    readings,
  };
}

export const BEGIN = contentOf(41, [readingOf('B', '2935.60', 0)]);
export const END = contentOf(42, [readingOf('E', '2965.11', 3_600)]);

export const signed = (content: OcmfContent): string => createOcmfRecord(content, STATION_KEY);

/** A key of any curve, made and used by OpenSSL: nothing of ours has a part in it. */
export interface OpensslKey {
  readonly spki: Uint8Array;
  /** 04, x, y. */
  readonly point: Uint8Array;
  sign(message: Uint8Array, hash: string, form: 'der' | 'ieee-p1363'): Uint8Array;
}

export function opensslKey(namedCurve: string): OpensslKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve });
  const spki = new Uint8Array(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  // Both numbers of a signature in this form have the length of a coordinate.
  const coordinates = sign('sha256', spki, { key: privateKey, dsaEncoding: 'ieee-p1363' }).length;
  return {
    spki,
    point: spki.slice(-coordinates - 1),
    sign: (message, hash, dsaEncoding) =>
      new Uint8Array(sign(hash, message, { key: privateKey, dsaEncoding })),
  };
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The names of the checks with a result. */
export function namesOf({ checks }: OcmfReport, wanted: 'pass' | 'fail' | 'not checked'): readonly string[] {
  return checks.filter(({ result }) => result === wanted).map(({ name }) => name);
}
export const failedOf = (report: OcmfReport): readonly string[] => namesOf(report, 'fail');
