import type { MqttClient } from 'mqtt';
import type { Log } from '../../hal/contract/index.ts';
import type { TelemetryLimits } from './limits.ts';
import type { TelemetryOptions } from './telemetry.ts';
import { CONFIGURATION_TOPIC } from './topics.ts';

/** The one topic that a station listens to, and what it does with a message there. */
export interface Subscription {
  readonly topic: string;
  readonly maxPayloadBytes: number;
  readonly receive: (payload: Uint8Array) => void;
  /** The broker does not let us listen: a reason code of MQTT, or undefined where it gave none. */
  readonly refused: (reasonCode: number | undefined) => void;
}

/** Room for topic, packet id and the properties that a broker adds. */
const AROUND_PAYLOAD_BYTES = 4_096;

/** The largest PUBLISH packet that is of any use; undefined: none is. */
export function largestPublish(request: {
  readonly subscription?: Subscription | undefined;
}): number | undefined {
  const { subscription } = request;
  return subscription && subscription.maxPayloadBytes + AROUND_PAYLOAD_BYTES;
}

/** Subscribes at QoS 1. What comes on another topic, or is too large, was not asked for and is left. */
export function subscribe(client: MqttClient, subscription: Subscription): void {
  const { topic, maxPayloadBytes, receive, refused } = subscription;
  client.on('message', (on, payload) => {
    if (on === topic && payload.length <= maxPayloadBytes) receive(new Uint8Array(payload));
  });
  client.subscribe(topic, { qos: 1 }, (error, granted) => {
    const code = error === null ? undefined : (error as { code?: unknown }).code;
    if (error) return refused(typeof code === 'number' ? code : undefined);
    const [first] = granted ?? [];
    if (first !== undefined && first.qos >= 0x80) refused(first.qos);
  });
}

/** Undefined where nobody would be heard. */
export function configurationSubscription(
  prefix: string,
  { onConfiguration }: Pick<TelemetryOptions, 'onConfiguration'>,
  { maxConfigurationBytes }: TelemetryLimits,
  log: Log,
): Subscription | undefined {
  if (onConfiguration === undefined) return undefined;
  const topic = `${prefix}/${CONFIGURATION_TOPIC}`;
  return {
    topic,
    maxPayloadBytes: maxConfigurationBytes,
    receive: onConfiguration,
    refused: (reasonCode) => log('warning', 'telemetry.subscription_refused', { topic, reasonCode }),
  };
}
