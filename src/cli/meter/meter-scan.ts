import { Option, type Command } from 'commander';
import { silentLog, type Line, type MeterProfile } from '../../../hal/contract/index.ts';
import type { ModelFound } from '../../../hal/driver/modbus/index.ts';
import type { LineOptions } from '../../../hal/line/index.ts';
import { withAdvice } from './meter-advice.ts';
import { endpointOf, wholeNumber } from './meter-line-options.ts';
import { ExitCode, harmlessLine, note, print, printJson } from '../output.ts';
import { ProgressBar } from '../progress-bar.ts';
import { ScanFindings, type FoundUnit } from './scan-findings.ts';
import {
  longestScanMs,
  parseBauds,
  parseParities,
  parseUnits,
  roughly,
  scanPasses,
  settingsOf,
  USUAL_BAUD_RATES,
  USUAL_PARITIES,
  type ScanPass,
  type SerialSetting,
} from './scan-plan.ts';
import { untilInterrupted } from '../until-interrupted.ts';
import { UsageError } from '../usage-error.ts';

interface ScanOptions {
  readonly serial?: string;
  readonly bauds?: string;
  readonly parities?: string;
  readonly tcp?: string;
  readonly rtuOverTcp?: string;
  readonly units: string;
  readonly timeout?: number;
  readonly json?: true;
}

/** Meters on a wire begin to answer within 200 ms; behind a gateway its own queue comes on top. */
const SERIAL_TIMEOUT_MS = 300;
const GATEWAY_TIMEOUT_MS = 1_000;
/** Whoever is known to be there gets more time than a stranger. */
const IDENTIFY_TIMEOUT_MS = 1_000;

export function registerMeterScan(meter: Command): void {
  meter
    .command('scan')
    .description(
      'finds the Modbus units on a line and says which models they are; Ctrl-C ends with what was found',
    )
    .option('--serial <device>', 'serial port, such as /dev/ttyS1')
    .option('--bauds <list>', `baud rates to try (default: ${USUAL_BAUD_RATES.join(',')})`)
    .option('--parities <list>', `parities to try (default: ${USUAL_PARITIES.join(',')})`)
    .option('--tcp <host:port>', 'Modbus TCP server; the port is 502 unless given')
    .option('--rtu-over-tcp <host:port>', 'gateway that hands serial bytes through')
    .option('--units <list>', 'unit ids to ask, such as 1-10,20', '1-247')
    .addOption(
      new Option(
        '--timeout <ms>',
        `how long to wait for each unit (default: ${SERIAL_TIMEOUT_MS}, over TCP ${GATEWAY_TIMEOUT_MS})`,
      ).argParser(wholeNumber(10, 60_000)),
    )
    .option('--json', 'one JSON document')
    .action(scan);
}

interface ScanTarget {
  readonly settings: readonly (SerialSetting | null)[];
  readonly lineFor: (setting: SerialSetting | null) => LineOptions;
  readonly timeoutMs: number;
  readonly units: readonly number[];
}

/** @throws UsageError */
function targetOf(options: ScanOptions): ScanTarget {
  const { serial, tcp, rtuOverTcp } = options;
  if ([serial, tcp, rtuOverTcp].filter((target) => target !== undefined).length !== 1) {
    throw new UsageError('usage.bad_option', 'give exactly one of --serial, --tcp, --rtu-over-tcp');
  }
  // Nobody is left alone: each is asked once, and whoever answers must say what it is.
  const limits = { peer: { failuresBeforeQuarantine: Infinity, firstPauseMs: 0, longestPauseMs: 0 } };
  if (serial !== undefined) {
    const bauds = options.bauds === undefined ? USUAL_BAUD_RATES : parseBauds(options.bauds);
    const parities = options.parities === undefined ? USUAL_PARITIES : parseParities(options.parities);
    return {
      settings: settingsOf(bauds, parities),
      lineFor: (setting) => ({
        ...{ id: serial, kind: 'serial', path: serial, limits },
        ...(setting ?? { baudRate: 9_600, parity: 'none' }),
      }),
      timeoutMs: options.timeout ?? SERIAL_TIMEOUT_MS,
      units: parseUnits(options.units, 1, 247),
    };
  }
  if (options.bauds !== undefined || options.parities !== undefined)
    throw new UsageError('usage.bad_option', '--bauds and --parities are for --serial only');
  const address = tcp ?? rtuOverTcp ?? '';
  const kind = tcp === undefined ? 'rtuOverTcp' : 'tcp';
  const line: LineOptions = { id: address, kind, ...endpointOf(address, kind), limits };
  return {
    settings: [null],
    lineFor: () => line,
    timeoutMs: options.timeout ?? GATEWAY_TIMEOUT_MS,
    // A Modbus TCP server that is no gateway may be unit 0 or 255 (Modbus messaging on TCP/IP V1.0b §4.4.2.1).
    units: parseUnits(options.units, tcp === undefined ? 1 : 0, tcp === undefined ? 247 : 255),
  };
}

