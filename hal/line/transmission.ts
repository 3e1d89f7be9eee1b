import { MeterError, type MonotonicClock } from '../contract/index.ts';
import type { Connection } from './connection.ts';
import { closedError } from './errors.ts';

/** A write that takes longer than its bytes need by this much will not end: the device hangs. */
const WRITE_GRACE_MS = 2_000;

export interface Transmitting {
  readonly lineId: string;
  readonly connection: Connection;
  readonly clock: MonotonicClock;
  readonly msPerByte: number;
}

/**
 * Hands the request to the device; resolves with the time at which its last byte leaves.
 * @throws MeterError `line.closed` when the device takes no bytes or is gone.
 */
export async function transmit(request: Uint8Array, line: Transmitting): Promise<number> {
  const { connection, clock, lineId } = line;
  const onWireMs = request.length * line.msPerByte;
  const limitMs = onWireMs + WRITE_GRACE_MS;
  const alarm = new AbortController();
  const stuck = clock.sleep(limitMs, alarm.signal).then(
    () => 'stuck' as const,
    () => 'written' as const,
  );
  const written = orLost(connection.write(request), line).then(() => 'written' as const);
  const outcome = await Promise.race([written, stuck]).finally(() => alarm.abort());
  if (outcome === 'stuck') {
    written.catch(() => {});
    await connection.drop(new Error('the device takes no bytes'));
    throw closedError(lineId, `the device took no bytes for ${limitMs} ms`);
  }
  return clock.nowMonoMs() + onWireMs;
}

/** What the device reports while it is used means that it is gone. @throws MeterError `line.closed` */
export async function orLost<T>(work: Promise<T>, { connection, lineId }: Transmitting): Promise<T> {
  const { generation } = connection;
  try {
    return await work;
  } catch (cause) {
    // It may have taken so long to fail that the line has a new device by now.
    if (generation === connection.generation) await connection.drop(cause);
    throw new MeterError('line.closed', `line ${lineId} was lost: ${String(cause)}`, {
      cause,
      details: { line: lineId, reason: 'lost' },
    });
  }
}
