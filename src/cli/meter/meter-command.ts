import type { Command } from 'commander';
import {
  formatDecimal,
  silentLog,
  StationError,
  STREAM_PROTOCOLS,
  type MeterProfile,
  type MeterSample,
} from '../../../hal/contract/index.ts';
import { addLineOptions, lineOptionsOf, unitOption, type LineArguments } from './meter-line-options.ts';
import { duration } from '../duration-option.ts';
import { withAdvice } from './meter-advice.ts';
import { registerMeterDecode } from './meter-decode.ts';
import { findProfile, readProfileFile } from './meter-profile.ts';
import { registerMeterScan } from './meter-scan.ts';
import { registerMeterTrace } from './meter-trace.ts';
import { ExitCode, note, print, printError, printJson, printTable } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface ReadOptions extends LineArguments {
  readonly profile: string;
  readonly unit?: number;
  readonly watch?: true;
  readonly every: number;
  readonly json?: true;
}

export function registerMeterCommand(program: Command): void {
  const meter = program
    .command('meter')
    .description('meter models; finds, reads and looks at meters on a line');
  meter
    .command('profiles')
    .description('lists the meter models known')
    .option('--json', 'one JSON document')
    .action(listProfiles);
  const read = meter
    .command('read')
    .description('reads one sample of one meter')
    .requiredOption(
      '--profile <name>',
      'meter model (see `meter profiles`), or a profile file ending in .yaml',
    )
    .addOption(unitOption())
    .option('--watch', 'again and again until Ctrl-C')
    .option('--every <duration>', 'how often, with --watch', duration, 1_000)
    .option('--json', 'one JSON document; with --watch one a line')
    .action(readMeter);
  addLineOptions(read);
  meter
    .command('check-profile')
    .description('checks one profile: schema, sense, and golden vectors')
    .argument('<file>', 'profile file')
    .option('--json', 'one JSON document')
    .action(checkProfileFile);
  registerMeterDecode(meter);
  registerMeterScan(meter);
  registerMeterTrace(meter);
}

async function listProfiles(options: { json?: true }): Promise<void> {
  const { loadProfiles } = await import('../../../hal/profile/index.ts');
  const profiles = await loadProfiles();
  if (options.json === true) {
    return printJson(
      profiles.map(({ id, maker, model, description, verified, points }) => ({
        id,
        maker,
        model,
        ...(description === undefined ? {} : { description }),
        verified,
        values: points.map(({ obis, unit }) => ({ obis, unit })),
      })),
    );
  }
  printTable(
    ['PROFILE', 'MAKER', 'MODEL', 'VALUES', 'VERIFIED BY'],
    profiles.map(({ id, maker, model, verified, points }) => [
      id,
      maker,
      model,
      String(points.length),
      verified,
    ]),
  );
  note(`Not Modbus, and profiles in a station's configuration all the same: ${STREAM_PROTOCOLS.join(', ')}`);
}

async function readMeter(options: ReadOptions): Promise<void> {
  const profile = await findProfile(options.profile);
  const lineOptions = lineOptionsOf(options, profile);
  const unitId = options.unit ?? profile.link.unitId;
  const [{ openLine }, { createModbusMeter }, { systemMonotonicClock }, { readingDocument }] =
    await Promise.all([
      import('../../../hal/line/index.ts'),
      import('../../../hal/driver/modbus/index.ts'),
      import('../../service/index.ts'),
      import('../../metering/index.ts'),
    ]);
  const line = openLine(lineOptions, { clock: systemMonotonicClock, log: silentLog });
  try {
    const meter = createModbusMeter({
      id: `${lineOptions.id}/${unitId}`,
      line,
      unitId,
      profile,
      withoutSerial: 'accept',
    });
    const readOnce = async (): Promise<void> => {
      const sample = await meter.readSample('diagnostic');
      if (options.json === true) printJson(readingDocument(sample));
      else printSample(sample, profile, options.watch);
    };
    if (options.watch !== true) return await readOnce();
    await watch(readOnce, options.every, (error) => {
      showError(withAdvice(error, lineOptions, unitId), options.json);
    });
  } catch (error) {
    throw withAdvice(error, lineOptions, unitId);
  } finally {
    await line.close();
  }
}

/** At fixed times, so that reading takes nothing from the pause; a reading that takes longer lets the next one wait. */
async function watch(
  readOnce: () => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
): Promise<void> {
  const { systemMonotonicClock: clock } = await import('../../service/index.ts');
  const interrupted = untilInterrupted();
  let good = 0;
  for (let dueAt = clock.nowMonoMs(); !interrupted.aborted;) {
    try {
      await readOnce();
      good++;
    } catch (error) {
      onError(error);
    }
    const now = clock.nowMonoMs();
    dueAt = Math.max(now, dueAt + everyMs);
    await clock.sleep(dueAt - now, interrupted).catch(() => undefined);
  }
  if (good === 0) process.exitCode = ExitCode.bad;
}

/** One failed reading does not end a watch. */
function showError(error: unknown, json: true | undefined): void {
  if (!(error instanceof StationError)) throw error;
  const { code, message, hint } = error;
  if (json === true) printJson({ error: { code, message, hint: hint ?? null } });
  else printError(error);
}

function printSample(sample: MeterSample, { maker, model }: MeterProfile, watched: true | undefined): void {
  if (watched === true && process.stdout.isTTY) print('\x1b[H\x1b[2J');
  const took = (sample.readEndMonoMs - sample.readBeginMonoMs).toFixed(0);
  print(`${maker} ${model}, serial ${sample.meterSerial || 'unknown'}, read in ${took} ms`);
  const rows = sample.values.map(({ obis, value, unit, quality }) => ({
    obis,
    text: formatDecimal(value),
    unit,
    quality,
  }));
  const width = Math.max(0, ...rows.map(({ text }) => text.length));
  printTable(
    ['OBIS', 'VALUE'.padStart(width), 'UNIT', 'QUALITY'],
    rows.map(({ obis, text, unit, quality }) => [obis, text.padStart(width), unit, quality]),
  );
  const missing = sample.missing ?? [];
  if (missing.length > 0) {
    note(`no value: ${missing.map(({ obis, quality }) => `${obis} (${quality})`).join(', ')}`);
  }
}

async function checkProfileFile(file: string, options: { json?: true }): Promise<void> {
  const [{ checkProfile }, { decodeVector }] = await Promise.all([
    import('../../../hal/profile/index.ts'),
    import('../../../hal/driver/modbus/index.ts'),
  ]);
  const { ok, profile, problems } = checkProfile(await readProfileFile(file), decodeVector);
  if (!ok) process.exitCode = ExitCode.bad;
  if (options.json === true) {
    return printJson({ ok, profile: profile?.id ?? null, vectors: profile?.vectors.length ?? 0, problems });
  }
  for (const problem of problems) {
    print(`${file}:${problem.line}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`);
  }
  if (ok && profile !== undefined) {
    print(`${file}: good: ${profile.points.length} values, ${profile.vectors.length} golden vectors`);
  }
}
