import { connectAsync, type MqttClient } from 'mqtt';

export interface ReceivedMessage {
  readonly topic: string;
  readonly payload: string;
  readonly retain: boolean;
  readonly qos: number;
  /** MQTT 5 only: seconds that the broker said the message is still worth. */
  readonly expirySeconds: number | undefined;
}

export interface Subscriber {
  readonly messages: readonly ReceivedMessage[];
  /** Resolves with the first message for which the predicate holds, also one that came before. */
  received(holds: (message: ReceivedMessage) => boolean): Promise<ReceivedMessage>;
  close(): Promise<void>;
}

/** What an operator's backend does: subscribes to everything of every station, QoS 1. Resolves when the broker has agreed. */
export async function subscribe(
  url: string,
  options: { readonly protocolVersion?: 4 | 5; readonly ca?: Buffer } = {},
): Promise<Subscriber> {
  const messages: ReceivedMessage[] = [];
  const waiting = new Set<() => void>();
  const client: MqttClient = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 20, ...options });
  client.on('error', () => {}); // the broker is stopped and restarted below us
  client.on('message', (topic, payload, { retain, qos, properties }) => {
    const expirySeconds = properties?.messageExpiryInterval;
    messages.push({ topic, payload: payload.toString(), retain, qos, expirySeconds });
    for (const look of waiting) look();
  });
  await client.subscribeAsync('delmonicos/v1/#', { qos: 1 });
  return {
    messages,
    received: (holds) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = messages.find(holds);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () => client.endAsync(true),
  };
}
