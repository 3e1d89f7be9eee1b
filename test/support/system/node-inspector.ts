import { WebSocket } from 'ws';
import type { ServiceProcess } from '../product.ts';

/** A debugger on a running service that was started with `--inspect=127.0.0.1:0`: holds its event loop up, honestly. */
export class NodeInspector {
  readonly #socket: WebSocket;
  readonly #heard = new Set<string>();
  #waiting: (() => void)[] = [];
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (bytes: Buffer) => {
      const { method, id } = JSON.parse(bytes.toString()) as { method?: string; id?: number };
      this.#heard.add(method ?? `answer ${id}`);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Reads from the service's log where it listens. */
  static async attach(service: ServiceProcess): Promise<NodeInspector> {
    const url = service.log.map((line) => /ws:\/\/\S+/.exec(line)?.[0]).find((found) => found !== undefined);
    if (url === undefined) throw new Error('the service was not started with --inspect');
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new NodeInspector(socket);
  }

  async ask(method: string, params: object = {}): Promise<void> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    await this.until(`answer ${id}`);
  }

  async until(heard: string): Promise<void> {
    while (!this.#heard.has(heard)) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  close(): void {
    this.#socket.terminate();
  }
}
