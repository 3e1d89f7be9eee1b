/**
 * The closed tables of the OCMF specification, revision 1.3.1 (S.A.F.E. e.V., OCMF-en.md), by their numbers there. Tables 10,
 * 11 and 13 to 21 have been the same since revision 1.0; units of resistance came with 1.2.
 */

/** Table 7, field TX: why the meter was read. */
export const READING_REASONS = {
  B: 'begin of transaction',
  C: 'charging',
  X: 'error during charging: time or energy not usable from here on',
  E: 'end of transaction',
  L: 'ended locally',
  R: 'ended remotely',
  A: 'aborted by an error',
  P: 'ended by a power failure',
  S: 'suspended',
  T: 'tariff change',
} as const;
export type ReadingReason = keyof typeof READING_REASONS;

/** TX letters that end a transaction. */
export const END_REASONS: ReadonlySet<string> = new Set<ReadingReason>(['E', 'L', 'R', 'A', 'P']);

/** Table 10, field ST. */
export const METER_STATES = {
  N: 'not present',
  G: 'good',
  T: 'timeout',
  D: 'disconnected',
  R: 'removed',
  M: 'manipulated',
  X: 'exchanged',
  I: 'incompatible',
  O: 'value out of range',
  S: 'substitute value',
  E: 'other error',
  F: 'register not read correctly',
} as const;
export type MeterState = keyof typeof METER_STATES;

/** Table 11, field IL. */
export const IDENTIFICATION_LEVELS = [
  ...['NONE', 'HEARSAY', 'TRUSTED', 'VERIFIED', 'CERTIFIED', 'SECURE'],
  ...['MISMATCH', 'INVALID', 'OUTDATED', 'UNKNOWN'],
] as const;
export type IdentificationLevel =
  | ('NONE' | 'HEARSAY' | 'TRUSTED' | 'VERIFIED' | 'CERTIFIED' | 'SECURE')
  | ('MISMATCH' | 'INVALID' | 'OUTDATED' | 'UNKNOWN');

/** The levels of table 11 that are errors. */
export const IDENTIFICATION_ERRORS: ReadonlySet<string> = new Set([
  'MISMATCH',
  'INVALID',
  'OUTDATED',
  'UNKNOWN',
]);

/** Tables 13 to 16, field IF: at most one of each group. */
export const IDENTIFICATION_FLAGS = [
  ['RFID_NONE', 'RFID_PLAIN', 'RFID_RELATED', 'RFID_PSK'],
  [
    ...['OCPP_NONE', 'OCPP_RS', 'OCPP_AUTH', 'OCPP_RS_TLS', 'OCPP_AUTH_TLS'],
    ...['OCPP_CACHE', 'OCPP_WHITELIST', 'OCPP_CERTIFIED'],
  ],
  ['ISO15118_NONE', 'ISO15118_PNC'],
  ['PLMN_NONE', 'PLMN_RING', 'PLMN_SMS'],
] as const;
export type IdentificationFlag =
  | ('RFID_NONE' | 'RFID_PLAIN' | 'RFID_RELATED' | 'RFID_PSK')
  | ('OCPP_NONE' | 'OCPP_RS' | 'OCPP_AUTH' | 'OCPP_RS_TLS' | 'OCPP_AUTH_TLS')
  | ('OCPP_CACHE' | 'OCPP_WHITELIST' | 'OCPP_CERTIFIED')
  | ('ISO15118_NONE' | 'ISO15118_PNC')
  | ('PLMN_NONE' | 'PLMN_RING' | 'PLMN_SMS');

/** Table 17, field IT. */
export const IDENTIFICATION_TYPES = [
  ...['NONE', 'DENIED', 'UNDEFINED', 'ISO14443', 'ISO15693', 'EMAID', 'EVCCID', 'EVCOID', 'ISO7812'],
  ...['CARD_TXN_NR', 'CENTRAL', 'CENTRAL_1', 'CENTRAL_2', 'LOCAL', 'LOCAL_1', 'LOCAL_2'],
  ...['PHONE_NUMBER', 'KEY_CODE'],
] as const;
export type IdentificationType =
  | ('NONE' | 'DENIED' | 'UNDEFINED' | 'ISO14443' | 'ISO15693' | 'EMAID' | 'EVCCID' | 'EVCOID' | 'ISO7812')
  | ('CARD_TXN_NR' | 'CENTRAL' | 'CENTRAL_1' | 'CENTRAL_2' | 'LOCAL' | 'LOCAL_1' | 'LOCAL_2')
  | ('PHONE_NUMBER' | 'KEY_CODE');

/** Table 18, field CT. */
export type ChargePointIdType = 'EVSEID' | 'CBIDC';

/** Table 19, second part of TM. */
export const TIME_STATES = {
  U: 'not synchronised',
  I: 'informative',
  S: 'synchronised',
  R: 'relative to an informative clock',
} as const;
export type TimeState = keyof typeof TIME_STATES;

/** Table 20, field RU: the units of energy and what a power of ten makes of them in Wh. */
export const ENERGY_UNITS: Readonly<Record<string, number>> = { Wh: 0, kWh: 3 };
export type EnergyUnit = 'Wh' | 'kWh';

/** Table 21, field RT. */
export type CurrentType = 'AC' | 'DC';
