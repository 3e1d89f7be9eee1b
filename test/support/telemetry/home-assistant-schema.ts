// What Home Assistant takes as device discovery and as a sensor, as its documentation says it (integrations/mqtt, "Device discovery
// payload"; integrations/sensor.mqtt): the keys there are, and which are required. Home Assistant refuses any other key.

/** Short forms, of the payload and its components; then of a device and an origin. */
const SHORT: Readonly<Record<string, string>> = {
  ...{ dev: 'device', o: 'origin', cmps: 'components', p: 'platform', e: 'encoding' },
  ...{ avty: 'availability', avty_mode: 'availability_mode', stat_t: 'state_topic', t: 'topic' },
  ...{ val_tpl: 'value_template', uniq_id: 'unique_id', unit_of_meas: 'unit_of_measurement' },
  ...{ dev_cla: 'device_class', stat_cla: 'state_class', ent_cat: 'entity_category', ops: 'options' },
};
const SHORT_OF_DEVICE: Readonly<Record<string, string>> = {
  ...{ ids: 'identifiers', mf: 'manufacturer', mdl: 'model', sw: 'sw_version', sn: 'serial_number' },
};

const PAYLOAD = ['device', 'origin', 'components', 'state_topic', 'qos', 'availability', 'availability_mode'];
const DEVICE = ['identifiers', 'name', 'manufacturer', 'model', 'sw_version', 'serial_number', 'via_device'];
const SENSOR = [
  ...['platform', 'unique_id', 'name', 'state_topic', 'value_template', 'unit_of_measurement'],
  ...['device_class', 'state_class', 'entity_category', 'options'],
];

/** Of the sensor integration: units that a device class may have, and its state classes. */
const CLASSES: Readonly<Record<string, { units: readonly unknown[]; states: readonly unknown[] }>> = {
  energy: { units: ['Wh', 'kWh', 'MWh'], states: ['total', 'total_increasing'] },
  power: { units: ['W', 'kW'], states: ['measurement'] },
  apparent_power: { units: ['VA'], states: ['measurement'] },
  reactive_power: { units: ['var'], states: ['measurement'] },
  voltage: { units: ['V', 'mV'], states: ['measurement'] },
  current: { units: ['A', 'mA'], states: ['measurement'] },
  frequency: { units: ['Hz'], states: ['measurement'] },
  power_factor: { units: [undefined, '%'], states: ['measurement'] },
  enum: { units: [undefined], states: [undefined] },
};
const STATE_CLASSES = [undefined, 'measurement', 'total', 'total_increasing'];

export type Keyed = Readonly<Record<string, unknown>>;

export interface Discovery {
  readonly device: Keyed;
  readonly availability: readonly Keyed[];
  readonly state_topic?: string;
  readonly components: Readonly<Record<string, Keyed>>;
}

/** The payload with its keys in full. Throws where Home Assistant would refuse it, or one of its components. */
export function discoveryOf(topic: string, document: unknown): Discovery {
  need(/^[^/]+\/device\/[A-Za-z0-9_-]+\/config$/.test(topic), `topic ${topic}`);
  const payload = long(document, SHORT, PAYLOAD);
  const device = long(payload['device'], SHORT_OF_DEVICE, DEVICE);
  need(Array.isArray(device['identifiers']) && device['identifiers'].length > 0, 'identifiers');
  const origin = long(payload['origin'], SHORT_OF_DEVICE, ['name', 'sw_version', 'support_url']);
  need(typeof origin['name'] === 'string', 'the name of the origin');
  need(
    [undefined, 'all', 'any', 'latest'].includes(payload['availability_mode'] as string),
    'availability_mode',
  );
  const availability = (payload['availability'] as unknown[]).map((one) =>
    long(one, SHORT, ['topic', 'value_template', 'payload_available', 'payload_not_available']),
  );
  for (const { topic: one } of availability) need(typeof one === 'string' && !/[+#]/.test(one), 'topic');
  const components = Object.entries(payload['components'] as object).map(([key, one]): [string, Keyed] => {
    const component = long(one, SHORT, SENSOR);
    judgeSensor(component, payload['state_topic']);
    return [key, component];
  });
  const stateTopic = payload['state_topic'];
  return {
    ...{ device, availability, components: Object.fromEntries(components) },
    ...(typeof stateTopic === 'string' && { state_topic: stateTopic }),
  };
}

function judgeSensor(sensor: Keyed, shared: unknown): void {
  need(sensor['platform'] === 'sensor', 'platform');
  need(typeof sensor['unique_id'] === 'string', 'unique_id, which device discovery requires');
  need(typeof (sensor['state_topic'] ?? shared) === 'string', 'state_topic');
  const [unit, state, kind] = ['unit_of_measurement', 'state_class', 'device_class'].map(
    (key) => sensor[key] as string | undefined,
  );
  need(STATE_CLASSES.includes(state), `state_class ${state}`);
  need((kind === 'enum') === (sensor['options'] !== undefined), 'options');
  if (kind === undefined) return;
  const { units, states } = CLASSES[kind] ?? { units: [], states: [] };
  need(units.includes(unit), `${kind} in ${unit}`);
  need(states.includes(state), `${kind} as ${state}`);
}

function long(given: unknown, short: Readonly<Record<string, string>>, known: readonly string[]): Keyed {
  need(typeof given === 'object' && given !== null, 'an object');
  const entries = Object.entries(given as object).map(([key, value]): [string, unknown] => [
    short[key] ?? key,
    value,
  ]);
  for (const [key] of entries) need(known.includes(key), `no key ${key}`);
  need(new Set(entries.map(([key]) => key)).size === entries.length, 'no key twice');
  return Object.fromEntries(entries);
}

function need(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Home Assistant wants ${what}`);
}
