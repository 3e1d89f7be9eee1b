import { readFileSync, writeFileSync } from 'node:fs';
import type { SignedConfiguration } from '../../provisioning/index.ts';
import { ExitCode, note, print, printJson } from '../output.ts';
import { UsageError } from '../usage-error.ts';
import { readOemKey } from './oem-key.ts';

export interface SignOptions {
  readonly key: string;
  readonly output: string;
  readonly for?: string;
  readonly sequence?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly json?: true;
}

/** Signs a station.yaml for stations that believe the key. What no station would take is not signed. */
export async function signConfigFile(file: string, options: SignOptions): Promise<void> {
  const [{ signConfiguration, readConfiguration }, { ConfigError, parseStationConfigWith }, profiles] =
    await Promise.all([
      import('../../provisioning/index.ts'),
      import('../../config/index.ts'),
      import('../../../hal/profile/index.ts'),
    ]);
  const key = readOemKey(options.key);
  const yaml = readText(file);
  try {
    const { station } = await parseStationConfigWith(profiles, yaml);
    const content = contentOf(yaml, station.name, options);
    const bytes = signConfiguration(content, key);
    write(options.output, bytes);
    const { id } = readConfiguration(bytes);
    const { station: boundTo, sequence } = content;
    const about = { station: boundTo, sequence, id, bytes: bytes.length, file: options.output };
    if (options.json === true) return printJson(about);
    print(`${options.output}: number ${content.sequence} for ${content.station} (${bytes.length} bytes)`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    note(`${file}: ${error.message}`);
    process.exitCode = ExitCode.usage;
  }
}

/** Prints the line for a station's `oem-keys`. */
export async function printOemKey(file: string, name: string): Promise<void> {
  const { formatVerifierKey } = await import('../../journal/index.ts');
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name))
    throw new UsageError('usage.bad_option', '--name: 1 to 64 letters, digits, - _ .');
  print(formatVerifierKey({ keyName: name, publicKey: readOemKey(file).publicKey }));
}

function contentOf(yaml: string, name: string, options: SignOptions): SignedConfiguration {
  return {
    station: options.for ?? name,
    sequence: sequenceOf(options.sequence),
    yaml,
    ...(options.notBefore !== undefined && { notBeforeMs: timeOf('--not-before', options.notBefore) }),
    ...(options.notAfter !== undefined && { notAfterMs: timeOf('--not-after', options.notAfter) }),
  };
}

/** Seconds since 1970: whoever signs needs no book of numbers, and a later one is higher. */
function sequenceOf(given: string | undefined): number {
  if (given === undefined) return Math.floor(Date.now() / 1_000);
  if (!/^[1-9]\d{0,15}$/.test(given) || !Number.isSafeInteger(Number(given)))
    throw new UsageError('usage.bad_option', '--sequence: a whole number from 1');
  return Number(given);
}

function timeOf(option: string, given: string): number {
  const timeMs = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(given) ? Date.parse(given) : NaN;
  if (Number.isNaN(timeMs) || timeMs < 0)
    throw new UsageError('usage.bad_option', `${option}: a date such as 2027-01-31 or 2027-01-31T12:00Z`);
  return timeMs;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError('usage.file_unreadable', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function write(file: string, bytes: Uint8Array): void {
  try {
    writeFileSync(file, bytes);
  } catch (cause) {
    throw new UsageError('usage.file_unwritable', `cannot write ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
