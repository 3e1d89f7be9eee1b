import type { Connection } from '@libp2p/interface';
import type { Libp2p } from 'libp2p';
import { type Bytes } from '../encoding/bytes.ts';
import { DevnetError, messageOf } from '../errors.ts';
import { FramedStream } from './framed-stream.ts';

export interface NotificationsOptions {
  readonly node: Libp2p;
  readonly protocol: string;
  /** What we say first, on either stream. */
  readonly handshake: () => Bytes;
  readonly receive?: (message: Bytes) => void;
  /** Sent as soon as our stream is open. */
  readonly greeting?: () => readonly Bytes[];
  /** While it holds, nobody is answered and nothing is sent. */
  readonly isSilent: () => boolean;
  readonly log: (line: string) => void;
}

/**
 * A protocol of one-way messages. Each side opens a stream of its own for what it sends, with a handshake in both
 * directions; we open ours to everyone who opens one to us.
 */
export class Notifications {
  readonly #options: NotificationsOptions;
  /** By connection. */
  readonly #outbound = new Map<string, FramedStream>();

  constructor(options: NotificationsOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const { node, protocol, log } = this.#options;
    await node.handle(protocol, async (stream, connection) => {
      try {
        await this.#serve(new FramedStream(stream), connection);
      } catch (thrown) {
        log(`${protocol}: ${messageOf(thrown)}`);
      }
      this.#outbound.delete(connection.id);
    });
  }

  /** To everyone whose stream is open. */
  async broadcast(message: Bytes): Promise<void> {
    if (this.#options.isSilent()) return;
    await Promise.all([...this.#outbound].map(([id, outbound]) => this.#send(id, outbound, message)));
  }

  async #send(connectionId: string, outbound: FramedStream, message: Bytes): Promise<void> {
    try {
      await outbound.send(message);
    } catch (thrown) {
      this.#options.log(`${this.#options.protocol}: ${messageOf(thrown)}`);
      this.#outbound.delete(connectionId);
    }
  }

  async #serve(inbound: FramedStream, connection: Connection): Promise<void> {
    const theirHandshake = await inbound.next();
    if (theirHandshake === undefined || this.#options.isSilent()) return;
    await inbound.send(this.#options.handshake());
    this.#openOutbound(connection).catch((thrown: unknown) => {
      this.#options.log(`${this.#options.protocol}: cannot open our stream: ${messageOf(thrown)}`);
    });
    for (let message = await inbound.next(); message !== undefined; message = await inbound.next()) {
      if (!this.#options.isSilent()) this.#options.receive?.(message);
    }
  }

  async #openOutbound(connection: Connection): Promise<void> {
    const { protocol, handshake, greeting } = this.#options;
    const outbound = new FramedStream(await connection.newStream(protocol));
    await outbound.send(handshake());
    if ((await outbound.next()) === undefined) {
      throw new DevnetError('devnet.unsupported', 'the remote closed it before its handshake');
    }
    for (const message of greeting?.() ?? []) await outbound.send(message);
    this.#outbound.set(connection.id, outbound);
  }
}
