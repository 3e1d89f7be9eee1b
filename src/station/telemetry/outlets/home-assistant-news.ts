import type { MeterSample } from '../../../../hal/contract/index.ts';
import type { StationConfig } from '../../../config/index.ts';
import {
  announceMeter,
  announceStation,
  type Announcement,
  type AnnouncingStation,
  type Quantity,
  type Telemetry,
} from '../../../telemetry/index.ts';

/** What a meter that is misread, or lies, can make us remember. */
const MOST_QUANTITIES = 128;

interface Known {
  readonly serial: string;
  readonly quantities: Map<string, Quantity>;
}

/** Which meters and quantities Home Assistant was told of; a profile may be asked for some of them only once an hour. */
export class HomeAssistantNews {
  readonly #station: AnnouncingStation;
  readonly #known = new Map<string, Known>();

  constructor(station: AnnouncingStation) {
    this.#station = station;
  }

  /** What to announce because of this sample; undefined: nothing in it is new. */
  of(id: string, { meterSerial, profileId, values }: MeterSample): Announcement | undefined {
    const before = this.#known.get(id);
    const known = before?.serial === meterSerial ? before : { serial: meterSerial, quantities: new Map() };
    const sizeBefore = known.quantities.size;
    for (const { obis, unit } of values)
      if (known.quantities.size < MOST_QUANTITIES && !known.quantities.has(obis))
        known.quantities.set(obis, { obis, unit });
    if (known === before && known.quantities.size === sizeBefore) return undefined;
    this.#known.set(id, known);
    const quantities = [...known.quantities.values()];
    return announceMeter(this.#station, { id, serial: meterSerial, profile: profileId, quantities });
  }
}

/** Announces the station, and each meter as its quantities are seen, where that is configured. */
export function announceTo(
  telemetry: Pick<Telemetry, 'announce'>,
  { station: { name }, telemetry: { mqtt } }: Pick<StationConfig, 'station' | 'telemetry'>,
  version: string,
): (event: { readonly meterId: string; readonly sample: MeterSample }) => void {
  const prefix = mqtt?.homeAssistant?.prefix;
  if (prefix === undefined) return () => {};
  const station = { prefix, station: name, version };
  telemetry.announce(announceStation(station));
  const known = new HomeAssistantNews(station);
  return ({ meterId, sample }) => {
    const news = known.of(meterId, sample);
    if (news !== undefined) telemetry.announce(news);
  };
}
