import type * as v from 'valibot';
import { HEARD, PUBLISHED, type Payload } from './messages.ts';

/** How a topic is published (`TOPICS`). */
export interface PublishedTopic {
  /** Below the station's prefix; `<name>` stands for a level. */
  readonly pattern: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly expiry: 'never' | 'sample' | 'reply';
  readonly holds: string;
}

/** What a station listens to (`LISTENED`). */
export interface HeardTopic {
  readonly topic: string;
  readonly maxPayloadBytes: number;
}

export interface ContractParts {
  /** `delmonicos/v1`. */
  readonly root: string;
  readonly topics: Readonly<Record<keyof typeof PUBLISHED, PublishedTopic>>;
  readonly listened: Readonly<Record<keyof typeof HEARD, HeardTopic>>;
  /** What each command needs and takes, by its name (src/remote). */
  readonly commands: Readonly<Record<string, { readonly may: string; readonly parameters: v.GenericSchema }>>;
  readonly limits: {
    readonly sampleExpiryMs: number;
    readonly replyExpiryMs: number;
    readonly keepAliveMs: number;
    readonly maxPayloadBytes: number;
  };
  readonly jsonSchemaOf: (schema: v.GenericSchema) => object;
}

const BINDING = '0.2.0';

/** What each level of a topic that is no fixed word stands for. */
const LEVELS: Readonly<Record<string, string>> = {
  station: 'Name of the station in its configuration, percent-encoded (RFC 3986 §2.1) where it must be',
  meter: 'Name of the meter in the configuration, encoded likewise',
  line: 'Name of the line in the configuration, encoded likewise',
  client: 'Last level of the Response Topic of the command, or its nonce in hexadecimal',
  request: 'Nonce of the command that opened the transfer, hexadecimal',
  index: 'Leaf index of the first entry in the message',
};

const HEARD_SAYS = {
  configuration: 'a configuration that the OEM has signed; only where keys of the OEM are installed',
  request: 'a command that an operator has signed; only where operators are configured',
  credit: 'more of a transfer of entries that a command has opened',
} as const satisfies Record<keyof typeof HEARD, string>;

/**
 * The contract as an AsyncAPI 3.0 document, from the station's point of view: it sends what is published and receives what it listens
 * to. Pure.
 */
