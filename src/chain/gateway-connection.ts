import { connect, type Socket } from 'node:net';
import { ChainError } from './errors.ts';
import type { GatewayBody } from './gateway-body.ts';
import { startFailed } from './gateway-child.ts';

/**
 * A gateway that somebody else starts for our connection, systemd as a rule: under another user, with bounds of its own. Its
 * life is the connection. To end it is to close that: it ends by itself then, also when its main thread spins (hang-watch.ts),
 * and where it does not its unit sees to it.
 */
export class GatewayConnection implements GatewayBody {
  readonly pid = undefined;
  readonly channel: Socket;
  #isConnected = false;
  #cause: NodeJS.ErrnoException | undefined;

  constructor(path: string) {
    this.channel = connect(path);
    this.channel.once('connect', () => (this.#isConnected = true));
    this.channel.on('error', (cause) => (this.#cause = cause));
    this.#path = path;
  }
  readonly #path: string;

  /** Of another user's process nothing can be known; its unit bounds it (MemoryMax=). */
  residentBytes(): undefined {
    return undefined;
  }

  readOn(): void {}

  onEnd(tell: (reason: ChainError) => void): void {
    this.channel.once('close', () => tell(this.#isConnected ? this.#wasClosed() : this.#notReached()));
  }

  end(): void {
    this.channel.destroy();
  }

  async gone(): Promise<void> {
    if (this.channel.closed) return;
    await new Promise((resolve) => this.channel.once('close', resolve));
  }

  #wasClosed(): ChainError {
    return new ChainError('chain.gateway_exited', 'the chain gateway has closed its connection', {
      effect: 'unknown',
      details: { socket: this.#path },
      cause: this.#cause,
      hint: 'journalctl -u "delmonicos-gateway@*" tells why it ended.',
    });
  }

  #notReached(): ChainError {
    const why = this.#cause?.code ?? this.#cause?.message ?? 'not connected';
    return startFailed(
      `no connection to ${this.#path}: ${why}`,
      this.#cause,
      'systemctl status delmonicos-gateway.socket: it must run, and its SocketUser= must be the user of this service.',
    );
  }
}
