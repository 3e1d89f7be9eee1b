import type { IClientOptions, IClientPublishOptions, MqttClient } from 'mqtt';
import { connectSocket, GuardedStream } from './broker-socket.ts';
import type { BrokerAddress } from './broker-url.ts';
import { failure } from './connection-failure.ts';
import type { Credentials } from './credential-files.ts';
import type { TelemetryError } from '../errors.ts';
import type { TelemetryLimits } from '../limits.ts';
import type { MessageProperties } from '../outgoing/outgoing-message.ts';
import type { ProtocolLevel } from './reconnect-policy.ts';
import type { WireMeter } from './wire-meter.ts';
import { largestPublish, subscribe, type Subscriptions } from './listeners.ts';
import { TopicAliases } from './topic-aliases.ts';
import { endOf } from './session-end.ts';

export interface ConnectRequest {
  readonly address: BrokerAddress;
  readonly credentials: Credentials;
  readonly serverName: string | undefined;
  readonly clientId: string;
  readonly level: ProtocolLevel;
  readonly will: { readonly topic: string; readonly payload: Buffer };
  readonly limits: TelemetryLimits;
  /** Without a listener nothing but answers is accepted from the broker. */
  readonly subscriptions: Subscriptions;
  readonly meter: WireMeter;
}

export interface PublishRequest {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Whole seconds; sent with MQTT 5 only. */
  readonly expirySeconds?: number;
  /** MQTT 5 only. */
  readonly properties?: MessageProperties;
  /** Its topic comes again and again: it is worth an alias (MQTT 5 only). */
  readonly isFrequent?: boolean;
}

/** One session on one socket. It never reconnects and queues nothing: when it ends, the caller opens the next. */
export interface BrokerConnection {
  readonly level: ProtocolLevel;
  /** What the broker accepts (MQTT 5 §3.2.2.3), and the caller has to keep to. */
  readonly accepts: {
    readonly inFlight: number;
    readonly packetBytes: number;
    readonly qos1: boolean;
    readonly retain: boolean;
  };
  /** `settled` is called at most once: with nothing when the broker has the message, with a reason code when it refused it. */
  publish(request: PublishRequest, settled: (refusedBecause?: number) => void): void;
  /** Resolves when the session is over, with the reason; never rejects. */
  readonly ended: Promise<TelemetryError>;
  bytes(): { readonly sent: number; readonly received: number };
  /** Says goodbye, so that the broker discards the will, and closes. */
  disconnect(): void;
  /** Drops the socket: the broker will publish the will. */
  abandon(reason: TelemetryError): void;
}

/**
 * Opens a socket and an MQTT session on it. The MQTT library is loaded here, so that a station without telemetry does
 * not carry it in memory.
 * Rejects with a TelemetryError, or with the reason of `signal`.
 */
export async function openConnection(
  request: ConnectRequest,
  signal: AbortSignal,
): Promise<BrokerConnection> {
  const { default: mqtt } = await import('mqtt'); // the bundle keeps only the default export of a CommonJS package
  signal.throwIfAborted();
  const { address, serverName, meter } = request;
  const socket = await connectSocket(address, request.credentials, serverName, signal, meter);
  const stream = new GuardedStream(
    socket,
    request.limits.maxInboundBytes,
    largestPublish(request.subscriptions),
  );
  stream.countIn(meter);
  stream.keepTo({ burst: request.limits.maxInboundBurst, perSecond: request.limits.maxInboundPerSecond });
  const client = new mqtt.MqttClient(() => stream, clientOptions(request));
  const ended = endOf(client, stream);
  const aborted = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  if (signal.aborted) aborted();
  try {
    const connack = await Promise.race([
      new Promise<ConnackFacts>((resolve) => client.once('connect', (packet) => resolve(packet))),
      ended.then((reason) => {
        signal.throwIfAborted();
        throw reason;
      }),
    ]);
    subscribe(client, request.subscriptions);
    return connection(client, stream, request.level, connack, ended);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}

interface ConnackFacts {
  readonly properties?:
    | {
        readonly receiveMaximum?: number;
        readonly maximumPacketSize?: number;
        readonly maximumQoS?: number;
        readonly retainAvailable?: boolean;
        readonly topicAliasMaximum?: number;
      }
    | undefined;
}

function clientOptions(request: ConnectRequest): IClientOptions {
  const { credentials, clientId, level, will, limits } = request;
  return {
    protocolId: 'MQTT',
    protocolVersion: level,
    clientId,
    clean: true,
    keepalive: Math.ceil(limits.keepAliveMs / 1000),
    // The room decides when to connect and what waits; the library is one session on one socket.
    reconnectPeriod: 0,
    connectTimeout: 2 * limits.connectTimeoutMs, // the caller's own deadline comes first
    queueQoSZero: false,
    resubscribe: false,
    timerVariant: 'native',
    writeCache: false,
    autoUseTopicAlias: true,
    ...(credentials.username !== undefined && { username: credentials.username }),
    ...(credentials.password !== undefined && { password: credentials.password }),
    will: { topic: will.topic, payload: will.payload, qos: 1, retain: true },
    ...(level === 5 && {
      properties: { maximumPacketSize: largestPublish(request.subscriptions) ?? limits.maxInboundBytes },
    }),
  };
}

function connection(
  client: MqttClient,
  stream: GuardedStream,
  level: ProtocolLevel,
  { properties = {} }: ConnackFacts,
  ended: Promise<TelemetryError>,
): BrokerConnection {
  const aliases = new TopicAliases(level === 5 ? (properties.topicAliasMaximum ?? 0) : 0);
  return {
    level,
    accepts: {
      inFlight: properties.receiveMaximum ?? 65_535,
      packetBytes: properties.maximumPacketSize ?? 268_435_455,
      qos1: (properties.maximumQoS ?? 1) >= 1,
      retain: properties.retainAvailable ?? true,
    },
    ended,
    publish({ topic, payload, qos, retain, expirySeconds, properties: own, isFrequent = false }, settled) {
      if (stream.destroyed) return; // the library's stores are gone too; `ended` tells the caller
      const options: IClientPublishOptions = { qos, retain };
      if (level === 5) {
        // From then on the library puts the number in place of the topic.
        const topicAlias = isFrequent ? aliases.introduce(topic) : undefined;
        options.properties = {
          ...(topicAlias !== undefined && { topicAlias }),
          // A content type is named where it is no text (§3.3.2.3.2).
          payloadFormatIndicator: own?.contentType === undefined,
          ...(expirySeconds !== undefined && { messageExpiryInterval: expirySeconds }),
          ...own,
        };
      }
      try {
        client.publish(topic, payload, options, (error) => {
          if (!error) return settled();
          const code = (error as Error & { code?: unknown }).code;
          if (typeof code === 'number') settled(code); // otherwise the connection ended: nobody knows
        });
      } catch (cause) {
        // A fault of the library costs the session, never the caller, which is the metering loop.
        stream.destroy(failure('telemetry.connection_lost', 'the MQTT library failed', { cause }));
      }
    },
    bytes: () => ({ sent: stream.sent, received: stream.received }),
    disconnect: () => void client.end(),
    abandon: (reason) => void stream.destroy(reason),
  };
}
