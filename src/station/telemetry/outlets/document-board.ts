import type { MeterSample } from '../../../../hal/contract/index.ts';
import type {
  HealthDocument,
  JournalDocument,
  LineStatusDocument,
  MeterStatusDocument,
  MetricFacts,
  StationStateDocument,
  SyncDocument,
} from '../../../telemetry/index.ts';

type Held = Pick<MetricFacts, 'state' | 'journal' | 'sync' | 'health' | 'meters' | 'lines' | 'samples'>;

/** The newest document of each topic and the newest value of each quantity, as they were last published. */
export class DocumentBoard {
  #state: StationStateDocument | undefined;
  #journal: JournalDocument | undefined;
  #sync: SyncDocument | undefined;
  #health: HealthDocument | undefined;
  readonly #meters = new Map<string, MeterStatusDocument>();
  readonly #lines = new Map<string, LineStatusDocument>();
  readonly #samples = new Map<string, MeterSample>();

  /** Topics and documents are as of `publishState`; what nobody shows is left. */
  put(topic: string, document: object): void {
    if (topic === 'state') this.#state = document as StationStateDocument;
    else if (topic === 'journal') this.#journal = document as JournalDocument;
    else if (topic === 'sync') this.#sync = document as SyncDocument;
    else if (topic === 'health') this.#health = document as HealthDocument;
    else if (topic.startsWith('meters/')) this.#meters.set(idIn(topic), document as MeterStatusDocument);
    else if (topic.startsWith('lines/')) this.#lines.set(idIn(topic), document as LineStatusDocument);
  }

  /** A quantity that is not in this sample keeps its value of before: meters are asked for some of them less often. */
  putSample(meterId: string, sample: MeterSample): void {
    const before = this.#samples.get(meterId);
    if (before === undefined || before.meterSerial !== sample.meterSerial) {
      this.#samples.set(meterId, sample);
      return;
    }
    const gone = new Set([...sample.values, ...(sample.missing ?? [])].map(({ obis }) => obis));
    const kept = before.values.filter(({ obis }) => !gone.has(obis));
    this.#samples.set(
      meterId,
      kept.length === 0 ? sample : { ...sample, values: [...sample.values, ...kept] },
    );
  }

  held(): Held {
    return {
      ...{ state: this.#state, journal: this.#journal, sync: this.#sync, health: this.#health },
      ...{ meters: this.#meters, lines: this.#lines, samples: this.#samples },
    };
  }
}

/** `meters/<id>/status`; an id may hold slashes. */
function idIn(topic: string): string {
  return topic.slice(topic.indexOf('/') + 1, topic.lastIndexOf('/'));
}
