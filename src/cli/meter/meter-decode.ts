import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Option, type Command } from 'commander';
import { formatDecimal, type DecodedTelegram } from '../../../hal/contract/index.ts';
import { ExitCode, note, print, printJson, printTable } from '../output.ts';
import { UsageError } from '../usage-error.ts';

type Decoder = (capture: Uint8Array) => readonly DecodedTelegram[];

/** Protocols of meters that send by themselves; a room is loaded when its protocol is asked for. */
const DECODERS = {
  sml: async () => (await import('../../../hal/driver/sml/index.ts')).decodeSmlCapture,
  p1: async () => (await import('../../../hal/driver/p1/index.ts')).decodeP1Capture,
  iec62056: async () => (await import('../../../hal/driver/iec62056/index.ts')).decodeIec62056Capture,
} satisfies Record<string, () => Promise<Decoder>>;
type Protocol = keyof typeof DECODERS;

export function registerMeterDecode(meter: Command): void {
  meter
    .command('decode')
    .description('says what a raw capture of a serial line holds')
    .argument('<file>', 'the bytes as they were on the line; - for stdin')
    .addOption(
      new Option('--protocol <name>', 'what the meter speaks')
        .choices(Object.keys(DECODERS))
        .makeOptionMandatory(),
    )
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nEnds with status 0 when one telegram at least was understood, with 1 when none was.',
    )
    .action(decodeCapture);
}

/** Good when one telegram at least was understood: captures usually begin and end in the middle of one. */
async function decodeCapture(file: string, options: { protocol: Protocol; json?: true }): Promise<void> {
  const capture = await readCapture(file);
  const decode: Decoder = await DECODERS[options.protocol]();
  const telegrams = decode(capture);
  if (!telegrams.some(({ ok }) => ok)) process.exitCode = ExitCode.bad;
  if (options.json === true) return printJson(telegrams.map(telegramDocument));
  if (telegrams.length === 0) return note(`${file}: no telegram in ${capture.length} bytes`);
  for (const [index, telegram] of telegrams.entries()) printTelegram(index + 1, telegram);
}

async function readCapture(file: string): Promise<Uint8Array> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (cause) {
    throw new UsageError('usage.file_unreadable', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function telegramDocument({ ok, why, meter, values }: DecodedTelegram) {
  return {
    ok,
    why,
    meter: { serial: meter.serial },
    values: values.map(({ obis, value, unit, quality }) => ({
      obis,
      value: formatDecimal(value),
      unit,
      quality,
    })),
  };
}

function printTelegram(number: number, { ok, why, meter, values }: DecodedTelegram): void {
  if (!ok) return print(`telegram ${number}: refused: ${why ?? 'no reason given'}`);
  print(`telegram ${number}: meter ${meter.serial ?? 'unknown'}`);
  const rows = values.map((value) => ({ ...value, text: formatDecimal(value.value) }));
  const width = Math.max(0, ...rows.map(({ text }) => text.length));
  printTable(
    ['  OBIS', 'VALUE'.padStart(width), 'UNIT', 'QUALITY'],
    rows.map(({ obis, text, unit, quality }) => [`  ${obis}`, text.padStart(width), unit, quality]),
  );
}
