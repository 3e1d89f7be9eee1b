import type { ReadRequest } from './pdu.ts';
import type { TracedFrame } from './frame-trace.ts';

/** A traced frame as JSON: what `meter trace --json` prints, and what is answered to whoever asks from afar. Times in ms, to tenths. */
export interface FrameDocument {
  /** Since the trace began. */
  readonly atMs: number;
  readonly direction: 'out' | 'in';
  readonly hex: string;
  readonly unit: number | null;
  readonly function: 3 | 4 | null;
  readonly registerAddress: number | null;
  readonly registerCount: number | null;
  readonly afterMs?: number;
  readonly values?: Readonly<Record<string, string>>;
  readonly problem?: string;
}

/** Pure. @param beganAtMonoMs when the trace began */
export function frameDocument(frame: TracedFrame, beganAtMonoMs: number): FrameDocument {
  const { direction, atMonoMs, bytes, request, afterMs, values, problem } = frame;
  return {
    atMs: tenths(atMonoMs - beganAtMonoMs),
    direction,
    hex: Buffer.from(bytes).toString('hex'),
    unit: request?.unitId ?? null,
    function: request === undefined ? null : functionOf(request),
    registerAddress: request?.registerAddress ?? null,
    registerCount: request?.registerCount ?? null,
    ...(afterMs !== undefined && { afterMs: tenths(afterMs) }),
    ...(values !== undefined && { values }),
    ...(problem !== undefined && { problem }),
  };
}

/** Function code of a read (Modbus Application Protocol V1.1b3 §6.3, §6.4). */
function functionOf({ table }: ReadRequest): 3 | 4 {
  return table === 'holding' ? 3 : 4;
}

function tenths(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
