import type { Line, Log, MonotonicClock, Parity } from '../contract/index.ts';
import type { OpenChannel } from './channel.ts';
import { REOPEN_LIMITS } from './connection.ts';
import { LineActor, type LineLimits, type LineParts } from './line-actor.ts';
import { NETWORK_PACE, serialPace } from './pacing.ts';
import { PEER_LIMITS } from './peer.ts';
import type { SerialSettings } from './serial-channel.ts';
import { tcpChannel } from './tcp-channel.ts';
import { traced, type LineTap } from './trace.ts';

export type LineOptions = SerialLineOptions | TcpLineOptions;

export interface SerialLineOptions {
  readonly id: string;
  readonly kind: 'serial';
  /** Device, such as `/dev/ttyS1`. */
  readonly path: string;
  readonly baudRate: number;
  readonly parity: Parity;
  readonly dataBits?: 7 | 8;
  readonly stopBits?: 1 | 2;
  readonly limits?: Partial<LineLimits>;
}

export interface TcpLineOptions {
  readonly id: string;
  /** `tcp`: Modbus TCP; `rtuOverTcp`: a gateway that hands serial bytes through as they are. */
  readonly kind: 'tcp' | 'rtuOverTcp';
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs?: number;
  readonly limits?: Partial<LineLimits>;
}

export type { LineLimits } from './line-actor.ts';
export { LineTap, type LineTraceEvent, type TraceListener } from './trace.ts';
export { lineStateDocument, type LineStateDocument } from './trace-document.ts';
export { openListeningLine, type ListeningLineOptions } from './listening-line.ts';

/** A gateway on a mobile link connects within this time; a meter cabinet's switch within a tenth of it. */
const CONNECT_TIMEOUT_MS = 3_000;

const LIMITS: LineLimits = {
  // A station has tens of meters with a handful of requests each; more waiting means that the line is far too slow.
  queueCapacity: 256,
  lateWindowMs: 1_000,
  silenceMs: 60,
  peer: PEER_LIMITS,
  reopen: REOPEN_LIMITS,
};

/**
 * A line that opens its device when it is first used and again whenever it was lost. Never throws: while the device is
 * absent, exchanges reject with `line.open_failed`.
 */
export function openLine(
  options: LineOptions,
  ports: { clock: MonotonicClock; log: Log; tap?: LineTap },
): Line {
  const { clock, log, tap } = ports;
  const listened = (open: OpenChannel): OpenChannel => (tap === undefined ? open : traced(open, tap));
  const limits = { ...LIMITS, ...options.limits };
  const parts: Omit<LineParts, 'pace' | 'open'> = { id: options.id, kind: options.kind, limits, clock, log };
  if (options.kind === 'serial') {
    const { path, baudRate, parity, dataBits = 8, stopBits = 1 } = options;
    const pace = serialPace(baudRate, dataBits, parity, stopBits);
    return new LineActor({
      ...parts,
      pace,
      open: listened(lazySerialChannel({ path, baudRate, parity, dataBits, stopBits })),
    });
  }
  const { host, port, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const open = listened(tcpChannel({ host, port, connectTimeoutMs }));
  return new LineActor({ ...parts, pace: NETWORK_PACE, open });
}

/** Loads the native addon when a port is opened: a station on TCP never does. */
function lazySerialChannel(settings: SerialSettings): OpenChannel {
  return async (events, signal) => {
    const { serialChannel } = await import('./serial-channel.ts');
    return serialChannel(settings)(events, signal);
  };
}
