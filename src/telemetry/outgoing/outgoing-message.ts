/**
 * What a message is to the queue. `state`: the latest of a retained topic. `reply`: somebody asked for it, and waits. `sample`: one
 * reading of many. `note`: a line of the log, a change of health.
 */
export type MessageKind = 'state' | 'reply' | 'sample' | 'note';

/** MQTT 5 properties (§3.3.2.3); an older broker gets the message without them. */
export interface MessageProperties {
  readonly contentType?: string;
  readonly correlationData?: Buffer;
}

/** One message to publish. `id` names it until it is settled. */
export interface OutgoingMessage {
  readonly id: number;
  readonly kind: MessageKind;
  readonly topic: string;
  readonly payload: Buffer;
  /** Of no use to anybody after this moment; states have none. */
  readonly expiresAtMonoMs?: number;
  readonly properties?: MessageProperties;
  /** Called once: the broker has it, or nobody will send it any more. */
  readonly onSettled?: ((outcome: 'delivered' | 'lost') => void) | undefined;
}