async function scan(options: ScanOptions): Promise<void> {
  const target = targetOf(options);
  const [{ loadProfiles }, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../../hal/profile/index.ts'),
    import('../../service/index.ts'),
  ]);
  const profiles = await loadProfiles();
  const passes = scanPasses(target.settings, target.units);
  const total = passes.reduce((sum, { units }) => sum + units.length, 0);
  const setups = target.settings.length === 1 ? '' : ` at ${target.settings.length} settings of the port`;
  note(
    `asking ${target.units.length} units${setups}: about ${roughly(longestScanMs(passes, target.timeoutMs))} ` +
      'at most; Ctrl-C ends with what was found',
  );
  const interrupted = untilInterrupted();
  const findings = new ScanFindings();
  const bar = new ProgressBar(total);
  const startedAt = clock.nowMonoMs();
  let asked = 0;
  const onAsked = (what: string): void => {
    asked++;
    bar.step(`${what}, ${findings.units.length} found`, clock.nowMonoMs());
  };
  try {
    for (const pass of passes) {
      if (interrupted.aborted) break;
      await scanPass(pass, { target, profiles, findings, interrupted, onAsked });
    }
  } finally {
    bar.clear();
  }
  const { units, noise } = findings;
  if (units.length === 0) process.exitCode = ExitCode.bad;
  const complete = asked === total;
  if (options.json === true) {
    const tookMs = Math.round(clock.nowMonoMs() - startedAt);
    return printJson({ complete, asked, tookMs, units: units.map(unitDocument), noise });
  }
  for (const unit of units) printUnit(unit);
  if (!complete) note(`ended early: ${asked} of ${total} questions asked`);
  if (units.length === 0) note(NOBODY);
  if (noise.length > 0) note(noiseWords(noise.length));
}

const NOBODY =
  'no unit answers: check that the meter has power, that A and B are not swapped, that the bus is terminated, and its ' +
  'baud rate and parity on the display (--bauds, --parities odd)';

function noiseWords(count: number): string {
  return (
    `${count} times bytes came that make no answer: the baud rate or parity is another one there, two devices have one ` +
    'unit id, or the bus is not terminated'
  );
}

interface PassParts {
  readonly target: ScanTarget;
  readonly profiles: readonly MeterProfile[];
  readonly findings: ScanFindings;
  readonly interrupted: AbortSignal;
  readonly onAsked: (what: string) => void;
}

async function scanPass({ setting, units }: ScanPass, parts: PassParts): Promise<void> {
  const { target, interrupted, findings, onAsked } = parts;
  const [{ openLine }, { askUnit }, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../../hal/line/index.ts'),
    import('../../../hal/driver/modbus/index.ts'),
    import('../../service/index.ts'),
  ]);
  const lineOptions = target.lineFor(setting);
  const line = openLine(lineOptions, { clock, log: silentLog });
  /** Answered after their time was up: they are asked again, with more patience. */
  const late = new Set<number>();
  const where = setting === null ? '' : ` at ${setting.baudRate} ${setting.parity}`;
  const ask = async (unitId: number, responseTimeoutMs: number): Promise<void> => {
    const presence = await askUnit({ line, unitId, responseTimeoutMs, onLate: (from) => late.add(from) });
    if (presence.kind === 'noise') findings.addNoise({ unit: unitId, setting, seen: presence.seen });
    if (presence.kind !== 'answers') return;
    late.delete(unitId);
    findings.add({ unit: unitId, setting, ...(await identify(line, unitId, parts)) });
  };
  try {
    for (const unitId of units) {
      if (interrupted.aborted) return;
      await ask(unitId, target.timeoutMs);
      onAsked(`unit ${unitId}${where}`);
    }
    for (const unitId of [...late]) if (!interrupted.aborted) await ask(unitId, 4 * target.timeoutMs);
  } catch (error) {
    throw withAdvice(error, lineOptions, units[0] ?? 1);
  } finally {
    await line.close();
  }
}

async function identify(line: Line, unitId: number, { profiles, target }: PassParts) {
  const { identifyUnit } = await import('../../../hal/driver/modbus/index.ts');
  const responseTimeoutMs = Math.max(IDENTIFY_TIMEOUT_MS, target.timeoutMs);
  return await identifyUnit({ line, unitId, profiles, responseTimeoutMs });
}

function unitDocument({ unit, at, alsoUnits, matches, couldBe }: FoundUnit): object {
  const [match] = matches.length === 1 ? matches : [];
  const candidates = match === undefined ? [...matches, ...couldBe] : [];
  return {
    unit,
    at,
    alsoUnits,
    profile: match?.profile.id ?? null,
    serial: match?.serial ?? null,
    couldBe: candidates.map(({ profile, serial }) => ({ profile: profile.id, serial: serial ?? null })),
  };
}

function printUnit({ unit, at, alsoUnits, matches, couldBe }: FoundUnit): void {
  const where = at.map(({ baudRate, parity }) => `${baudRate} baud, parity ${parity}`).join('; ');
  const begin = `unit ${unit}${where === '' ? '' : ` (${where})`}: `;
  const [match] = matches;
  if (match !== undefined && matches.length === 1) print(begin + modelWords(match));
  else if (matches.length + couldBe.length > 0) {
    print(`${begin}a meter that cannot be told for certain; it could be`);
    for (const model of [...matches, ...couldBe]) print(`  ${modelWords(model)}`);
  } else {
    print(
      `${begin}answers, but is none of the models known (\`meter profiles\`; docs/meters.md says how to add one)`,
    );
  }
  if (alsoUnits.length > 0)
    print(`  the same meter answers as unit ${alsoUnits.join(', ')} too: it does not look at the unit id`);
}

function modelWords({ profile, serial }: ModelFound): string {
  const shown = serial === undefined ? 'no serial number' : `serial ${harmlessLine(serial)}`;
  return `${profile.maker} ${profile.model}, ${shown}  (--profile ${profile.id})`;
}
