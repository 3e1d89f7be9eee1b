import { connectAsync, type MqttClient } from 'mqtt';
import { POWER_ACTIVE, ENERGY_IMPORT } from '../../hal/contract/index.ts';

interface PublishedValue {
  readonly obis: string;
  readonly value: string;
}
interface PublishedSample {
  readonly values: readonly PublishedValue[];
}
export interface PublishedJournal {
  readonly size: number;
  readonly root: string;
  readonly bytes: number;
  readonly anchoredSize: number;
}
export type PublishedSync = Record<string, unknown>;

/** What a backend sees of the station: it knows nothing but the broker. */
export interface Observation {
  readonly messages: number;
  readonly samples: number;
  readonly online: boolean;
  readonly journal: PublishedJournal | undefined;
  readonly sync: PublishedSync | undefined;
  readonly meters: ReadonlyMap<
    string,
    { readonly powerW: string; readonly energyWh: string; readonly trail: readonly number[] }
  >;
}

export interface Observer {
  see(): Observation;
  stop(): Promise<void>;
}

const TRAIL = 16;

/** Subscribes to everything the station publishes, as an operator's backend does. */
export async function observe(brokerUrl: string, stationName: string): Promise<Observer> {
  const client: MqttClient = await connectAsync(brokerUrl, {
    protocolVersion: 5,
    clientId: `observer-${process.pid}`,
  });
  // A broker that goes away is the service's to report; this client reconnects by itself.
  client.on('error', () => undefined);
  const prefix = `delmonicos/v1/${stationName}/`;
  let messages = 0;
  let samples = 0;
  let online = false;
  let journal: PublishedJournal | undefined;
  let sync: PublishedSync | undefined;
  const meters = new Map<string, { powerW: string; energyWh: string; trail: number[] }>();
  client.on('message', (topic, payload) => {
    messages++;
    const suffix = topic.slice(prefix.length);
    const document = JSON.parse(payload.toString()) as unknown;
    if (suffix === 'status') online = (document as { status: string }).status === 'online';
    else if (suffix === 'journal') journal = document as PublishedJournal;
    else if (suffix === 'sync') sync = document as PublishedSync;
    const meterId = /^meters\/(.+)\/sample$/.exec(suffix)?.[1];
    if (meterId === undefined) return;
    samples++;
    const { values } = document as PublishedSample;
    const valueOf = (obis: string): string => values.find((value) => value.obis === obis)?.value ?? '0';
    const meter = meters.get(meterId) ?? { powerW: '0', energyWh: '0', trail: [] };
    meter.powerW = valueOf(POWER_ACTIVE);
    meter.energyWh = valueOf(ENERGY_IMPORT);
    meter.trail = [...meter.trail, Math.abs(Number(meter.powerW))].slice(-TRAIL);
    meters.set(meterId, meter);
  });
  await client.subscribeAsync(`${prefix}#`, { qos: 1 });
  return {
    see: () => ({ messages, samples, online, journal, sync, meters }),
    stop: async () => {
      await client.endAsync();
    },
  };
}
