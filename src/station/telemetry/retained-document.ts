import type { StateDocumentOf, StateTopic } from '../../telemetry/index.ts';

/** One retained document of the contract: how it is made, and what of it cannot wait. */
export interface RetainedDocument<Topic extends StateTopic = StateTopic> {
  readonly topic: Topic;
  /**
   * What is published at once when it becomes another text; the rest are figures, which always move and wait for their interval.
   * Asked every few seconds: it must cost little. Undefined: there is nothing to publish (yet).
   */
  news(): string | undefined;
  /** As things are now. Called only when it is published. */
  make(): StateDocumentOf<Topic>;
}
