import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { countTraffic } from '../../../src/chain/gateway/transport/traffic.ts';

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function listen(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

it('counts what client sockets carry, while they are open and after they have ended', async () => {
  const traffic = countTraffic();
  const before = traffic();
  const seen = { up: 0, down: 0 };
  const port = await listen((socket) => {
    socket.on('data', (data) => {
      seen.up += data.length;
      seen.down += 50_000;
      socket.write(Buffer.alloc(50_000));
    });
    socket.on('error', () => {});
  });
  const sockets = [connect(port, '127.0.0.1'), new Socket().connect(port, '127.0.0.1')];
  for (const socket of sockets) {
    socket.write(Buffer.alloc(1_000));
    let got = 0;
    for await (const [chunk] of dataOf(socket)) if ((got += chunk.length) >= 50_000) break;
  }
  const since = () => ({
    up: traffic().bytesOut - before.bytesOut,
    down: traffic().bytesIn - before.bytesIn,
  });
  expect(since()).toEqual(seen);
  expect(seen).toEqual({ up: 2_000, down: 100_000 });
  for (const socket of sockets) socket.destroy();
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  expect(since()).toEqual(seen);
});

async function* dataOf(socket: Socket): AsyncGenerator<[Buffer]> {
  for (;;) yield (await once(socket, 'data')) as [Buffer];
}

it('counts a connection that was refused as nothing', async () => {
  const traffic = countTraffic();
  const port = await listen(() => {});
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const before = traffic();
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'error');
  await once(socket, 'close').catch(() => {});
  expect(traffic()).toEqual(before);
});
