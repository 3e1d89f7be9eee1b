import { rmSync } from 'node:fs';
import path from 'node:path';
import { fromBase64, toBase64 } from '../bytes.ts';
import type { FaultBody } from '../entry/entry-types.ts';
import { sha256Hex } from './high-water.ts';
import { readSmallFile, replaceFile } from '../store/durable-file.ts';

/**
 * What the next `boot` entry is followed by: the `fault` entries of a recovery. They are on disk before the recovered
 * journal gets its name, so that no power cut separates the two.
 */
export interface RecoveryReport {
  /** Of the journal that was put in place. */
  readonly origin: string;
  /** Its size then: the report is done with once the journal is larger. */
  readonly size: number;
  readonly faults: readonly FaultBody[];
}

const REPORT_FILE = 'journal.recovery';
/** Two million holes: one that is not read back would leave what is lost undeclared for ever. */
const MAX_REPORT_BYTES = 64 * 1_048_576;

/** @throws JournalError `journal.io` */
export function writeReport(directory: string, report: RecoveryReport): void {
  const line = JSON.stringify(report, (_key, value: unknown) =>
    value instanceof Uint8Array ? { base64: toBase64(value) } : value,
  );
  replaceFile(path.join(directory, REPORT_FILE), `${line}\n${sha256Hex(line)}\n`);
}

/** Undefined when there is none, or none that can be read. */
export function readReport(directory: string): RecoveryReport | undefined {
  const [line = '', sum] =
    readSmallFile(path.join(directory, REPORT_FILE), MAX_REPORT_BYTES)?.split('\n') ?? [];
  if (sum !== sha256Hex(line)) return undefined;
  return JSON.parse(line, (_key, value: unknown) =>
    isBytes(value) ? fromBase64(value.base64) : value,
  ) as RecoveryReport;
}

export function forgetReport(directory: string): void {
  rmSync(path.join(directory, REPORT_FILE), { force: true });
}

function isBytes(value: unknown): value is { base64: string } {
  return typeof value === 'object' && value !== null && 'base64' in value;
}
