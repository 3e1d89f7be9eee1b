import type { MqttClient } from 'mqtt';
import mqtt from 'mqtt';
import type { FleetMessage } from '../../../src/fleet/index.ts';
import { startBroker, type EmbeddedBroker } from '../telemetry/broker.ts';

/** A broker, and what stations say through it. */
export interface FleetBroker {
  readonly broker: EmbeddedBroker;
  /** At QoS 1: the broker has it when this resolves. */
  say(messages: readonly FleetMessage[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startFleetBroker(messages: readonly FleetMessage[] = []): Promise<FleetBroker> {
  const broker = await startBroker();
  const client: MqttClient = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 });
  const say = async (said: readonly FleetMessage[]): Promise<void> => {
    for (const { topic, payload, retained } of said)
      await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain: retained });
  };
  await say(messages);
  return {
    broker,
    say,
    stop: async () => {
      await client.endAsync(true);
      await broker.stop();
    },
  };
}
