import type { LineKind, Reception } from '../../contract/index.ts';
import { mbapFraming } from './mbap-framing.ts';
import type { ReadAnswer, ReadRequest } from './pdu.ts';
import { rtuFraming } from './rtu-framing.ts';

/** What the bytes are, before anybody asks what an exception means. */
export type Framed = Exclude<Reception<ReadAnswer>, { kind: 'unreachable' }>;

/** How a request and its answer stand on the wire. */
export interface Framing {
  encode(request: ReadRequest, sequence: number): Uint8Array;
  receive(received: Uint8Array, request: ReadRequest, sequence: number): Framed;
  /** Length of the answer when the request is granted. */
  answerBytes(request: ReadRequest): number;
  /** What an answer shows of its request, apart from a transaction id. */
  answerKey(request: ReadRequest): string;
  /** Whether answers carry a transaction id, so that copies and late ones are recognised. */
  readonly namesTransaction: boolean;
}

export type FramingName = 'rtu' | 'mbap';

export const FRAMINGS: Readonly<Record<FramingName, Framing>> = { rtu: rtuFraming, mbap: mbapFraming };

/** Modbus TCP has a header of its own; serial lines and transparent gateways carry RTU frames. */
export function framingOf(kind: LineKind): FramingName {
  return kind === 'tcp' ? 'mbap' : 'rtu';
}