export function asyncApiDocument(parts: ContractParts): object {
  const published = Object.keys(PUBLISHED) as (keyof typeof PUBLISHED)[];
  const heard = Object.keys(HEARD) as (keyof typeof HEARD)[];
  const from = <Key extends string>(keys: readonly Key[], make: (key: Key) => object): object =>
    Object.fromEntries(keys.map((key) => [key, make(key)]));
  return {
    asyncapi: '3.0.0',
    id: 'urn:delmonicos:telemetry:v1',
    info: {
      title: 'Delmonicos Inside: telemetry of a station',
      version: '1',
      description:
        'What a station publishes over MQTT, and what it listens to. docs/telemetry.md says what it means. Within v1 keys are added, never ' +
        'renamed or removed: readers ignore keys that they do not know, and do without keys that are not required. Decimals are strings.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { broker: broker(parts) },
    channels: {
      ...from(published, (key) =>
        channel(parts.root, parts.topics[key].pattern, key, parts.topics[key].holds),
      ),
      ...from(heard, (key) => channel(parts.root, parts.listened[key].topic, key, HEARD_SAYS[key])),
    },
    operations: {
      ...from(published, (key) => sends(key, parts)),
      ...from(heard, (key) => receives(key, parts)),
    },
    components: {
      messages: {
        ...from(published, (key) => message(key, PUBLISHED[key], parts)),
        ...from(heard, (key) => ({
          ...message(key, HEARD[key], parts),
          ...(key === 'request' && requestExtras(parts)),
        })),
      },
    },
  };
}

function broker({ root, limits }: ContractParts): object {
  return {
    host: '{host}:{port}',
    protocol: 'secure-mqtt',
    protocolVersion: '5',
    description: 'MQTT 5 first, 3.1.1 where the broker refuses it; TLS with mqtts://.',
    variables: {
      host: { description: 'telemetry.mqtt.url of the station' },
      port: { default: '8883', description: '1883 with mqtt://' },
    },
    bindings: {
      mqtt: {
        clientId: 'delmonicos-{station}',
        cleanSession: true,
        sessionExpiryInterval: 0,
        keepAlive: limits.keepAliveMs / 1_000,
        lastWill: {
          topic: `${root}/{station}/status`,
          qos: 1,
          retain: true,
          message: '{"status":"offline","reason":"connection lost",…}',
        },
        bindingVersion: BINDING,
      },
    },
  };
}

/** `meters/<meter>/status` of the page is `meters/{meter}/status` of an address. */
function channel(root: string, pattern: string, key: string, holds: string): object {
  const address = `${root}/{station}/${pattern.replace(/<([a-z]+)>/g, '{$1}')}`;
  const levels = [...address.matchAll(/\{([a-z]+)\}/g)].map(([, name = '']) => name);
  return {
    address,
    description: holds,
    parameters: Object.fromEntries(levels.map((name) => [name, { description: LEVELS[name] ?? name }])),
    messages: { [key]: { $ref: `#/components/messages/${key}` } },
  };
}

function sends(key: keyof typeof PUBLISHED, { topics, limits }: ContractParts): object {
  const { qos, retain, expiry, holds } = topics[key];
  const expiryMs = { never: undefined, sample: limits.sampleExpiryMs, reply: limits.replyExpiryMs }[expiry];
  return {
    action: 'send',
    channel: { $ref: `#/channels/${key}` },
    summary: holds,
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    bindings: {
      mqtt: {
        ...{ qos, retain },
        ...(expiryMs !== undefined && { messageExpiryInterval: expiryMs / 1_000 }),
        bindingVersion: BINDING,
      },
    },
  };
}

function receives(key: keyof typeof HEARD, { listened }: ContractParts): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/${key}` },
    summary: HEARD_SAYS[key],
    description: `At most ${listened[key].maxPayloadBytes} bytes; one that was retained is not taken for a command.`,
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    bindings: { mqtt: { qos: 1, retain: false, bindingVersion: BINDING } },
    ...(key === 'request' && {
      reply: {
        address: {
          location: '$message.header#/responseTopic',
          description: 'Honoured below response/ of the same station, one level of at most 64 characters.',
        },
        channel: { $ref: '#/channels/response' },
        messages: [{ $ref: '#/channels/response/messages/response' }],
      },
    }),
  };
}

function message(name: string, payload: Payload, { jsonSchemaOf, limits }: ContractParts): object {
  if ('schema' in payload) {
    return {
      name,
      contentType: 'application/json',
      payload: jsonSchemaOf(payload.schema),
      bindings: { mqtt: { payloadFormatIndicator: 1, bindingVersion: BINDING } },
      'x-maxBytes': limits.maxPayloadBytes,
    };
  }
  const { contentType } = payload;
  return {
    name,
    contentType,
    payload: { type: 'string', format: 'binary' },
    bindings: { mqtt: { payloadFormatIndicator: 0, contentType, bindingVersion: BINDING } },
  };
}

/** What MQTT 5 carries beside a command, and what stands in its signed payload (docs/formats.cddl). */
function requestExtras({ commands, jsonSchemaOf }: ContractParts): object {
  return {
    description:
      'COSE_Sign1 of an operator (docs/formats.cddl); `x-commands` says what each command needs and takes.',
    headers: {
      type: 'object',
      description: 'Properties of MQTT 5; without them the answer is on response/<nonce>.',
      properties: {
        responseTopic: { type: 'string', description: 'Response Topic' },
        correlationData: { type: 'string', format: 'binary', description: 'At most 64 bytes; echoed' },
      },
    },
    correlationId: { location: '$message.header#/correlationData' },
    'x-commands': Object.fromEntries(
      Object.entries(commands).map(([name, { may, parameters }]) => [
        name,
        { may, parameters: jsonSchemaOf(parameters) },
      ]),
    ),
  };
}
