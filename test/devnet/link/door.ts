// A port of its own in front of a server of the network: what a client connects to, by way of the link.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { DevnetError, messageOf } from '../errors.ts';
import { breakOff } from './break-off.ts';
import { type SharedLink } from './shared-link.ts';

export interface DoorOptions {
  readonly name: string;
  readonly link: SharedLink;
  /** Where the server listens, on 127.0.0.1. */
  readonly serverPort: number;
  /** 0: any that is free. The door keeps it. */
  readonly port: number;
}

export class Door {
  readonly #options: DoorOptions;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #server: Server | undefined;
  #resets = false;

  private constructor(options: DoorOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  /** @throws DevnetError `devnet.bad_input` when the port is taken */
  static async open(options: DoorOptions): Promise<Door> {
    const door = new Door(options);
    await door.open();
    return door;
  }

  get port(): number {
    return this.#port;
  }

  get isOpen(): boolean {
    return this.#server !== undefined;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** While it resets, connections are accepted and end at once; those that are open end with the call. */
  set resets(resets: boolean) {
    this.#resets = resets;
    if (resets) this.#resetAll();
  }

  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
    server.listen(this.#port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch (cause) {
      throw new DevnetError(
        'devnet.bad_input',
        `cannot listen on port ${this.#port}: ${messageOf(cause)}`,
        cause,
      );
    }
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Whoever is connected is reset. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    this.#resetAll();
    await closed;
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#resets || this.#server === undefined) {
      breakOff(client);
      return;
    }
    this.#sockets.add(client);
    const { link, name, serverPort } = this.#options;
    const server = connect({ port: serverPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    server.on('error', () => undefined);
    client.on('close', () => this.#sockets.delete(client));
    link.join(client, server, name);
  }

  #resetAll(): void {
    for (const socket of this.#sockets) breakOff(socket);
  }
}
