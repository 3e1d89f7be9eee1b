// The link itself: both directions, the connections on it, and what they have carried.
import type { Socket } from 'node:net';
import { checkLink, type ConnectionBytes, type Link, type LinkBytes, OPEN_LINK } from './link.ts';
import { Line } from './line.ts';
import { breakOff } from './break-off.ts';
import { seededRandom } from './seeded-random.ts';

const CONNECTIONS_KEPT = 256;
/** What the modem takes from a sender before it makes it wait: this much time on the line, within bounds. */
const BUFFERED_MS = 1_000;
const LEAST_BUFFERED_BYTES = 16 * 1024;
const MOST_BUFFERED_BYTES = 1024 * 1024;
const SEED = { up: 1, down: 2 };

type Direction = 'up' | 'down';

interface Pipe {
  readonly id: number;
  readonly to: string;
  readonly client: Socket;
  readonly server: Socket;
  readonly carried: { up: number; down: number };
}

export class SharedLink {
  readonly #lines: Readonly<Record<Direction, Line<Pipe>>>;
  readonly #timers: Record<Direction, NodeJS.Timeout | undefined> = { up: undefined, down: undefined };
  readonly #open = new Map<number, Pipe>();
  readonly #ended: ConnectionBytes[] = [];
  readonly #total = { up: 0, down: 0 };
  #link: Link;
  #lastId = 0;

  /** @throws DevnetError `devnet.bad_input` */
  constructor(link: Partial<Link> = {}) {
    checkLink(link);
    this.#link = { ...OPEN_LINK, ...link };
    this.#lines = {
      up: new Line(this.#link, seededRandom(SEED.up)),
      down: new Line(this.#link, seededRandom(SEED.down)),
    };
  }

  get link(): Link {
    return this.#link;
  }

  /** @throws DevnetError `devnet.bad_input` */
  set(link: Partial<Link>): void {
    checkLink(link);
    this.#link = { ...this.#link, ...link };
    for (const direction of ['up', 'down'] as const) {
      this.#lines[direction].reshape(this.#link, performance.now());
      this.#advance(direction);
    }
  }

  bytes(): LinkBytes {
    const open = [...this.#open.values()].map((pipe) => describe(pipe, true));
    const repeated = this.#lines.up.repeated + this.#lines.down.repeated;
    const connections = [...this.#ended, ...open].sort((a, b) => a.id - b.id).slice(-CONNECTIONS_KEPT);
    return { ...this.#total, repeated, connections };
  }

  /** Carries what two sockets say to each other, until both have ended or one of them breaks. */
  join(client: Socket, server: Socket, to: string): void {
    const pipe: Pipe = { id: ++this.#lastId, to, client, server, carried: { up: 0, down: 0 } };
    this.#open.set(pipe.id, pipe);
    this.#listen(pipe, 'up');
    this.#listen(pipe, 'down');
  }

  #listen(pipe: Pipe, direction: Direction): void {
    const { source, target } = endsOf(pipe, direction);
    const put = (payload: Uint8Array) => {
      this.#lines[direction].put(pipe, payload, performance.now());
      this.#advance(direction);
      if (this.#isFull(pipe, direction)) source.pause();
    };
    source.on('data', (data: Buffer) => put(data));
    source.on('end', () => put(new Uint8Array(0)));
    source.on('error', () => this.#reset(pipe));
    source.on('close', () => this.#closed(pipe, source));
    target.on('drain', () => this.#resume(pipe, direction));
  }

  #isFull(pipe: Pipe, direction: Direction): boolean {
    const { bitsPerSecond, delayMs } = this.#link;
    const most = bitsPerSecond === null ? Infinity : (bitsPerSecond / 8_000) * (2 * delayMs + BUFFERED_MS);
    const limit = Math.min(MOST_BUFFERED_BYTES, Math.max(LEAST_BUFFERED_BYTES, most));
    const { target } = endsOf(pipe, direction);
    return this.#lines[direction].held(pipe) + target.writableLength > limit;
  }

  #resume(pipe: Pipe, direction: Direction): void {
    const { source } = endsOf(pipe, direction);
    if (source.isPaused() && !this.#isFull(pipe, direction)) source.resume();
  }

  #advance(direction: Direction): void {
    clearTimeout(this.#timers[direction]);
    const now = performance.now();
    const { deliveries, nextAt } = this.#lines[direction].advance(now);
    for (const { lane, payload } of deliveries) this.#deliver(lane, direction, payload);
    if (nextAt === undefined) return;
    this.#timers[direction] = setTimeout(() => this.#advance(direction), Math.max(1, nextAt - now));
    this.#timers[direction].unref();
  }

  #deliver(pipe: Pipe, direction: Direction, payload: Uint8Array): void {
    if (!this.#open.has(pipe.id)) return;
    const { target } = endsOf(pipe, direction);
    if (payload.length === 0) {
      target.end();
      return;
    }
    const { cutAfterBytes } = this.#link;
    const left = cutAfterBytes === null ? Infinity : cutAfterBytes - pipe.carried.up - pipe.carried.down;
    const through = payload.subarray(0, Math.max(0, left));
    pipe.carried[direction] += through.length;
    this.#total[direction] += through.length;
    if (left > payload.length) {
      target.write(through);
      this.#resume(pipe, direction);
      return;
    }
    // What was let through is to arrive before the connection breaks.
    this.#forget(pipe);
    target.write(through, () => this.#reset(pipe));
  }

  #reset(pipe: Pipe): void {
    this.#forget(pipe);
    breakOff(pipe.client);
    breakOff(pipe.server);
  }

  /** One that closed before its end takes the other one along. */
  #closed(pipe: Pipe, source: Socket): void {
    if (!source.readableEnded) this.#reset(pipe);
    else if (pipe.client.destroyed && pipe.server.destroyed) this.#forget(pipe);
  }

  #forget(pipe: Pipe): void {
    if (!this.#open.delete(pipe.id)) return;
    this.#lines.up.drop(pipe);
    this.#lines.down.drop(pipe);
    this.#ended.push(describe(pipe, false));
    if (this.#ended.length > CONNECTIONS_KEPT) this.#ended.shift();
  }
}

function endsOf(pipe: Pipe, direction: Direction): { source: Socket; target: Socket } {
  return direction === 'up'
    ? { source: pipe.client, target: pipe.server }
    : { source: pipe.server, target: pipe.client };
}

function describe({ id, to, carried }: Pipe, open: boolean): ConnectionBytes {
  const { up, down } = carried;
  return { id, to, up, down, open };
}
