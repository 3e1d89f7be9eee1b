import type { LineKind, Reception } from '../../contract/index.ts';
import { mbapFraming } from './mbap-framing.ts';
import type { ReadAnswer, ReadRequest } from './pdu.ts';
import { rtuFraming } from './rtu-framing.ts';

/** How a request and its answer stand on the wire. */
export interface Framing {
  encode(request: ReadRequest, sequence: number): Uint8Array;
  receive(received: Uint8Array, request: ReadRequest, sequence: number): Reception<ReadAnswer>;
  /** Length of the answer when the request is granted. */
  answerBytes(request: ReadRequest): number;
  /** What an answer shows of its request when it names no transaction. */
  answerKey(request: ReadRequest): string | undefined;
}

export type FramingName = 'rtu' | 'mbap';

export const FRAMINGS: Readonly<Record<FramingName, Framing>> = { rtu: rtuFraming, mbap: mbapFraming };

/** Modbus TCP has a header of its own; serial lines and transparent gateways carry RTU frames. */
export function framingOf(kind: LineKind): FramingName {
  return kind === 'tcp' ? 'mbap' : 'rtu';
}
