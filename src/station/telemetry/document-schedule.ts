import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { StateDocumentOf, StateTopic } from '../../telemetry/index.ts';
import type { RetainedDocument } from './retained-document.ts';

/** How often figures may be renewed: what a day's budget allows for. */
export interface DocumentPace {
  /**
   * The oldest that the figures of a topic's document may become, in ms; Infinity: they come along with news only. Asked at each
   * look, so it may change as the day's budget is used up.
   */
  figuresEveryMs(topic: StateTopic): number;
}

export interface DocumentScheduleOptions {
  readonly documents: readonly RetainedDocument[];
  readonly publish: <Topic extends StateTopic>(topic: Topic, document: StateDocumentOf<Topic>) => void;
  readonly pace: DocumentPace;
  readonly clock: MonotonicClock;
  /** A document cannot be made or published, from now on: it is tried again with each look, and the others go on. */
  readonly onError: (topic: StateTopic, error: unknown) => void;
}

/** How often it is looked whether there is news, or figures are due. */
const LOOK_EVERY_MS = 5_000;
/** News of one topic follow each other no faster: a meter that comes and goes with every read is told of every five seconds. */
const NEWS_REST_MS = 4_000;

interface Told {
  readonly news: string;
  readonly atMonoMs: number;
}

/** Publishes each retained document when it has news, and its figures as often as the pace allows. Never throws. */
export class DocumentSchedule {
  readonly #options: DocumentScheduleOptions;
  readonly #told = new Map<StateTopic, Told>();
  readonly #failing = new Set<StateTopic>();
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: DocumentScheduleOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Something has happened: whether it is news of a topic, or of any, is looked at now. */
  look(topic?: StateTopic): void {
    for (const document of this.#options.documents)
      if (topic === undefined || document.topic === topic) this.#lookAt(document);
  }

  /** Ends the looking; what was last looked at stays as it was published. With `last`, those topics are published once more. */
  async stop(last: readonly StateTopic[] = []): Promise<void> {
    this.#abort.abort();
    await this.#running;
    for (const document of this.#options.documents)
      if (last.includes(document.topic)) this.#attempt(document, () => this.#publish(document, ''));
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#abort.signal.aborted) {
      this.look();
      await clock.sleep(LOOK_EVERY_MS, this.#abort.signal).catch(() => undefined);
    }
  }

  #lookAt(document: RetainedDocument): void {
    this.#attempt(document, () => {
      const news = document.news();
      if (news === undefined) return;
      const told = this.#told.get(document.topic);
      const ageMs = this.#options.clock.nowMonoMs() - (told?.atMonoMs ?? -Infinity);
      const isNews = news !== told?.news && ageMs >= NEWS_REST_MS;
      if (isNews || ageMs >= this.#options.pace.figuresEveryMs(document.topic)) this.#publish(document, news);
    });
  }

  #publish(document: RetainedDocument, news: string): void {
    this.#options.publish(document.topic, document.make());
    this.#told.set(document.topic, { news, atMonoMs: this.#options.clock.nowMonoMs() });
  }

  /** A view that cannot be made is no reason to end anything. */
  #attempt(document: RetainedDocument, act: () => void): void {
    try {
      act();
      this.#failing.delete(document.topic);
    } catch (error) {
      if (!this.#failing.has(document.topic)) this.#options.onError(document.topic, error);
      this.#failing.add(document.topic);
    }
  }
}
