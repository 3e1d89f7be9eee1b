import type { Purpose } from './daily-budget.ts';

/**
 * What a message is to the queue. `state`: the latest of a retained topic. `answer`: somebody asked for it, and waits. `change`: what was
 * raised or cleared. `log`: a line. `sample`: one reading of many, or several put together. `backfill`: journal entries.
 */
export type MessageKind = 'state' | 'answer' | 'change' | 'log' | 'sample' | 'backfill';

/** MQTT 5 properties (§3.3.2.3); an older broker gets the message without them. */
export interface MessageProperties {
  readonly contentType?: string;
  readonly correlationData?: Buffer;
}

/** One message to publish. `id` names it until it is settled. */
export interface OutgoingMessage {
  readonly id: number;
  readonly kind: MessageKind;
  /** What its bytes are spent on. */
  readonly purpose: Purpose;
  readonly topic: string;
  readonly payload: Buffer;
  /** Of no use to anybody after this moment; states have none. */
  readonly expiresAtMonoMs?: number;
  /** In place of it: of no use so long after it was sent, however long it waited for that. */
  readonly lifetimeMs?: number;
  /** Readings that it stands for. */
  readonly samples?: number;
  readonly properties?: MessageProperties;
  /** Called once: the broker has it, or nobody will send it any more. */
  readonly onSettled?: ((outcome: 'delivered' | 'lost') => void) | undefined;
}
