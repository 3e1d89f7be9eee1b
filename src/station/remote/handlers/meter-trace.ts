import type { MonotonicClock } from '../../../../hal/contract/index.ts';
import { FrameTrace, framingOf } from '../../../../hal/driver/modbus/index.ts';
import { RemoteError } from '../../../remote/index.ts';
import { responseError } from '../command-answer.ts';
import type { Answer, Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { configuredMeter } from './configured-meter.ts';
import { LineRecord } from './line-record.ts';
import { slices } from './slices.ts';

/** What has come is sent so often. */
const PART_EVERY_MS = 1_000;
/** Longer than a Modbus meter takes to answer, or not to. */
const FOR_READING_MS = 10_000;

type Parts = Pick<RemoteParts, 'options' | 'config' | 'profiles' | 'reading'>;

/**
 * What goes over a meter's line while metering goes on, and one reading more, so that there is something to see of a meter that is
 * seldom read. Frames of other meters on the same line are counted only; a meter that is no Modbus meter is shown as the bytes that
 * came.
 */
export function meterTrace(parts: Parts): Handler<'meter trace'> {
  return async ({ meter: id, forMs }, answer) => {
    const { clock } = parts.options;
    const meter = configuredMeter(parts, id);
    const line = parts.reading.lines.find((one) => one.id === lineOf(parts, id));
    if (line === undefined) throw new RemoteError('remote.unavailable', `the line of ${id} is not open`);
    const record = new LineRecord(clock.nowMonoMs(), ownFrames(parts, id));
    const stopListening = line.tap.listen((event) => record.hear(event));
    const reading = outcomeOf(meter.readSample('diagnostic'));
    try {
      const untilMonoMs = clock.nowMonoMs() + forMs;
      await sendUntil(untilMonoMs, record, { meter: id }, { clock, answer });
      await endOf(reading, { clock, answer });
    } finally {
      stopListening();
    }
    record.end(clock.nowMonoMs());
    const rest = slices(record.take());
    for (const frames of rest.slice(0, -1)) await answer.part({ meter: id, frames });
    // A reading that is still under way says nothing yet.
    const read = await Promise.race([reading, Promise.resolve({ reading: null })]);
    return { meter: id, frames: rest.at(-1) ?? [], ...record.figures(), ...read };
  };
}

/** A reading that began in time is seen to its end, where that comes soon. */
async function endOf(
  reading: Promise<object>,
  { clock, answer }: { readonly clock: MonotonicClock; readonly answer: Answer },
): Promise<void> {
  const over = new AbortController();
  const late = clock.sleep(FOR_READING_MS, AbortSignal.any([over.signal, answer.signal])).catch(() => {});
  await Promise.race([reading, late]);
  over.abort();
  answer.signal.throwIfAborted();
}

async function sendUntil(
  untilMonoMs: number,
  record: LineRecord,
  head: { readonly meter: string },
  { clock, answer }: { readonly clock: MonotonicClock; readonly answer: Answer },
): Promise<void> {
  for (;;) {
    const leftMs = untilMonoMs - clock.nowMonoMs();
    if (leftMs <= 0) return;
    await clock.sleep(Math.min(PART_EVERY_MS, leftMs), answer.signal);
    if (clock.nowMonoMs() >= untilMonoMs) return;
    const frames = record.take();
    if (frames.length > 0) for (const some of slices(frames)) await answer.part({ ...head, frames: some });
  }
}

function lineOf({ config }: Parts, id: string): string | undefined {
  return config.meters.find((meter) => meter.id === id)?.line;
}

/** How the frames of a Modbus meter are told from those of its neighbours; undefined: the line is its own. */
function ownFrames(
  { config, profiles }: Parts,
  id: string,
): { trace: FrameTrace; unitId: number } | undefined {
  const meter = config.meters.find((one) => one.id === id);
  if (meter?.kind !== 'modbus') return undefined;
  const line = config.lines.find((one) => one.id === meter.line);
  const profile = profiles.get(meter.profile);
  if (line === undefined || profile === undefined) return undefined;
  return { trace: new FrameTrace(profile, framingOf(line.kind)), unitId: meter.unitId };
}

/** Never rejects. */
async function outcomeOf(reading: Promise<unknown>): Promise<object> {
  try {
    await reading;
    return { reading: { ok: true } };
  } catch (error) {
    return { reading: { ok: false, error: responseError(error) } };
  }
}
