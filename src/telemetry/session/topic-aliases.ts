/**
 * Which topics a number stands for in one session (MQTT 5 §3.3.2.3.4): the first of those that come again and again, as many as
 * the broker takes. None is given to another topic later: where there is one topic more than numbers, handing them round would make every
 * message three bytes longer instead of shorter by its topic.
 */
export class TopicAliases {
  readonly #maximum: number;
  readonly #given = new Set<string>();

  /** @param maximum Topic Alias Maximum of the CONNACK; 0: the broker takes none */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** The number that this message is to introduce; undefined: its topic has one already, or none is left for it. */
  introduce(topic: string): number | undefined {
    if (this.#given.has(topic) || this.#given.size >= this.#maximum) return undefined;
    this.#given.add(topic);
    return this.#given.size;
  }
}
