import { Aedes } from 'aedes';
import net from 'node:net';

/** One message as the broker took it from a client. */
export interface BrokerMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Client that sent it; undefined for the broker's own. */
  readonly clientId: string | undefined;
}

export interface EmbeddedBroker {
  readonly url: string;
  readonly port: number;
  /** Messages of clients since the start, wills included, `$SYS` excluded. */
  messages(): number;
  /** Calls back for each of them; returns the function that ends it. */
  onMessage(listener: (message: BrokerMessage) => void): () => void;
  /** Client ids with a session. */
  clients(): string[];
  /** Breaks every connection without a word, as a mobile router does; clients may come back at once. */
  cut(): void;
  /** Ends the broker; what it retained is gone. */
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** 4 makes it a broker of 2014: MQTT 5 is refused as MQTT 3.1.1 §3.1.2.2 demands. Default 5 (and 3.1.1). */
  readonly highestLevel?: 4 | 5;
}

/** A real MQTT broker inside this process, on 127.0.0.1 (docs/decisions/0007-embedded-broker.md). */
export async function startBroker({
  port = 0,
  highestLevel = 5,
}: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const listeners = new Set<(message: BrokerMessage) => void>();
  const sockets = new Set<net.Socket>();
  const sessions = new Set<string>();
  let count = 0;
  const aedes = await Aedes.createBroker();
  aedes.on('publish', ({ topic, payload, qos, retain }, client) => {
    if (topic.startsWith('$SYS/')) return;
    count++;
    const message = { topic, payload: Buffer.from(payload), qos, retain, clientId: client?.id };
    for (const listener of listeners) listener(message);
  });
  aedes.on('clientReady', ({ id }) => sessions.add(id));
  aedes.on('clientDisconnect', ({ id }) => sessions.delete(id));
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (highestLevel === 5) aedes.handle(socket);
    else admitOldLevelsOnly(socket, (accepted) => aedes.handle(accepted));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as net.AddressInfo).port;
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    url: `mqtt://127.0.0.1:${bound}`,
    port: bound,
    messages: () => count,
    onMessage(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clients: () => [...sessions],
    cut,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      await closed;
    },
  };
}

/** Looks at the protocol level in CONNECT (after the fixed header of up to five bytes and the six bytes `MQTT`). */
function admitOldLevelsOnly(socket: net.Socket, accept: (socket: net.Socket) => void): void {
  socket.once('data', (first: Buffer) => {
    const level = first[first.indexOf('MQTT') + 4];
    if (level === 5) {
      socket.end(Buffer.from([0x20, 0x02, 0x00, 0x01])); // CONNACK, return code 1: unacceptable protocol version
      return;
    }
    socket.pause();
    socket.unshift(first);
    accept(socket);
  });
}
