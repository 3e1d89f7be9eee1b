import net from 'node:net';

/** How a broker behaves that a test makes up. */
export interface BrokerScript {
  /** Properties of CONNACK, encoded (MQTT 5 §3.2.2.3). Default: none. */
  readonly connackProperties?: Buffer;
  /** Reason code for each topic that is subscribed to. Default: 1, granted at QoS 1. */
  readonly subscribeCode?: number;
  /** Default: every message at QoS 1. */
  readonly acknowledges?: boolean;
  /** Reads nothing after CONNECT: the window shuts. */
  readonly isDeaf?: boolean;
  /** Called when CONNACK was sent. */
  readonly onSession?: (session: ScriptedSession) => void;
}

export interface ScriptedSession {
  readonly number: number;
  /** Any bytes. Resolves when the socket has taken them. */
  write(bytes: Buffer): Promise<void>;
  cut(): void;
}

export interface ScriptedBroker {
  readonly url: string;
  readonly port: number;
  sessions(): number;
  /** Topics of what was published to it, by how often. */
  readonly published: ReadonlyMap<string, number>;
  readonly subscribed: ReadonlySet<string>;
  /** Bytes it has taken from the socket. */
  received(): number;
  /** From now on. Sessions that are open stay as they are. */
  behave(script: BrokerScript): void;
  stop(): Promise<void>;
}

export async function startScriptedBroker(first: BrokerScript = {}): Promise<ScriptedBroker> {
  let script = first;
  let sessions = 0;
  let received = 0;
  const published = new Map<string, number>();
  const subscribed = new Set<string>();
  const sockets = new Set<net.Socket>();

  function serve(socket: net.Socket): void {
    const own = script;
    let held = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
      held = Buffer.concat([held, chunk]);
      for (let packet = firstPacket(held); packet !== undefined; packet = firstPacket(held)) {
        held = held.subarray(packet.length);
        answer(socket, own, packet);
      }
    });
  }

  function answer(socket: net.Socket, own: BrokerScript, { type, flags, body }: Packet): void {
    if (type === CONNECT) {
      if (own.isDeaf === true) socket.pause();
      const properties = own.connackProperties ?? Buffer.alloc(0);
      socket.write(packetOf(0x20, Buffer.from([0, 0, properties.length, ...properties])));
      own.onSession?.(sessionOf(socket, ++sessions));
    } else if (type === SUBSCRIBE) {
      const topics = topicsIn(body);
      for (const topic of topics) subscribed.add(topic);
      const codes = topics.map(() => own.subscribeCode ?? 1);
      socket.write(packetOf(0x90, Buffer.from([...body.subarray(0, 2), 0, ...codes])));
    } else if (type === PUBLISH) {
      const length = body.readUInt16BE(0);
      const topic = body.toString('utf8', 2, 2 + length);
      published.set(topic, (published.get(topic) ?? 0) + 1);
      const isQos1 = (flags & 0x06) === 2;
      if (isQos1 && own.acknowledges !== false)
        socket.write(packetOf(0x40, body.subarray(2 + length, 4 + length)));
    } else if (type === PINGREQ) socket.write(Buffer.from([0xd0, 0]));
  }

  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return {
    ...{ url: `mqtt://127.0.0.1:${port}`, port, published, subscribed },
    sessions: () => sessions,
    received: () => received,
    behave: (next) => (script = next),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const [CONNECT, PUBLISH, SUBSCRIBE, PINGREQ] = [1, 3, 8, 12];

interface Packet {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
  readonly length: number;
}

function firstPacket(bytes: Buffer): Packet | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte >= 0x80) continue;
    const end = at + 1 + length;
    if (bytes.length < end) return undefined;
    const [first = 0] = bytes;
    return { type: first >> 4, flags: first & 0x0f, body: bytes.subarray(at + 1, end), length: end };
  }
  return undefined;
}

/** Topic filters of SUBSCRIBE (MQTT 5 §3.8), whose properties are taken to be short. */
function topicsIn(body: Buffer): string[] {
  const topics: string[] = [];
  for (let at = 3 + (body[2] ?? 0); at < body.length;) {
    const length = body.readUInt16BE(at);
    topics.push(body.toString('utf8', at + 2, at + 2 + length));
    at += 2 + length + 1;
  }
  return topics;
}

function sessionOf(socket: net.Socket, number: number): ScriptedSession {
  return {
    number,
    write: (bytes) => new Promise((resolve) => void socket.write(bytes, () => resolve())),
    cut: () => void socket.destroy(),
  };
}

/** One packet, with its fixed header of at most four bytes of length. */
export function packetOf(header: number, body: Buffer): Buffer {
  const length: number[] = [];
  for (let left = body.length; ; left = Math.floor(left / 128)) {
    length.push((left % 128) | (left >= 128 ? 0x80 : 0));
    if (left < 128) break;
  }
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}

/** PUBLISH of MQTT 5; its properties as they stand on the wire, at most 127 bytes. */
export function publishOf(
  topic: string,
  payload: Buffer,
  {
    qos = 0,
    retain = false,
    id = 1,
    properties = Buffer.alloc(0),
  }: { qos?: 0 | 1 | 2; retain?: boolean; id?: number; properties?: Buffer } = {},
): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(name.length);
  const packetId = qos === 0 ? [] : [(id >> 8) & 0xff, id & 0xff];
  const body = Buffer.concat([
    ...[head, name, Buffer.from([...packetId, properties.length])],
    ...[properties, payload],
  ]);
  return packetOf(0x30 | (qos << 1) | (retain ? 1 : 0), body);
}
