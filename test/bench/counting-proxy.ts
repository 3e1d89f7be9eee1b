import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/** Bytes as TCP carries them, seen from the side that connects: without headers, acknowledgements and repeats. */
export interface Bytes {
  readonly in: number;
  readonly out: number;
}

/**
 * A port in front of another one. Counts what passes, so that nobody has to believe what a client says of itself. While it is
 * down, connections are refused and those that were open have ended.
 */
export class CountingProxy {
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #in = 0;
  #out = 0;
  readonly #chunks = { in: 0, out: 0 };

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  static async before(targetPort: number): Promise<CountingProxy> {
    const proxy = new CountingProxy(targetPort);
    await proxy.up();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get passed(): Bytes {
    return { in: this.#in, out: this.#out };
  }

  /** How often something came in each direction: as many segments at least. */
  get chunks(): Bytes {
    return { ...this.#chunks };
  }

  /** On the same port each time. */
  async up(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((near) => this.#join(near));
    this.#server = server;
    await once(server.listen(this.#port, HOST), 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server && once(server, 'close');
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near: Socket): void {
    const far = connect(this.#targetPort, HOST);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
    near.on('data', (chunk) => this.#count('out', chunk)).pipe(far);
    far.on('data', (chunk) => this.#count('in', chunk)).pipe(near);
  }

  #count(direction: 'in' | 'out', chunk: Buffer): void {
    this.#chunks[direction]++;
    if (direction === 'in') this.#in += chunk.length;
    else this.#out += chunk.length;
  }
}
