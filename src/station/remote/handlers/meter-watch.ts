import { RemoteError } from '../../../remote/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { configuredMeter } from './configured-meter.ts';

/** From now on each sample of that meter is published; returns until when, on the monotonic clock. Undefined: there is no telemetry. */
export type Watch = (forMs: number, meter: string) => number | undefined;

/** Each sample of one meter for a while, also where the day's budget puts readings together: at the cost of the operators' share of it. */
export function meterWatch(parts: Pick<RemoteParts, 'reading'>, watch: Watch): Handler<'meter watch'> {
  return async ({ meter, forMs }) => {
    configuredMeter(parts, meter);
    const untilMonoMs = watch(forMs, meter);
    if (untilMonoMs === undefined) throw new RemoteError('remote.unavailable', 'there is no telemetry');
    return { meter, untilMs: Math.floor(untilMonoMs), forMs };
  };
}
