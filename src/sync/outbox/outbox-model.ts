// What an outbox is, what can happen to it and what it may want done. The decisions are in outbox-machine.ts.
import type { AnchorEvidence, BlockRef, Hex } from '../../chain/index.ts';
import type {
  AnchorIntent,
  Attempt,
  DispatchOutcome,
  Intent,
  PublishEvidence,
  PublishIntent,
} from './intent.ts';

/** What is known since the link is up; gone with it. */
export interface LinkMemory {
  /** The command whose result is awaited. One at a time. */
  readonly pending: 'sign' | 'submit' | 'locate' | null;
  /** Of which attempt the place is asked for, and up to which finalized block, while `pending` is `locate`. */
  readonly locating: { readonly ordinal: number; readonly upTo: number } | null;
  /** An attempt that is in no finalized block yet, though its nonce is said to be used: its era is waited for. */
  readonly absent: number | null;
  /** Finalized height when the attempt was last handed over on this link; null: not yet. */
  readonly submittedAt: number | null;
  readonly finalizedNumber: number;
  /** A block said to hold the attempt. Only saves a search. */
  readonly hint: Hex | null;
}

export interface Outbox {
  /** The intent being worked on; the only one that may have an attempt in flight. */
  readonly current: Intent | null;
  /** A newer checkpoint that waits for the current intent to be resolved. */
  readonly next: AnchorIntent | null;
  /** Entries that wait for their turn. Nothing ever takes their place. */
  readonly publish: PublishIntent | null;
  /** An anchor went before these entries: the next turn is theirs, so that they get one however often is anchored. */
  readonly publishFirst: boolean;
  readonly nextId: number;
  /** Intents with a smaller id are of a log that was set aside: they are resolved, but never signed again. */
  readonly ownFrom: number;
  /** Null: no link. */
  readonly link: LinkMemory | null;
}

/** Names one attempt. News of any other one is of no account. */
interface OfAttempt {
  readonly intentId: number;
  readonly ordinal: number;
}

export interface PlannedAnchor {
  readonly type: 'planned';
  readonly checkpoint: string;
  readonly size: number;
  readonly root: Hex;
  readonly atMs: number;
}

export type PlannedPublish = Pick<
  PublishIntent,
  'size' | 'root' | 'fromIndex' | 'toIndex' | 'payload' | 'entries' | 'entriesSoFar' | 'skippedSoFar'
> & { readonly type: 'planned-publish'; readonly atMs: number };

export type OutboxEvent =
  | PlannedAnchor
  /** Passed over while other entries wait to be published or are on their way. */
  | PlannedPublish
  | { readonly type: 'link-up' }
  | { readonly type: 'link-down' }
  /** The station was moved to another chain: what was signed for the old one is worth nothing here. */
  | { readonly type: 'chain-changed' }
  /** Intents before `from` are of a log that was set aside. */
  | { readonly type: 'log-replaced'; readonly from: number }
  /**
   * Nonce at a finalized block: of the station's account, or, `retired`, of the one that signed the attempt in flight and that
   * a rotation of keys has replaced since. A retired account's nonce says what became of the attempt, and nothing else.
   */
  | { readonly type: 'facts'; readonly finalized: BlockRef; readonly nonce: number; readonly retired?: true }
  | { readonly type: 'signed'; readonly intentId: number; readonly attempt: Attempt }
  /** The network took the bytes, or refused them: either way they may be anywhere. */
  | ({ readonly type: 'submitted' } & OfAttempt)
  | ({ readonly type: 'included'; readonly block: BlockRef } & OfAttempt)
  | ({ readonly type: 'retracted' } & OfAttempt)
  /** Something happened to the attempt (finalized, dropped): look at the facts. */
  | ({ readonly type: 'hint'; readonly block: Hex | null } & OfAttempt)
  /** In a finalized block. Of entries that were published only the place is kept. */
  | ({
      readonly type: 'located';
      readonly evidence: AnchorEvidence | PublishEvidence;
      readonly outcome?: DispatchOutcome;
    } & OfAttempt)
  | ({ readonly type: 'absent' } & OfAttempt)
  | ({ readonly type: 'out-of-reach'; readonly why: string } & OfAttempt);

export type OutboxCommand =
  /** Read the account's nonce at the newest finalized block. */
  | { readonly type: 'ask-facts' }
  | { readonly type: 'sign'; readonly intent: Intent; readonly nonce: number; readonly birth: BlockRef }
  | { readonly type: 'submit'; readonly intent: Intent; readonly attempt: Attempt }
  /** Find the attempt in the finalized blocks of its era, up to `finalized`. */
  | {
      readonly type: 'locate';
      readonly intent: Intent;
      readonly attempt: Attempt;
      readonly finalized: BlockRef;
      readonly hint: Hex | null;
    };

export interface Step {
  readonly outbox: Outbox;
  /** To be made durable, in one transaction, before any command. */
  readonly changed: readonly Intent[];
  readonly commands: readonly OutboxCommand[];
}
