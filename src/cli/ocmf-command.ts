import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { OcmfReport, OcmfSessionSummary, SessionMoment } from '../ocmf/index.ts';
import { ExitCode, harmlessLine, print, printJson, printTable } from './output.ts';
import { readBounded } from './read-bounded.ts';
import { UsageError } from './usage-error.ts';

export function registerOcmfCommand(program: Command): void {
  program
    .command('ocmf')
    .description('signed records of a meter (Open Charge Metering Format)')
    .command('verify')
    .description('checks the OCMF records of any meter: who signed them, and whether they belong together')
    .argument('<file>', 'records, bare or in the XML of the transparency software; - for standard input')
    .option(
      '--key <key|file>',
      "the meter's public key as you know it: hex, base64, or a file with one (PEM too)",
    )
    .option('--serial <serial>', "the meter's serial number as you know it")
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nWithout --key the key that came with the records is used: that shows that nothing was changed since they were\n' +
        'signed, and not who signed them. Ends with status 1 when a check fails or nothing could be verified.',
    )
    .action(verify);
}

interface Options {
  readonly key?: string;
  readonly serial?: string;
  readonly json?: true;
}

async function verify(file: string, options: Options): Promise<void> {
  const { MAX_OCMF_BYTES, verifyOcmf } = await import('../ocmf/index.ts');
  const publicKey = options.key === undefined ? undefined : await keyOf(options.key);
  const report = verifyOcmf(await readBounded(file, MAX_OCMF_BYTES), {
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(options.serial === undefined ? {} : { meterSerial: options.serial }),
  });
  if (options.json === true) printJson(report);
  else printReport(report);
  process.exitCode = report.ok ? ExitCode.good : ExitCode.bad;
}

/** A key, or the name of a file with one: text, or the bytes of a SubjectPublicKeyInfo. */
async function keyOf(text: string): Promise<string | Uint8Array> {
  const { OcmfError, parsePublicKey } = await import('../ocmf/index.ts');
  const file = await readFile(text).catch(() => undefined);
  const content = file?.toString('latin1') ?? text;
  // 0x30 begins both a SEQUENCE and hex text ("0"): what is printable is text.
  const key = file !== undefined && /[^\s\x20-\x7e]/.test(content) ? new Uint8Array(file) : content;
  try {
    parsePublicKey(key);
    return key;
  } catch (cause) {
    if (!(cause instanceof OcmfError)) throw cause;
    throw new UsageError('usage.bad_option', `--key: ${cause.message}`, {
      cause,
      hint: 'a SubjectPublicKeyInfo or a point, in hex or base64, or a file with one',
    });
  }
}

function printReport({ ok, authentic, checks, sessions }: OcmfReport): void {
  printTable(
    ['CHECK', 'RESULT', 'DETAIL'],
    checks.map(({ name, result, detail }) => [name, result, harmlessLine(detail)]),
  );
  for (const session of sessions) printSession(session);
  print(`\nocmf: ${verdict(ok, authentic)}`);
}

/** A key that came with a record proves no more than that whoever made it had a key. */
function verdict(ok: boolean, authentic: boolean): string {
  if (!ok) return 'NOT GOOD';
  return authentic ? 'good' : 'intact, by a key that came with it; whose key that is was NOT CHECKED (--key)';
}

function printSession({
  meterSerial,
  gatewaySerial,
  begin,
  end,
  energyWh,
  registers,
  unusable,
}: OcmfSessionSummary): void {
  const source = meterSerial ?? gatewaySerial;
  print(
    `\nsession of ${source === undefined ? 'a meter without a serial number' : `meter ${harmlessLine(source)}`}`,
  );
  print(`  from   ${moment(begin)}`);
  print(`  to     ${moment(end)}`);
  for (const { obis, direction, begin: from, end: to, unit, wh } of registers) {
    const way = direction === undefined ? '' : ` ${direction}ed`;
    print(
      `  ${harmlessLine(obis ?? 'register').padEnd(6)} ${from} to ${to} ${harmlessLine(unit)}: ${wh} Wh${way}`,
    );
  }
  if (unusable.energy) print('  energy not to be billed, the records say');
  else if (energyWh !== undefined) print(`  energy ${energyWh} Wh`);
  if (unusable.time) print('  time not to be billed, the records say');
}

const CLOCKS = {
  U: 'the clock was not set',
  I: 'informative clock',
  S: 'synchronised clock',
  R: 'relative to an informative clock',
} as const;

function moment(at: SessionMoment | undefined): string {
  if (at === undefined) return 'not in these records';
  const clock = at.state === undefined ? 'clock not told' : CLOCKS[at.state];
  return `${at.time ?? 'an unreadable time'} (${clock})`;
}
