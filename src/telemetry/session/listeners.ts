import type { MqttClient } from 'mqtt';

/** What somebody published to a topic that the station listens to. Nobody is believed for having got it through the broker. */
export interface HeardMessage {
  readonly payload: Uint8Array;
  /** It lay at the broker, and was not sent just now. */
  readonly retained: boolean;
  /** MQTT 5 §3.3.2.3.5: where an answer is wanted. */
  readonly responseTopic?: string;
  /** §3.3.2.3.6: to be sent along with it. */
  readonly correlationData?: Uint8Array;
}

/** A topic that a station listens to, and what it does with a message there. */
export interface Listener {
  /** Below the station's prefix, without wildcards. */
  readonly topic: string;
  /** What is larger is left. */
  readonly maxPayloadBytes: number;
  /** Must not throw. */
  readonly receive: (message: HeardMessage) => void;
}

/** Listeners of one session, at their full topics. */
export interface Subscriptions {
  readonly listeners: ReadonlyMap<string, Listener>;
  /** The broker does not let us listen: a reason code of MQTT, or undefined where it gave none. */
  readonly refused: (topic: string, reasonCode: number | undefined) => void;
}

/** Room for topic, packet id and the properties that a broker adds. */
const AROUND_PAYLOAD_BYTES = 4_096;

/** The largest PUBLISH packet that is of any use; undefined: none is. */
export function largestPublish({ listeners }: Pick<Subscriptions, 'listeners'>): number | undefined {
  if (listeners.size === 0) return undefined;
  return AROUND_PAYLOAD_BYTES + Math.max(...[...listeners.values()].map((one) => one.maxPayloadBytes));
}

/** Subscribes to each topic at QoS 1. What comes on another topic, or is too large, was not asked for and is left. */
export function subscribe(client: MqttClient, { listeners, refused }: Subscriptions): void {
  if (listeners.size === 0) return;
  client.on('message', (topic, payload, { retain, properties }) => {
    const listener = listeners.get(topic);
    if (listener === undefined || payload.length > listener.maxPayloadBytes) return;
    // The library makes a list of a property that is there twice (a protocol error, MQTT 5 §3.3.2.3): as good as none.
    const { responseTopic, correlationData }: Partial<Record<string, unknown>> = { ...properties };
    listener.receive({
      payload: new Uint8Array(payload),
      retained: retain,
      ...(typeof responseTopic === 'string' && { responseTopic }),
      ...(correlationData instanceof Uint8Array && { correlationData: new Uint8Array(correlationData) }),
    });
  });
  for (const topic of listeners.keys()) {
    client.subscribe(topic, { qos: 1 }, (error, granted, packet) => {
      // The library calls a refusal an error of its own, and leaves the broker's reason in the SUBACK (MQTT 5 §3.9.3).
      const [code] = packet?.granted ?? [];
      if (error) return refused(topic, typeof code === 'number' ? code : undefined);
      const [first] = granted ?? [];
      if (first !== undefined && first.qos >= 0x80) refused(topic, first.qos);
    });
  }
}
