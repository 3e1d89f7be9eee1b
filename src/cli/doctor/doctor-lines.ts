import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import {
  MeterError,
  silentLog,
  StationError,
  type EnergyMeter,
  type MonotonicClock,
} from '../../../hal/contract/index.ts';
import type { LineConfig, MeterConfig, StationConfig } from '../../config/index.ts';
import { found, notChecked, ok, type Finding } from './finding.ts';
import { withAdvice } from '../meter/meter-advice.ts';
import { harmlessLine } from '../output.ts';

/** Meters that send by themselves may take ten seconds for a telegram, and the next one must be whole. */
const METER_LIMIT_MS = 30_000;

/** Every line and every meter on it. With a reason, nothing is opened: whoever has the lines keeps them. */
export async function checkLines(config: StationConfig, whyNot: string | undefined): Promise<Finding[]> {
  const devices = await Promise.all(config.lines.map(checkDevice));
  if (whyNot !== undefined) {
    return [...devices, ...config.meters.map(({ id }) => notChecked(`meter ${id}`, whyNot))];
  }
  const asked = await askMeters(config);
  const lines = config.lines.map((line, index) => {
    const device = devices[index] ?? notChecked(`line ${line.id}`, '');
    return device.state === 'fault' ? device : lineFinding(line, asked);
  });
  return [...lines, ...asked.map(({ finding }) => finding)];
}

interface Asked {
  readonly meter: MeterConfig;
  readonly finding: Finding;
  /** The line itself could not be opened. */
  readonly openError: StationError | undefined;
}

/** Whether the device is there and may be opened by this user. Opens nothing. */
async function checkDevice(line: LineConfig): Promise<Finding> {
  const name = `line ${line.id}`;
  if (line.kind !== 'serial') return notChecked(name, `${line.host}:${line.port}`);
  try {
    if (!(await stat(line.path)).isCharacterDevice())
      return found(
        name,
        'line.not_open',
        `${line.path} is no serial port`,
        'Name the device of a serial port.',
      );
  } catch {
    const advice =
      'Check the name (ls -l /dev/serial/by-id /dev/tty*), the plug, and that the kernel knows the port (dmesg).';
    return found(name, 'line.not_open', `there is no ${line.path}`, advice);
  }
  try {
    await access(line.path, constants.R_OK | constants.W_OK);
  } catch {
    const advice =
      'Put the user into the group dialout (usermod -aG dialout USER), or the unit: SupplementaryGroups=dialout.';
    return found(name, 'line.not_open', `this user may not open ${line.path}`, advice);
  }
  return notChecked(name, `${line.path} is there`);
}

function lineFinding(line: LineConfig, asked: readonly Asked[]): Finding {
  const name = `line ${line.id}`;
  const own = asked.filter(({ meter }) => meter.line === line.id);
  if (own.length === 0) return found(name, 'line.unused', 'no meter uses it');
  const openError = own.find((each) => each.openError !== undefined)?.openError;
  if (openError === undefined) return ok(name, 'opens');
  return found(name, 'line.not_open', openError.message, openError.hint);
}

async function askMeters(config: StationConfig): Promise<Asked[]> {
  const [{ openMeters, profilesOf }, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../station/index.ts'),
    import('../../service/index.ts'),
  ]);
  const { lines, meters } = openMeters(config, await profilesOf(config), { clock, log: silentLog });
  try {
    return await Promise.all(
      config.meters.map(async (meter) => {
        const opened = meters.find((each) => each.meter.id === meter.id)?.meter;
        return await askMeter(meter, opened, { config, clock });
      }),
    );
  } finally {
    await Promise.all(lines.map((line) => line.close()));
  }
}

async function askMeter(
  meter: MeterConfig,
  opened: EnergyMeter | undefined,
  { config, clock: monotonic }: { readonly config: StationConfig; readonly clock: MonotonicClock },
): Promise<Asked> {
  const name = `meter ${meter.id}`;
  if (opened === undefined)
    return { meter, finding: notChecked(name, 'this kind of meter cannot be asked'), openError: undefined };
  try {
    const { serial, clock } = await withinLimit(opened.identify(), monotonic);
    const shown = clock === undefined ? '' : `, its clock shows ${clock}`;
    const finding = ok(name, `answers, serial ${harmlessLine(serial)}, fits ${meter.profile}${shown}`);
    return { meter, finding, openError: undefined };
  } catch (cause) {
    const line = config.lines.find(({ id }) => id === meter.line);
    const unitId = meter.kind === 'modbus' ? meter.unitId : 0;
    const error = line === undefined || meter.kind === 'stream' ? cause : withAdvice(cause, line, unitId);
    if (!(error instanceof StationError)) throw error;
    if (error.code === 'line.open_failed')
      return { meter, finding: notChecked(name, `line ${meter.line} does not open`), openError: error };
    const advice = error.hint ?? 'Look at the frames on the wire: delmonicos meter trace.';
    const finding = found(name, 'meter.silent', `[${error.code}] ${harmlessLine(error.message)}`, advice);
    return { meter, finding, openError: undefined };
  }
}

/** Rejects with `meter.timeout` when the work takes too long; the work itself ends when its line is closed. */
async function withinLimit<T>(work: Promise<T>, clock: MonotonicClock): Promise<T> {
  const enough = new AbortController();
  const late = clock.sleep(METER_LIMIT_MS, enough.signal).then(() => {
    const limit = `${METER_LIMIT_MS / 1_000} s`;
    throw new MeterError('meter.timeout', `nothing that makes sense came within ${limit}`);
  });
  return await Promise.race([work, late]).finally(() => {
    late.catch(() => undefined);
    enough.abort();
  });
}
