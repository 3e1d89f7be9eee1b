export { OCMF_CHECK_NAMES, type OcmfCheck, type OcmfCheckName, type OcmfFinding } from './check.ts';
export {
  createOcmfRecord,
  MAX_OCPP_201_BYTES,
  ocmfPayload,
  type CreateOptions,
  type OcmfContent,
  type OcmfReading,
  type OcmfSigner,
} from './create-record.ts';
export { OcmfError, type OcmfErrorCode } from './errors.ts';
export { formatOcmfTime, parseOcmfTime, type OcmfTime } from './ocmf-time.ts';
export { parsePublicKey, type PublicKey } from './public-key.ts';
export { MAX_OCMF_BYTES, readOcmf, type FoundRecord } from './read-ocmf.ts';
export type { OcmfRecord, ReadingValue, RecordReading, RecordSignature } from './record.ts';
export {
  ocmfSessionSummary,
  type OcmfSessionSummary,
  type RegisterTotal,
  type SessionMoment,
} from './session-summary.ts';
export { verifyMeterRecord, type MeterRecordVerdict, type RegisteredMeter } from './verify-meter-record.ts';
export { verifyOcmf, type OcmfReport, type VerifyOcmfOptions } from './verify-ocmf.ts';
export {
  METER_STATES,
  READING_REASONS,
  TIME_STATES,
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
