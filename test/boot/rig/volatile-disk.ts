// A disk whose power can be cut: an NBD server with a volatile write cache, in this process, behind a Unix socket.
//
// What the guest writes is in the drive's cache until the guest flushes it; a cut keeps what was flushed and, of the rest, any
// part, sector by sector. What the guest's own kernel still held is gone with the guest. So nothing that the host caches can save
// what a real device would have lost. (A drive that tears a sector, or forgets what it once held, is not simulated.)
//
// Protocol: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, fixed newstyle, simple replies.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { SeededRandom } from '../../support/seeded-random.ts';

const SECTOR = 512;
const NBD_MAGIC = 0x4e42444d41474943n;
const OPTION_MAGIC = 0x49484156454f5054n;
const OPTION_REPLY_MAGIC = 0x3e889045565a9n;
const REQUEST_MAGIC = 0x25609513;
const REPLY_MAGIC = 0x67446698;
/** FIXED_NEWSTYLE and NO_ZEROES. */
const HANDSHAKE_FLAGS = 0b11;
const OPTION = { abort: 2, go: 7 } as const;
const OPTION_REPLY = { ack: 1, info: 3, unsupported: 0x80000001 } as const;
const COMMAND = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, writeZeroes: 6 } as const;
/** HAS_FLAGS, SEND_FLUSH, SEND_TRIM, SEND_WRITE_ZEROES; no FUA, so that a write through the cache is a write and a flush. */
const EXPORT_FLAGS = 1 | 4 | 32 | 64;
const ERROR = { invalid: 22, none: 0 } as const;

export interface VolatileDiskOptions {
  readonly socketPath: string;
  readonly image: Buffer;
  /** True: the drive says that it has flushed and has not. What a test of the rig must find to lose data. */
  readonly lies?: boolean;
}

export interface DiskTraffic {
  readonly writes: number;
  readonly bytesWritten: number;
  readonly flushes: number;
}

export class VolatileDisk {
  readonly #given: Buffer;
  readonly #stable: Buffer;
  readonly #unflushed = new Set<number>();
  readonly #lies: boolean;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #powered = true;
  #writes = 0;
  #bytesWritten = 0;
  #flushes = 0;

