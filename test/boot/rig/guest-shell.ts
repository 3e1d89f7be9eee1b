import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Root in the guest, over a virtio port: the host's end of guest/agent.sh. QEMU connects to its socket. */
export class GuestShell {
  readonly #server: Server;
  readonly #waiting = new Map<number, (outcome: Outcome) => void>();
  readonly #there: Promise<void>;
  #port: Socket | undefined;
  #lastId = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.#there = new Promise((resolve) => {
      server.once('connection', (port: Socket) => {
        this.#port = port;
        port.on('error', () => port.destroy());
        createInterface({ input: port }).on('line', (line) => {
          const [id, status, stdout, stderr] = line.split(' ');
          if (id === '0') return resolve();
          const done = this.#waiting.get(Number(id));
          this.#waiting.delete(Number(id));
          done?.({ status: Number(status), stdout: decode(stdout), stderr: decode(stderr) });
        });
      });
    });
  }

  static async listen(socketPath: string): Promise<GuestShell> {
    const server = createServer();
    server.listen(socketPath);
    await once(server, 'listening');
    return new GuestShell(server);
  }

  /** Resolves when the guest is up far enough to be asked. */
  get there(): Promise<void> {
    return this.#there;
  }

  /** Runs a bash script as root. It may take as long as it wants; never resolves when the guest ends first. */
  async run(script: string): Promise<Outcome> {
    await this.#there;
    return await new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, resolve);
      this.#port?.write(`${id} ${Buffer.from(script).toString('base64')}\n`);
    });
  }

  /** What it prints, without the last line's end. Throws with what it complained of when it fails. */
  async ask(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(script);
    if (status !== 0) throw new Error(`in the guest: ${script}\nended with ${status}: ${stdout}${stderr}`);
    return stdout.replace(/\n$/, '');
  }

  async close(): Promise<void> {
    this.#port?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Base64 with the agent's "-" behind it, which stands for nothing. */
function decode(text = '-'): string {
  return Buffer.from(text.slice(0, -1), 'base64').toString('utf8');
}
