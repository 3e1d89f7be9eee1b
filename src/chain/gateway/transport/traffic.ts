import net from 'node:net';

/** Bytes that crossed this process's client sockets, TLS included, TCP and IP headers not. */
export interface Traffic {
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Counts of a handle or a socket: undefined where Node does not say. */
interface Counts {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** TLSSocket counts plain text; the handle below its TLS layer counts what is on the wire. Not public, so not relied on. */
type LayeredSocket = net.Socket & { readonly _handle?: (Counts & { readonly _parent?: Counts }) | null };

let counting: (() => Traffic) | undefined;
let fastestGreetingMs: number | undefined;

/**
 * The shortest time from a socket's start to the first bytes that it received: a round trip or two, as fine as the counts
 * are read often. Undefined: none has received any.
 */
export function greetingMs(): number | undefined {
  return fastestGreetingMs;
}

/**
 * Counts from the first call on what every socket that this process connects reads and writes, and answers how much it was. The
 * `net.client.socket` diagnostics channel would be the polite way, but in Node 20 it says nothing of TLS sockets.
 */
export function countTraffic(): () => Traffic {
  return (counting ??= startCounting());
}

function startCounting(): () => Traffic {
  const meters = new Map<net.Socket, SocketMeter>();
  let ended: Traffic = { bytesIn: 0, bytesOut: 0 };
  const connect = Object.getOwnPropertyDescriptor(net.Socket.prototype, 'connect')?.value as (
    this: net.Socket,
    ...args: unknown[]
  ) => net.Socket;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
    if (!meters.has(this)) {
      const meter = new SocketMeter(this);
      meters.set(this, meter);
      this.once('close', () => {
        ended = sum(ended, meter.read());
        meters.delete(this);
      });
    }
    return connect.apply(this, args);
  };
  return () => [...meters.values()].reduce((total, meter) => sum(total, meter.read()), ended);
}

/** A socket's counts only grow: when a socket closes, the handle that knew the wire is gone. */
class SocketMeter {
  readonly #socket: LayeredSocket;
  readonly #startedMs = monotonicMs();
  #seen: Traffic = { bytesIn: 0, bytesOut: 0 };

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  read(): Traffic {
    const wire = this.#socket._handle?._parent;
    const wasSilent = this.#seen.bytesIn === 0;
    this.#seen = {
      bytesIn: Math.max(this.#seen.bytesIn, this.#socket.bytesRead, wire?.bytesRead ?? 0),
      bytesOut: Math.max(this.#seen.bytesOut, this.#socket.bytesWritten, wire?.bytesWritten ?? 0),
    };
    if (wasSilent && this.#seen.bytesIn > 0) this.#greeted();
    return this.#seen;
  }

  #greeted(): void {
    const ms = monotonicMs() - this.#startedMs;
    fastestGreetingMs = Math.min(fastestGreetingMs ?? ms, ms);
  }
}

function sum(a: Traffic, b: Traffic): Traffic {
  return { bytesIn: a.bytesIn + b.bytesIn, bytesOut: a.bytesOut + b.bytesOut };
}

/** Not `performance.now()`, which is slower at times (PatientClock). */
function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
