import type { ProvisioningRecord } from '../../provisioning/index.ts';
import { ExitCode, harmlessLine, note, print, printJson } from '../output.ts';
import { readBounded } from '../read-bounded.ts';
import { DEFAULT_OUT } from './provision-command.ts';

export interface ShowRecordOptions {
  readonly svg?: true;
  readonly json?: true;
}

export async function showRecord(file: string | undefined, options: ShowRecordOptions): Promise<void> {
  const { codeAsSvg, codeAsText, installerUri } = await import('../../provisioning/index.ts');
  const record = await read(file ?? `${DEFAULT_OUT}/record.cose`);
  const uri = installerUri(record);
  if (options.svg === true) return print(codeAsSvg(uri).trimEnd());
  const document = { ...recordDocument(record), uri };
  if (options.json === true) return printJson(document);
  print(codeAsText(uri));
  for (const [name, value] of Object.entries(document))
    if (value !== null) print(`${name.padEnd(15)} ${harmlessLine(String(value))}`);
}

export async function verifyRecordFile(
  file: string,
  options: { readonly key?: string; readonly json?: true },
): Promise<void> {
  const record = await read(file);
  const document = recordDocument(record);
  const checks = [
    { name: 'signature', result: 'pass', detail: 'by the key that the record names' },
    options.key === undefined
      ? { name: 'key', result: 'not checked', detail: '--key: nobody said whose record this should be' }
      : keyCheck(options.key, document),
  ];
  const ok = checks.every(({ result }) => result !== 'fail');
  if (!ok) process.exitCode = ExitCode.bad;
  if (options.json === true) return printJson({ ok, checks });
  for (const { name, result, detail } of checks) print(`${name.padEnd(10)} ${result.padEnd(12)} ${detail}`);
  note(`${document.ss58}, ${document.time} (clock ${document.clock})`);
}

/** As it is printed: bytes in hexadecimal, null for what is not in it. */
export function recordDocument(record: ProvisioningRecord) {
  const hex = (bytes: Uint8Array | undefined) =>
    bytes === undefined ? null : Buffer.from(bytes).toString('hex');
  return {
    station: record.stationName ?? null,
    publicKey: hex(record.publicKey),
    verifierKey: record.verifierKey,
    ss58: record.ss58,
    chainAccount: hex(record.chainAccount),
    ocmfKey: hex(record.ocmfKey),
    seed: record.seedKind,
    software: record.software,
    hardwareSerial: record.hardwareSerial ?? null,
    configDigest: hex(record.configDigest),
    bundleDigest: hex(record.bundleDigest),
    time: new Date(record.timeMs).toISOString(),
    clock: record.clockStatus,
    bootId: hex(record.bootId),
  };
}

function keyCheck(
  key: string,
  { publicKey, verifierKey }: { publicKey: string | null; verifierKey: string },
) {
  const isSame = key.toLowerCase() === publicKey || key === verifierKey;
  return {
    name: 'key',
    result: isSame ? 'pass' : 'fail',
    detail: isSame ? 'of the key given' : 'of another key',
  };
}

async function read(file: string): Promise<ProvisioningRecord> {
  const { MAX_RECORD_BYTES, verifyRecord } = await import('../../provisioning/index.ts');
  return verifyRecord(await readBounded(file, MAX_RECORD_BYTES));
}
