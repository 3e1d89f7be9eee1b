import type { MeasuredValue, Unit } from '../../../hal/contract/index.ts';
import { sampleTopic, stateTopic, stationPrefix, statusTopic } from '../contract/topics.ts';
import { isRegister } from './meter-metrics.ts';
import { quantityName } from './quantity-name.ts';

// Device discovery of Home Assistant's MQTT integration (2024.12 and later), with the abbreviated keys that it documents: a station
// with ten meters announces 250 values, on a link that may be metered.

/** A retained message that makes a device and its values known to Home Assistant. */
export interface Announcement {
  /** The whole topic, outside of `delmonicos/`. */
  readonly topic: `${string}/device/${string}/config`;
  readonly document: object;
}

export interface AnnouncingStation {
  /** Discovery prefix of Home Assistant: one topic level. */
  readonly prefix: string;
  readonly station: string;
  readonly version: string;
}

export interface AnnouncedMeter {
  readonly id: string;
  readonly serial: string;
  readonly profile: string;
  readonly quantities: readonly Quantity[];
}

export type Quantity = Pick<MeasuredValue, 'obis' | 'unit'>;

/** Less than a document may have, so that what is around the components has room. */
const MOST_BYTES = 15 * 1024;

const CLASS_OF: Partial<Record<Unit, string>> = {
  Wh: 'energy',
  W: 'power',
  VA: 'apparent_power',
  var: 'reactive_power',
  V: 'voltage',
  A: 'current',
  Hz: 'frequency',
};

/** The station itself: how it is, and how its evidence is. Pure. */
export function announceStation({ prefix, station, version }: AnnouncingStation): Announcement {
  const root = stationPrefix(station);
  const id = deviceId(station);
  const sensor = (key: string, topic: 'health' | 'journal', name: string, more: object): object => ({
    [key]: { p: 'sensor', uniq_id: `${id}_${key}`, name, stat_t: stateTopic(root, topic), ...more },
  });
  const diagnostic = { ent_cat: 'diagnostic', stat_cla: 'measurement' };
  return {
    topic: `${prefix}/device/${id}/config`,
    document: {
      dev: { ids: [id], name: station, mf: 'Delmonicos', mdl: 'Delmonicos Inside', sw: version },
      o: { name: 'Delmonicos Inside', sw: version },
      avty: [stationIsThere(root)],
      qos: 1,
      cmps: {
        ...sensor('health', 'health', 'health', {
          ...{ dev_cla: 'enum', ops: ['ok', 'unknown', 'warning', 'fault'] },
          val_tpl: '{{ value_json.state }}',
        }),
        ...sensor('entries', 'journal', 'journal entries', {
          ...{ ...diagnostic, stat_cla: 'total_increasing' },
          val_tpl: '{{ value_json.size }}',
        }),
        ...sensor('backlog', 'journal', 'entries not anchored', {
          ...diagnostic,
          val_tpl: '{{ value_json.backlog }}',
        }),
      },
    },
  };
}

/**
 * A meter with its quantities, energy first; those for which 15 KiB have no room are left out. Pure.
 */
export function announceMeter(
  { prefix, station, version }: AnnouncingStation,
  { id: meter, serial, profile, quantities }: AnnouncedMeter,
): Announcement {
  const root = stationPrefix(station);
  const id = `${deviceId(station)}__${deviceId(meter)}`;
  const answers = {
    t: stateTopic(root, `meters/${meter}/status`),
    val_tpl: "{{ 'online' if value_json.state in ('answering', 'failing') else 'offline' }}",
  };
  const components: Record<string, object> = {};
  let bytes = 0;
  for (const quantity of [...quantities].sort(byWeight)) {
    const key = quantity.obis.replaceAll(/[^0-9]+/g, '_');
    const component = sensorOf(quantity, `${id}_${key}`);
    bytes += Buffer.byteLength(JSON.stringify(component)) + key.length + 4;
    if (bytes > MOST_BYTES) break;
    components[key] = component;
  }
  return {
    topic: `${prefix}/device/${id}/config`,
    document: {
      dev: {
        ...{ ids: [id], name: `${station} ${meter}`, mdl: profile, sn: serial },
        via_device: deviceId(station),
      },
      o: { name: 'Delmonicos Inside', sw: version },
      avty: [stationIsThere(root), answers],
      avty_mode: 'all',
      stat_t: sampleTopic(root, meter),
      qos: 1,
      cmps: components,
    },
  };
}

function stationIsThere(root: string): object {
  return { t: statusTopic(root), val_tpl: '{{ value_json.status }}' };
}

/**
 * The value of a sample with that code, where it is good; no text otherwise, which Home Assistant leaves: not every sample has every
 * quantity. Not `value_json.values`, which is a method of a Python dictionary.
 */
function templateOf(code: string): string {
  const good = `value_json['values']|selectattr('obis','eq','${code}')|selectattr('quality','eq','G')`;
  return `{{(${good}|map(attribute='value')|list+[''])[0]}}`;
}

function sensorOf(quantity: Quantity, uniqueId: string): object {
  const { obis: code, unit } = quantity;
  const isEnergy = unit === 'Wh' || unit === 'varh' || unit === 'VAh';
  const isPowerFactor = unit === '1' && /^1-\d+:\d*13\.7\./.test(code);
  const deviceClass = isPowerFactor ? 'power_factor' : CLASS_OF[unit];
  return {
    p: 'sensor',
    uniq_id: uniqueId,
    name: quantityName(code),
    val_tpl: templateOf(code),
    stat_cla: isEnergy ? (isRegister(quantity) ? 'total_increasing' : 'total') : 'measurement',
    ...(deviceClass !== undefined && { dev_cla: deviceClass }),
    ...(unit !== '1' && { unit_of_meas: unit }),
  };
}

const WEIGHT: readonly Unit[] = ['Wh', 'W', 'A', 'V', 'Hz', '1', 'VA', 'var', 'varh', 'VAh'];

function byWeight(a: Quantity, b: Quantity): number {
  return WEIGHT.indexOf(a.unit) - WEIGHT.indexOf(b.unit) || a.obis.localeCompare(b.obis, 'en');
}

/** Home Assistant takes letters, digits, `_` and `-`; anything else is written as `_` and its code point. No two names give one id. */
function deviceId(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9-]/gu, (char) => `_${char.codePointAt(0)?.toString(16)}_`);
  return plain;
}
