import type { MonotonicClock } from '../../hal/contract/index.ts';
import type { TelemetryLimits } from './limits.ts';
import type { OutgoingMessage } from './outgoing/outgoing-message.ts';
import { type OutgoingTraffic, packetBytes } from './outgoing/outgoing-traffic.ts';
import type { BrokerConnection } from './session/mqtt-connection.ts';

export interface PumpParts {
  readonly traffic: OutgoingTraffic;
  readonly limits: Pick<TelemetryLimits, 'maxInFlight'>;
  readonly clock: MonotonicClock;
  readonly connection: () => BrokerConnection | undefined;
  /** What the sockets have counted, with headers. */
  readonly wireBytes: () => number;
  /** Larger than the broker takes. */
  readonly unsendable: (topic: string, bytes: number) => void;
  readonly refused: (topic: string, reasonCode: number) => void;
  /** Something was, or may have been, spent. */
  readonly spent: () => void;
}

/** How soon it is looked whether the budget allows what it held back. */
const HELD_BACK_MS = 2_000;

/** Moves what may go to the session that there is, as fast as it is acknowledged. */
export class MessagePump {
  readonly #parts: PumpParts;
  readonly #stopping = new AbortController();
  #pumping = false;
  /** Somebody will pump before long. */
  #waiting = false;
  #settled: () => void = () => {};

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  /** Sends while the window is open and the budget allows it. Acknowledgements call it again. */
  pump(): void {
    const { traffic, limits, clock } = this.#parts;
    const connection = this.#parts.connection();
    if (connection === undefined || this.#pumping) return;
    this.#pumping = true; // a message may be settled before publish returns
    try {
      this.balanceBooks();
      const window = Math.min(limits.maxInFlight, connection.accepts.inFlight);
      while (this.#parts.connection() === connection && traffic.queue.figures().inFlight < window) {
        const message = traffic.take(clock.nowMonoMs());
        if (message === undefined) break;
        this.#send(connection, message);
      }
    } finally {
      this.#pumping = false; // one message that cannot be made must not silence all that come after it
    }
    this.#parts.spent();
    this.#pumpAgain();
  }

  /** What was spent is what the sockets say, and not what it was thought to be. */
  balanceBooks(): void {
    const { traffic, wireBytes, clock } = this.#parts;
    traffic.balanceBooks(wireBytes(), clock.nowMonoMs());
  }

  connectionLost(): void {
    this.#parts.traffic.connectionLost();
    this.#settled();
  }

  /** Sends what may go; resolves when that is delivered, the connection is gone, or the signal says so. */
  async drain(signal: AbortSignal): Promise<void> {
    this.pump();
    while (this.#parts.connection() !== undefined && !signal.aborted && !this.isDrained()) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#settled = () => {};
  }

  isDrained(): boolean {
    const { traffic, clock } = this.#parts;
    return !traffic.isSendable(clock.nowMonoMs());
  }

  /** Nothing is looked at again by itself. */
  stop(): void {
    this.#stopping.abort();
  }

  /** What the budget holds back is looked at again, whether anybody publishes meanwhile or not. */
  #pumpAgain(): void {
    const { traffic, clock } = this.#parts;
    if (this.#waiting || traffic.heldBack(clock.nowMonoMs()).length === 0) return;
    this.#waiting = true;
    clock.sleep(HELD_BACK_MS, this.#stopping.signal).then(
      () => {
        this.#waiting = false;
        this.pump();
      },
      () => {},
    );
  }

  #send(connection: BrokerConnection, message: OutgoingMessage): void {
    const { traffic, clock, unsendable, refused } = this.#parts;
    const { accepts } = connection;
    const { topic, payload, properties, expiresAtMonoMs, lifetimeMs } = message;
    const size = packetBytes(message);
    if (size > accepts.packetBytes) {
      traffic.queue.settle(message.id, 'refused');
      unsendable(topic, size);
      return;
    }
    const expiresInMs = lifetimeMs ?? (expiresAtMonoMs ?? Infinity) - clock.nowMonoMs();
    const request = {
      ...{ topic, payload },
      qos: accepts.qos1 ? (1 as const) : (0 as const),
      retain: message.kind === 'state' && accepts.retain,
      ...(expiresInMs < Infinity && { expirySeconds: Math.max(1, Math.ceil(expiresInMs / 1000)) }),
      ...(properties && { properties }),
      isFrequent: message.kind === 'sample',
    };
    connection.publish(request, (refusedBecause) => {
      traffic.queue.settle(message.id, refusedBecause === undefined ? 'acknowledged' : 'refused');
      if (refusedBecause !== undefined) refused(topic, refusedBecause);
      this.#settled();
      this.pump();
    });
  }
}
