import { formatDecimal, type MeasuredValue, type Unit } from '../../../hal/contract/index.ts';
import type { MetricFamily, MetricSample } from './exposition.ts';
import type { MetricFacts } from './metric-facts.ts';

type Kind = Pick<MetricFamily, 'name' | 'type' | 'help'>;

/** Cumulative registers (IEC 62056-61: D 8, time integral 1), of any tariff, of a quantity that never falls. */
const REGISTER = /^1-\d+:(\d+)\.8\.\d+\*255$/;
/** Their quantities: of each phase and of all, imported and exported; reactive by direction, sum and quadrant; apparent. */
const NEVER_FALLS = (quantity: number): boolean => {
  if (quantity === 0 || quantity >= 80) return false;
  const ofPhase = quantity % 20;
  return (ofPhase >= 1 && ofPhase <= 10) || ofPhase === 15;
};

const REGISTERS: Partial<Record<Unit, Kind>> = {
  Wh: counter('energy_watthours', 'Active energy register.'),
  varh: counter('reactive_energy_varhours', 'Reactive energy register.'),
  VAh: counter('apparent_energy_voltamperehours', 'Apparent energy register.'),
};

const MOMENTARY: Readonly<Record<Unit, Kind>> = {
  Wh: gauge('energy_balance_watthours', 'Active energy that may also fall, or of a period.'),
  varh: gauge('reactive_energy_balance_varhours', 'Reactive energy that may also fall, or of a period.'),
  VAh: gauge(
    'apparent_energy_balance_voltamperehours',
    'Apparent energy that may also fall, or of a period.',
  ),
  W: gauge('power_watts', 'Active power; positive is import.'),
  var: gauge('reactive_power_vars', 'Reactive power.'),
  VA: gauge('apparent_power_voltamperes', 'Apparent power.'),
  V: gauge('voltage_volts', 'Voltage.'),
  A: gauge('current_amperes', 'Current.'),
  Hz: gauge('frequency_hertz', 'Frequency.'),
  '1': gauge('ratio', 'A number without unit, such as a power factor.'),
};

const ALL_KINDS: readonly Kind[] = [...Object.values(REGISTERS), ...Object.values(MOMENTARY)];

/**
 * What the meters show. A value that is not good is left out, and so are those of a meter that does not answer any more: a figure
 * that is there was read from the meter lately. Digits are those of the meter. Pure.
 */
export function valueFamilies({ station, samples, meters }: MetricFacts): MetricFamily[] {
  const found = new Map<Kind, MetricSample[]>(ALL_KINDS.map((kind) => [kind, []]));
  for (const [meter, { values }] of samples) {
    if (!isAnswering(meters.get(meter)?.state)) continue;
    for (const measured of values) {
      if (measured.quality !== 'G') continue;
      const labels = { station, meter, obis: measured.obis };
      found.get(kindOf(measured))?.push({ labels, value: formatDecimal(measured.value) });
    }
  }
  return [...found].map(([kind, of]) => ({ ...kind, samples: of }));
}

/** Whether the last reading still says what is. */
export function isAnswering(state: string | undefined): boolean {
  return state === 'answering' || state === 'failing';
}

/** Whether a quantity is a register that never falls. */
export function isRegister({ obis, unit }: Pick<MeasuredValue, 'obis' | 'unit'>): boolean {
  const quantity = REGISTER.exec(obis)?.[1];
  return quantity !== undefined && REGISTERS[unit] !== undefined && NEVER_FALLS(Number(quantity));
}

function kindOf(measured: MeasuredValue): Kind {
  return (isRegister(measured) ? REGISTERS[measured.unit] : undefined) ?? MOMENTARY[measured.unit];
}

function counter(name: string, help: string): Kind {
  return { name: `delmonicos_meter_${name}_total`, type: 'counter', help };
}

function gauge(name: string, help: string): Kind {
  return { name: `delmonicos_meter_${name}`, type: 'gauge', help };
}

/** How the meters are read. Pure. */
export function meterFamilies({ station, meters, nowMonoMs }: MetricFacts): MetricFamily[] {
  const all = [...meters].map(([meter, document]) => ({ labels: { station, meter }, document }));
  type Each = (typeof all)[number];
  const each = (value: (one: Each) => number | undefined): MetricSample[] =>
    all.flatMap((one) => {
      const found = value(one);
      return found === undefined ? [] : [{ labels: one.labels, value: found }];
    });
  const of = (kind: Kind, value: (document: Each['document']) => number | null): MetricFamily => ({
    ...kind,
    samples: each(({ document }) => value(document) ?? undefined),
  });
  return [
    {
      ...gauge('info', 'Which meter it is.'),
      samples: all.map(({ labels, document: { meter } }) => ({
        labels: { ...labels, serial: meter.serial ?? '', profile: meter.profile },
        value: 1,
      })),
    },
    of(gauge('up', 'Whether the meter answers.'), ({ state }) => Number(isAnswering(state))),
    of(counter('readings', 'Readings since the start.'), ({ samples }) => samples),
    of(counter('failures', 'Reads that failed since the start.'), ({ failures }) => failures),
    of(counter('skipped_slots', 'Slots that passed unread since the start.'), (one) => one.skippedSlots),
    of(counter('implausible', 'Values marked as implausible since the start.'), (one) => one.implausible),
    of(gauge('reading_age_seconds', 'Time since the last complete reading.'), ({ lastSampleMs }) =>
      lastSampleMs === null ? null : Math.max(0, nowMonoMs - lastSampleMs) / 1_000,
    ),
  ];
}

/** What the lines carry. Pure. */
export function lineFamilies({ station, lines }: MetricFacts): MetricFamily[] {
  const all = [...lines].map(([line, document]) => ({ labels: { station, line }, document }));
  type Document = (typeof all)[number]['document'];
  const of = (
    name: string,
    type: MetricFamily['type'],
    help: string,
    value: (document: Document) => number | string | null,
  ): MetricFamily => ({
    ...{ name: `delmonicos_line_${name}`, type, help },
    samples: all.flatMap(({ labels, document }) => {
      const found = value(document);
      return found === null ? [] : [{ labels, value: found }];
    }),
  });
  const inSeconds = (ms: string | undefined): number | null => (ms === undefined ? null : Number(ms) / 1_000);
  return [
    of('up', 'gauge', 'Whether the line is open.', ({ state }) => Number(state === 'open')),
    of('requests_total', 'counter', 'Requests put on the wire, repetitions included.', (one) => one.requests),
    of('answers_total', 'counter', 'Requests that were answered.', (one) => one.answers),
    {
      ...{ name: 'delmonicos_line_errors_total', type: 'counter', help: 'What failed on the line, by code.' },
      samples: all.flatMap(({ labels, document: { errors } }) =>
        Object.entries(errors).map(([code, value]) => ({ labels: { ...labels, code }, value })),
      ),
    },
    of('sent_bytes_total', 'counter', 'Bytes put on the line.', ({ bytes }) => bytes.sent),
    of('received_bytes_total', 'counter', 'Bytes taken from the line.', ({ bytes }) => bytes.received),
    of('latency_mean_seconds', 'gauge', 'From a request to its whole answer, mean since the start.', (one) =>
      inSeconds(one.latencyMs?.mean),
    ),
    of(
      'latency_max_seconds',
      'gauge',
      'From a request to its whole answer, longest since the start.',
      (one) => inSeconds(one.latencyMs?.max),
    ),
  ];
}
