import type { IClientOptions, IPublishPacket, MqttClient, Packet } from 'mqtt';
import type { MonotonicClock } from '../../../hal/contract/index.ts';
import {
  connectSocket,
  endOf,
  GuardedStream,
  TelemetryError,
  type BrokerAddress,
  type Credentials,
  type ProtocolLevel,
} from '../../telemetry/index.ts';
import type { DeskMessage, DeskPublish } from './desk.ts';
import { topicRefused } from './desk-failure.ts';
import type { DeskLimits } from './desk-limits.ts';

export interface SessionRequest {
  readonly address: BrokerAddress;
  readonly credentials: Credentials;
  readonly serverName: string | undefined;
  readonly clientId: string;
  readonly level: ProtocolLevel;
  /** False: what the broker kept for this client id is wanted. */
  readonly clean: boolean;
  readonly limits: DeskLimits;
  readonly clock: MonotonicClock;
  readonly onMessage: (message: DeskMessage) => void;
}

/** One session on one socket. It never reconnects; when it ends, the caller opens the next. */
export interface DeskSession {
  /** Resolves when it is over, with the reason; never rejects. */
  readonly ended: Promise<TelemetryError>;
  /** Rejects with `fleet.not_allowed` or `fleet.refused`; with the TelemetryError of the session's end. */
  subscribe(filter: string, qos: 0 | 1): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  publish(message: DeskPublish): Promise<{ readonly heard: boolean }>;
  bytes(): { readonly sent: number; readonly received: number };
  /** Says goodbye, and closes; at once where an answer is still awaited. */
  disconnect(): void;
  /** Drops the socket. */
  abandon(): void;
}

/** PUBACK (§3.4.2.1): the broker has it, and nobody to hand it to. */
const NO_MATCHING_SUBSCRIBERS = 0x10;
/** PUBACKs of that kind whose publisher was not found; there is at most one for each message in flight. */
const MAX_UNHEARD = 1_024;

