import type { MeterError } from './meter-error.ts';

/** Serial meters that are not Modbus: they send telegrams by themselves, or when they are woken up. */
export const STREAM_PROTOCOLS = ['sml', 'p1', 'iec62056'] as const;
export type StreamProtocol = (typeof STREAM_PROTOCOLS)[number];

export function isStreamProtocol(text: string): text is StreamProtocol {
  return (STREAM_PROTOCOLS as readonly string[]).includes(text);
}

/**
 * A line with one meter that sends by itself: a serial port, or a TCP connection that carries the raw bytes of one. It is
 * kept open from the first `listen` on, and opened again after it was lost. It knows bytes and time, no protocol.
 */
export interface ListeningLine {
  readonly id: string;
  readonly kind: 'serial' | 'rtuOverTcp';
  /** Why nothing can be heard now; undefined while the line is open, and before it was first opened. */
  readonly trouble: MeterError | undefined;
  /** Begins to listen. A line has one listener. @throws InvariantError when it has one already. */
  listen(listener: LineListener): void;
  /** Resolves when the last bit has left a serial port. Rejects with `line.open_failed` or `line.closed`. */
  send(bytes: Uint8Array): Promise<void>;
  /** Also for when the line is opened again. Without effect over TCP, where the gateway has the port. Rejects as `send`. */
  setBaudRate(baudRate: number): Promise<void>;
  statistics(): ListeningLineStatistics;
  /** Frees the device; `onClosed` is called. */
  close(): Promise<void>;
}

export interface LineListener {
  /** Every byte once, in order. Only valid during the call. `arrivedMonoMs` is when this process had them. */
  onBytes(bytes: Uint8Array, arrivedMonoMs: number): void;
  /** The device was lost: what comes next does not continue what came before. */
  onInterrupted(): void;
  /** Nothing more will come. */
  onClosed(): void;
}

export interface ListeningLineStatistics {
  readonly id: string;
  readonly state: 'closed' | 'opening' | 'open' | 'waiting';
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** How often the device was opened. */
  readonly opened: number;
}
