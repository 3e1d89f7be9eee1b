import { MeterError, type Exchange } from '../contract/index.ts';

export function timeoutError(line: string, { peer, responseTimeoutMs }: Exchange<unknown>): MeterError {
  return new MeterError(
    'meter.timeout',
    `no answer from ${peer} on line ${line} within ${responseTimeoutMs} ms`,
    {
      details: { line, peer, responseTimeoutMs },
    },
  );
}

export function badFrame(line: string, { peer }: Exchange<unknown>, seen: string): MeterError {
  return new MeterError('meter.bad_frame', `no valid answer from ${peer} on line ${line}: ${seen}`, {
    details: { line, peer, seen },
  });
}

export function closedError(line: string, reason: string): MeterError {
  return new MeterError('line.closed', `line ${line} was ${reason}`, { details: { line, reason } });
}

export function asMeterError(error: unknown): MeterError {
  if (error instanceof MeterError) return error;
  return new MeterError('line.closed', `line failed: ${String(error)}`, { cause: error });
}

export function quarantinedError(
  line: string,
  { peer }: Exchange<unknown>,
  leftAloneForMs: number,
): MeterError {
  const retryInMs = Math.round(leftAloneForMs);
  return new MeterError('meter.quarantined', `${peer} on line ${line} is left alone for ${retryInMs} ms`, {
    details: { line, peer, retryInMs },
  });
}

export function queueFullError(line: string, queueCapacity: number): MeterError {
  return new MeterError('line.queue_full', `${queueCapacity} requests wait for line ${line} already`, {
    remedy: 'degrade',
    details: { line, queueCapacity },
  });
}