  private constructor({ image, lies = false }: VolatileDiskOptions) {
    this.#given = Buffer.from(image);
    this.#stable = Buffer.from(image);
    this.#lies = lies;
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
      void this.#serve(socket).catch(() => socket.destroy());
    });
  }

  static async start(options: VolatileDiskOptions): Promise<VolatileDisk> {
    const disk = new VolatileDisk(options);
    disk.#server.listen(options.socketPath);
    await once(disk.#server, 'listening');
    return disk;
  }

  get traffic(): DiskTraffic {
    return { writes: this.#writes, bytesWritten: this.#bytesWritten, flushes: this.#flushes };
  }

  /** Sectors that stand in the drive's cache alone. */
  get unflushedSectors(): number {
    return this.#unflushed.size;
  }

  /** From this very moment nothing is read, written or flushed any more. */
  cutPower(): void {
    this.#powered = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** What the disk holds after the cut: everything flushed and, of the rest, so many sectors in a hundred. */
  imageAfterCut(keptPercent: number, random: SeededRandom): Buffer {
    const image = Buffer.from(this.#stable);
    for (const sector of this.#unflushed) {
      if (random.below(100) < keptPercent) copySector(this.#given, image, sector);
    }
    return image;
  }

  /** What was given to the disk, flushed or not: after a shutdown in good order. */
  imageAsGiven(): Buffer {
    return Buffer.from(this.#given);
  }

  async stop(): Promise<void> {
    this.cutPower();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(socket: Socket): Promise<void> {
    const bytes = new ByteReader(socket);
    if (!(await this.#handshake(socket, bytes))) return void socket.end();
    while (this.#powered) {
      const head = await bytes.take(28);
      if (head.readUInt32BE(0) !== REQUEST_MAGIC) throw new Error('not an NBD request');
      const type = head.readUInt16BE(6);
      const length = head.readUInt32BE(24);
      const data = type === COMMAND.write ? await bytes.take(length) : undefined;
      if (type === COMMAND.disconnect) return void socket.end();
      // The power may have gone while its data came.
      if (!this.#powered) return;
      const { error, answer } = this.#carryOut(type, Number(head.readBigUInt64BE(16)), length, data);
      const reply = Buffer.alloc(16);
      reply.writeUInt32BE(REPLY_MAGIC, 0);
      reply.writeUInt32BE(error, 4);
      head.copy(reply, 8, 8, 16);
      socket.write(answer === undefined ? reply : Buffer.concat([reply, answer]));
    }
  }

  /** True once the client has chosen the one export there is. */
  async #handshake(socket: Socket, bytes: ByteReader): Promise<boolean> {
    const hello = Buffer.alloc(18);
    hello.writeBigUInt64BE(NBD_MAGIC, 0);
    hello.writeBigUInt64BE(OPTION_MAGIC, 8);
    hello.writeUInt16BE(HANDSHAKE_FLAGS, 16);
    socket.write(hello);
    await bytes.take(4);
    for (;;) {
      const head = await bytes.take(16);
      if (head.readBigUInt64BE(0) !== OPTION_MAGIC) throw new Error('not an NBD option');
      const option = head.readUInt32BE(8);
      await bytes.take(head.readUInt32BE(12));
      const answer = (type: number, data = Buffer.alloc(0)): void => {
        const reply = Buffer.alloc(20);
        reply.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
        reply.writeUInt32BE(option, 8);
        reply.writeUInt32BE(type, 12);
        reply.writeUInt32BE(data.length, 16);
        socket.write(Buffer.concat([reply, data]));
      };
      if (option === OPTION.abort) return (answer(OPTION_REPLY.ack), false);
      if (option === OPTION.go) {
        const info = Buffer.alloc(12);
        info.writeBigUInt64BE(BigInt(this.#given.length), 2);
        info.writeUInt16BE(EXPORT_FLAGS, 10);
        answer(OPTION_REPLY.info, info);
        answer(OPTION_REPLY.ack);
        return true;
      }
      answer(OPTION_REPLY.unsupported);
    }
  }

  #carryOut(
    type: number,
    offset: number,
    length: number,
    data: Buffer | undefined,
  ): { readonly error: number; readonly answer?: Buffer } {
    if (offset + length > this.#given.length) return { error: ERROR.invalid };
    switch (type) {
      case COMMAND.read:
        return { error: ERROR.none, answer: Buffer.from(this.#given.subarray(offset, offset + length)) };
      case COMMAND.write:
        this.#write(offset, data ?? Buffer.alloc(0));
        return { error: ERROR.none };
      case COMMAND.writeZeroes:
        this.#write(offset, Buffer.alloc(length));
        return { error: ERROR.none };
      case COMMAND.flush:
        this.#flush();
        return { error: ERROR.none };
      case COMMAND.trim: // a hint; the sectors stay as they are
        return { error: ERROR.none };
      default:
        return { error: ERROR.invalid };
    }
  }

  #write(offset: number, data: Buffer): void {
    this.#writes++;
    this.#bytesWritten += data.length;
    data.copy(this.#given, offset);
    for (let at = Math.floor(offset / SECTOR); at * SECTOR < offset + data.length; at++)
      this.#unflushed.add(at);
  }

  #flush(): void {
    this.#flushes++;
    if (this.#lies) return;
    for (const sector of this.#unflushed) copySector(this.#given, this.#stable, sector);
    this.#unflushed.clear();
  }
}

function copySector(from: Buffer, to: Buffer, sector: number): void {
  from.copy(to, sector * SECTOR, sector * SECTOR, (sector + 1) * SECTOR);
}

/** Takes exact numbers of bytes off a socket. Rejects when it ends first. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer[] = [];
  #length = 0;

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async take(length: number): Promise<Buffer> {
    while (this.#length < length) {
      const next = await this.#chunks.next();
      if (next.done) throw new Error('the connection has ended');
      this.#rest.push(next.value);
      this.#length += next.value.length;
    }
    const all = Buffer.concat(this.#rest);
    this.#rest = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }
}
