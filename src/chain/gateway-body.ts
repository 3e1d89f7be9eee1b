import type { Duplex } from 'node:stream';
import type { ChainError } from './errors.ts';

/** A gateway that was started, whichever way: what it takes to talk to it, to watch it and to end it. */
export interface GatewayBody {
  readonly channel: Duplex;
  /** Undefined: it is no child of this process, which then knows its number from nobody but itself. */
  readonly pid: number | undefined;
  /** Resident memory in bytes as the kernel counts it; undefined: that cannot be looked up from here. */
  residentBytes(): number | undefined;
  /** Called about once a second: output that was held back may go on. */
  readOn(): void;
  /** `tell` hears once why it has ended, also when that was `end`. */
  onEnd(tell: (reason: ChainError) => void): void;
  /** Ends it at once, whatever it is doing. */
  end(): void;
  /** Resolves when nothing of it is left that this process could wait for. */
  gone(): Promise<void>;
}

/** A socket behind which something starts a gateway for each connection (systemd.socket(5) with Accept=yes). */
export interface GatewaySocket {
  readonly socket: string;
}

/** Where a gateway comes from: its program, dist/gateway.js, which is started as a child; or such a socket. */
export type GatewayPlace = URL | string | GatewaySocket;