/** Rejects with a TelemetryError, or with the reason of `signal`. The library is loaded here. */
export async function openSession(request: SessionRequest, signal: AbortSignal): Promise<DeskSession> {
  const { default: mqtt } = await import('mqtt'); // the bundle keeps only the default export of a CommonJS package
  signal.throwIfAborted();
  const { address, credentials, serverName, limits, level } = request;
  const socket = await connectSocket(address, credentials, serverName, signal);
  const largest = level === 5 ? limits.maxPublishBytes : limits.maxOldPublishBytes;
  const stream = new GuardedStream(socket, limits.maxInboundBytes, largest, true);
  const client = new mqtt.MqttClient(() => stream, clientOptions(request));
  const ended = endOf(client, stream);
  client.on('message', (topic, payload, { retain, properties }) => {
    // A list, where it is there twice: as good as none.
    const { correlationData }: Partial<Record<string, unknown>> = { ...properties };
    request.onMessage({
      ...{ topic, payload: new Uint8Array(payload), retained: retain },
      ...(correlationData instanceof Uint8Array && { correlationData: new Uint8Array(correlationData) }),
    });
  });
  const aborted = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    if (signal.aborted) aborted();
    await Promise.race([
      new Promise((resolve) => client.once('connect', resolve)),
      ended.then((reason) => {
        signal.throwIfAborted();
        throw reason;
      }),
    ]);
    return session(client, stream, ended, request);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

function clientOptions({ credentials, clientId, level, clean, limits }: SessionRequest): IClientOptions {
  const { username, password } = credentials;
  return {
    protocolId: 'MQTT',
    protocolVersion: level,
    clientId,
    // 3.1.1 would keep the session for ever.
    clean: clean || level !== 5,
    keepalive: Math.ceil(limits.keepAliveMs / 1000),
    reconnectPeriod: 0,
    connectTimeout: 2 * limits.connectTimeoutMs, // the caller's own deadline comes first
    queueQoSZero: false,
    resubscribe: false,
    timerVariant: 'native',
    writeCache: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(level === 5 && {
      properties: {
        maximumPacketSize: limits.maxPublishBytes,
        sessionExpiryInterval: Math.ceil(limits.sessionExpiryMs / 1000),
      },
    }),
  };
}

function session(
  client: MqttClient,
  stream: GuardedStream,
  ended: Promise<TelemetryError>,
  { level, limits, clock }: SessionRequest,
): DeskSession {
  const unheard = unheardMessages(client);
  let awaited = 0;
  /** The broker's answer, unless the session ends before; without one in time it does. */
  async function answered<T>(what: string, ask: (done: (outcome: () => T) => void) => void): Promise<T> {
    const over = new AbortController();
    awaited++;
    clock.sleep(limits.acknowledgeTimeoutMs, over.signal).then(
      () => stream.destroy(new TelemetryError('telemetry.no_acknowledgement', `no answer to ${what}`)),
      () => {},
    );
    try {
      const outcome = new Promise<() => T>((resolve) => ask(resolve));
      return await Promise.race([
        outcome.then((told) => told()),
        ended.then((reason): never => {
          throw reason;
        }),
      ]);
    } finally {
      awaited--;
      over.abort();
    }
  }
  return {
    ended,
    subscribe: (filter, qos) =>
      answered(`SUBSCRIBE ${filter}`, (done) =>
        client.subscribe(filter, { qos }, (error, _granted, packet) => {
          if (!error) return done(() => undefined);
          // The library's error has no code of its own; without a SUBACK the session ended, and `ended` tells why.
          const [code] = packet?.granted ?? [];
          if (code === undefined && stream.destroyed) return;
          done(() => {
            throw topicRefused('subscribe', filter, typeof code === 'number' ? code : undefined);
          });
        }),
      ),
    unsubscribe: (filter) =>
      answered(`UNSUBSCRIBE ${filter}`, (done) =>
        client.unsubscribe(filter, {}, () => done(() => undefined)),
      ),
    publish: (message) =>
      answered(`PUBLISH ${message.topic}`, (done) =>
        client.publish(
          message.topic,
          Buffer.from(message.payload),
          { qos: 1, retain: false, ...(level === 5 && { properties: publishProperties(message) }) },
          (error, packet) => {
            if (!error) return done(() => ({ heard: !unheard.delete(messageIdOf(packet)) }));
            const code = (error as Error & { code?: unknown }).code;
            // Otherwise the session ended, and `ended` tells why.
            if (typeof code === 'number')
              done(() => {
                throw topicRefused('publish', message.topic, code);
              });
          },
        ),
      ),
    bytes: () => ({ sent: stream.sent, received: stream.received }),
    disconnect() {
      // The library would wait for what is awaited before it says goodbye.
      if (awaited > 0) stream.destroy();
      else client.end(false, level === 5 ? { properties: { sessionExpiryInterval: 0 } } : {});
    },
    abandon: () => void stream.destroy(),
  };
}

/** The library takes PUBACK's "no matching subscribers" for success, and says nothing of it. */
function unheardMessages(client: MqttClient): Set<number> {
  const unheard = new Set<number>();
  client.on('packetreceive', (packet: Packet) => {
    if (packet.cmd !== 'puback' || packet.reasonCode !== NO_MATCHING_SUBSCRIBERS) return;
    if (packet.messageId !== undefined && unheard.size < MAX_UNHEARD) unheard.add(packet.messageId);
  });
  return unheard;
}

/** The packet that the library had stored. */
function messageIdOf(packet: Packet | undefined): number {
  return (packet as IPublishPacket | undefined)?.messageId ?? -1;
}

function publishProperties({ responseTopic, correlationData, contentType, expirySeconds }: DeskPublish) {
  return {
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
    ...(contentType !== undefined && { contentType }),
    ...(expirySeconds !== undefined && { messageExpiryInterval: expirySeconds }),
  };
}
