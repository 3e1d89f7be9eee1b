// A door and the link behind it, between real sockets.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Door } from '../../devnet/link/door.ts';
import { SharedLink } from '../../devnet/link/shared-link.ts';

describe('a door', () => {
  let server: Server;
  let link: SharedLink;
  let door: Door;
  const answered: Socket[] = [];

  /** Answers each byte with two, and ends when its client has ended. */
  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      answered.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (data) => socket.write(Buffer.concat([data, data])));
      socket.on('end', () => socket.end());
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    link = new SharedLink();
    const { port: serverPort } = server.address() as AddressInfo;
    door = await Door.open({ name: 'echo', link, serverPort, port: 0 });
  });

  afterEach(async () => {
    await door.close();
    for (const socket of answered.splice(0)) socket.destroy();
    server.close();
  });

  const open = async (): Promise<Socket> => {
    const socket = connect(door.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  it('carries both ways, to the end of both, and counts', async () => {
    const socket = await open();
    socket.end(Buffer.alloc(300_000, 7));
    const received = await buffer(socket);
    expect(received.equals(Buffer.alloc(600_000, 7))).toBe(true);
    await expect
      .poll(() => link.bytes().connections)
      .toMatchObject([{ to: 'echo', up: 300_000, down: 600_000, open: false }]);
    expect(link.bytes()).toMatchObject({ up: 300_000, down: 600_000, repeated: 0 });
  });

  it('takes the time that the link takes', async () => {
    link.set({ delayMs: 60 });
    const startedAt = performance.now();
    const socket = await open();
    socket.end('there and back');
    await buffer(socket);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(119);
  });

  it('carries everything over a line that loses segments', async () => {
    link.set({ lossPercent: 20 });
    const socket = await open();
    socket.end(Buffer.alloc(10_000, 1));
    expect(await buffer(socket)).toHaveLength(20_000);
    expect(link.bytes().repeated).toBeGreaterThan(0);
  });

  it('cuts a connection after the byte it was told to cut it after', async () => {
    link.set({ cutAfterBytes: 1_000 });
    const socket = await open();
    const received: Buffer[] = [];
    socket.on('data', (data) => received.push(data));
    // Data and reset that arrive together are an orderly end for libuv, and an error otherwise.
    socket.on('error', () => undefined);
    socket.write(Buffer.alloc(400));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(received)).toHaveLength(600);
    expect(link.bytes()).toMatchObject({ up: 400, down: 600 });
  });

  it('resets connections while it is told to, those that are open at once, and serves again after', async () => {
    const before = await open();
    const broken = once(before, 'error');
    door.resets = true;
    expect(((await broken) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET');
    const during = connect(door.port, '127.0.0.1');
    expect(((await once(during, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET');
    door.resets = false;
    const after = await open();
    after.end('x');
    expect(await buffer(after)).toHaveLength(2);
  });

  it('has the same port after it was closed, and refuses meanwhile', async () => {
    const { port } = door;
    await door.close();
    const refused = connect(port, '127.0.0.1');
    expect(((await once(refused, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED');
    await door.open();
    expect(door.port).toBe(port);
    const socket = await open();
    socket.end('x');
    expect(await buffer(socket)).toHaveLength(2);
  });

  it('makes a sender wait that is faster than the line', async () => {
    link.set({ bitsPerSecond: 8_000 });
    const socket = await open();
    socket.write(Buffer.alloc(4 * 1024 * 1024));
    // The kernel takes some of it, the modem a second's worth; the rest stays with the sender.
    await expect.poll(() => link.bytes().up, { timeout: 5_000 }).toBeGreaterThan(0);
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
  });

  it.each([{ bitsPerSecond: 0 }, { lossPercent: 100 }, { delayMs: Number.NaN }, { speed: 1 }])(
    'refuses a link that cannot be: %j',
    (shape) => {
      expect(() => link.set(shape)).toThrow(expect.objectContaining({ code: 'devnet.bad_input' }));
    },
  );
});
