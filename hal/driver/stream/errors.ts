import { MeterError, type MeterErrorCode, type StreamProtocol } from '../../contract/index.ts';

/** Which meter an error is about. */
export interface About {
  readonly id: string;
  readonly line: { readonly id: string };
  readonly protocol: StreamProtocol;
}

/** `why` completes "meter x on line y: …". */
export function streamError(
  code: MeterErrorCode,
  { id, line, protocol }: About,
  why: string,
  details: Readonly<Record<string, unknown>> = {},
): MeterError {
  return new MeterError(code, `meter ${id} on line ${line.id}: ${why}`, {
    ...(code === 'meter.incompatible' ? { remedy: 'operator' as const } : {}),
    details: { meter: id, line: line.id, protocol, ...details },
  });
}
