import type { Command } from 'commander';
import {
  silentLog,
  StationError,
  type EnergyMeter,
  type MonotonicClock,
} from '../../../hal/contract/index.ts';
import type { TracedFrame } from '../../../hal/driver/modbus/index.ts';
import type { LineTraceEvent } from '../../../hal/line/index.ts';
import { duration } from '../duration-option.ts';
import { withAdvice } from './meter-advice.ts';
import { addLineOptions, lineOptionsOf, unitOption, type LineArguments } from './meter-line-options.ts';
import { findProfile } from './meter-profile.ts';
import { ExitCode, harmlessLine, note, print, printJson } from '../output.ts';
import { untilInterrupted } from '../until-interrupted.ts';

interface TraceOptions extends LineArguments {
  readonly profile: string;
  readonly unit?: number;
  readonly for: number;
  readonly json?: true;
}

/** From the end of one sample to the beginning of the next: time to read along. */
const PAUSE_MS = 1_000;

export function registerMeterTrace(meter: Command): void {
  const trace = meter
    .command('trace')
    .description('reads a meter and shows every frame on the wire, decoded, with timings')
    .requiredOption('--profile <name>', 'meter model, or a profile file ending in .yaml')
    .addOption(unitOption())
    .option('--for <duration>', 'how long, such as 500ms, 10s, 5m', duration, 10_000)
    .option('--json', 'one JSON document a line: a frame, the state of the line, or an error')
    .action(traceMeter);
  addLineOptions(trace);
}

async function traceMeter(options: TraceOptions): Promise<void> {
  const profile = await findProfile(options.profile);
  const lineOptions = lineOptionsOf(options, profile);
  const unitId = options.unit ?? profile.link.unitId;
  const [{ openLine, LineTap, lineStateDocument }, modbus, { systemMonotonicClock: clock }] =
    await Promise.all([
      import('../../../hal/line/index.ts'),
      import('../../../hal/driver/modbus/index.ts'),
      import('../../service/index.ts'),
    ]);
  const { createModbusMeter, FrameTrace, frameDocument, framingOf } = modbus;
  const beganAt = clock.nowMonoMs();
  const frames = new FrameTrace(profile, framingOf(lineOptions.kind));
  const show = options.json === true ? jsonShow({ frameDocument, lineStateDocument }) : showText;
  const onTrace = (event: LineTraceEvent): void => {
    if (event.kind === 'opened' || event.kind === 'closed') return show.line(event, beganAt);
    const direction = event.kind === 'sent' ? 'out' : 'in';
    for (const frame of frames.push({ ...event, direction })) show.frame(frame, beganAt);
  };
  const tap = new LineTap(clock);
  tap.listen(onTrace);
  const line = openLine(lineOptions, { clock, log: silentLog, tap });
  const id = `${lineOptions.id}/${unitId}`;
  const meter = createModbusMeter({ id, line, unitId, profile, withoutSerial: 'accept' });
  const until = { interrupted: untilInterrupted(), atMonoMs: beganAt + options.for, clock };
  const onError = (error: unknown): void =>
    show.error(withAdvice(error, lineOptions, unitId), beganAt, clock);
  const good = await readUntil(meter, until, onError);
  for (const frame of frames.end(clock.nowMonoMs())) show.frame(frame, beganAt);
  await line.close();
  if (good === 0) process.exitCode = ExitCode.bad;
}

interface Until {
  readonly interrupted: AbortSignal;
  readonly atMonoMs: number;
  readonly clock: MonotonicClock;
}

/** Who it is, then one sample after the other. @returns how many of them were good */
async function readUntil(
  meter: EnergyMeter,
  until: Until,
  onError: (error: unknown) => void,
): Promise<number> {
  const { interrupted, atMonoMs, clock } = until;
  let good = 0;
  try {
    await meter.identify();
  } catch (error) {
    onError(error);
  }
  do {
    try {
      await meter.readSample('diagnostic');
      good++;
    } catch (error) {
      onError(error);
    }
    const left = atMonoMs - clock.nowMonoMs();
    await clock.sleep(Math.max(0, Math.min(PAUSE_MS, left)), interrupted).catch(() => undefined);
  } while (!interrupted.aborted && clock.nowMonoMs() < atMonoMs);
  return good;
}

type LineState = Extract<LineTraceEvent, { kind: 'opened' | 'closed' }>;

interface Documents {
  readonly frameDocument: typeof import('../../../hal/driver/modbus/index.ts').frameDocument;
  readonly lineStateDocument: typeof import('../../../hal/line/index.ts').lineStateDocument;
}

interface Show {
  frame(frame: TracedFrame, beganAt: number): void;
  line(event: LineState, beganAt: number): void;
  error(error: unknown, beganAt: number, clock: MonotonicClock): void;
}

/** @param documents of the rooms that are loaded when a trace begins */
function jsonShow({ frameDocument, lineStateDocument }: Documents): Show {
  return {
    frame: (frame, beganAt) => printJson(frameDocument(frame, beganAt)),
    line: (event, beganAt) => printJson(lineStateDocument(event, beganAt)),
    error(error, beganAt, clock) {
      if (!(error instanceof StationError)) throw error;
      const { code, message, hint } = error;
      const atMs = Math.round((clock.nowMonoMs() - beganAt) * 10) / 10;
      printJson({ atMs, error: { code, message, hint: hint ?? null } });
    },
  };
}

const showText: Show = {
  frame({ direction, atMonoMs, bytes, request, afterMs, values, problem }, beganAt) {
    const hex = Buffer.from(bytes)
      .toString('hex')
      .replace(/..(?=.)/g, '$& ');
    print(`${timeOf(atMonoMs - beganAt)}  ${direction === 'out' ? '->' : '<-'} ${hex || '(nothing)'}`);
    if (direction === 'out' && request !== undefined) {
      const { unitId, table, registerAddress, registerCount } = request;
      const last = registerAddress + registerCount - 1;
      const code = table === 'holding' ? 3 : 4;
      detail(`unit ${unitId}, function ${code}: ${table} registers ${registerAddress} to ${last}`);
    }
    if (afterMs !== undefined) detail(`after ${afterMs.toFixed(1)} ms`);
    if (problem !== undefined) detail(`! ${problem}`);
    for (const [name, value] of Object.entries(values ?? {})) detail(`${name} = ${harmlessLine(value)}`);
  },
  line({ kind, atMonoMs, ...rest }, beganAt) {
    const cause = 'cause' in rest && rest.cause !== undefined ? `: ${rest.cause}` : '';
    print(`${timeOf(atMonoMs - beganAt)}  line ${kind}${cause}`);
  },
  error(error, beganAt, clock) {
    if (!(error instanceof StationError)) throw error;
    print(`${timeOf(clock.nowMonoMs() - beganAt)}  ! [${error.code}] ${error.message}`);
    if (error.hint !== undefined) note(`hint: ${error.hint}`);
  },
};

function detail(text: string): void {
  print(`${' '.repeat(13)}${text}`);
}

function timeOf(durationMs: number): string {
  return `${durationMs.toFixed(1)} ms`.padStart(11);
}
