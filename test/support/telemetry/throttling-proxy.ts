import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What becomes of bytes on the way: all of them at once, so many a second, none for now; or nobody gets through. */
export type LinkState = { readonly bytesPerSecond: number } | 'open' | 'stalled' | 'refused';

export interface ThrottlingProxy {
  readonly port: number;
  set(state: LinkState): void;
  /** Breaks every connection without a word. */
  cut(): void;
  connections(): number;
  stop(): Promise<void>;
}

/** Slices of time in which a slow link hands on its share. */
const SLICE_MS = 100;

/** A TCP link that is as bad as a test wants it to be. It takes from a side only what it could hand on: windows shut, as on a real one. */
export async function startThrottlingProxy(target: () => number): Promise<ThrottlingProxy> {
  let state: LinkState = 'open';
  let connections = 0;
  const pairs = new Set<readonly [net.Socket, net.Socket]>();

  async function pump(from: net.Socket, to: net.Socket): Promise<void> {
    for await (const chunk of from as AsyncIterable<Buffer>) {
      for (let left = chunk; left.length > 0 && !to.destroyed;) {
        while (state === 'stalled' && !to.destroyed) await delay(SLICE_MS);
        const share =
          typeof state === 'object' ? Math.ceil((state.bytesPerSecond * SLICE_MS) / 1_000) : left.length;
        const part = left.subarray(0, share);
        left = left.subarray(part.length);
        await new Promise<void>((resolve) => void to.write(part, () => resolve()));
        if (typeof state === 'object') await delay(SLICE_MS);
      }
    }
    to.end();
  }

  const server = net.createServer((near) => {
    connections++;
    const far = net.connect(target(), '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    const drop = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) socket.on('error', drop).on('close', drop);
    if (state === 'refused') return drop();
    pump(near, far).catch(drop);
    pump(far, near).catch(drop);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => pairs.forEach(([near, far]) => [near, far].forEach((socket) => socket.destroy()));
  return {
    port: (server.address() as net.AddressInfo).port,
    set: (next) => {
      state = next;
      if (next === 'refused') cut();
    },
    cut,
    connections: () => connections,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      state = 'open';
      cut();
      await closed;
    },
  };
}
