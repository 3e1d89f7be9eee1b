// What an outbox is, what can happen to it and what it may want done. The decisions are in outbox-machine.ts.
import type { AnchorEvidence, BlockRef, Hex } from '../chain/index.ts';
import type { Attempt, Intent } from './intent.ts';

/** What is known since the link is up; gone with it. */
export interface LinkMemory {
  /** The command whose result is awaited. One at a time. */
  readonly pending: 'sign' | 'submit' | 'locate' | null;
  /** Finalized height when the attempt was last handed over on this link; null: not yet. */
  readonly submittedAt: number | null;
  readonly finalizedNumber: number;
  /** A block said to hold the attempt. Only saves a search. */
  readonly hint: Hex | null;
}

export interface Outbox {
  /** The intent being worked on; the only one that may have an attempt in flight. */
  readonly current: Intent | null;
  /** A newer checkpoint that waits for the current one to be resolved. */
  readonly next: Intent | null;
  readonly nextId: number;
  /** Intents with a smaller id are of a log that was set aside: they are resolved, but never signed again. */
  readonly ownFrom: number;
  /** Null: no link. */
  readonly link: LinkMemory | null;
}

export type OutboxEvent =
  | {
      readonly type: 'planned';
      readonly checkpoint: string;
      readonly size: number;
      readonly root: Hex;
      readonly atMs: number;
    }
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
  | { readonly type: 'submitted'; readonly intentId: number; readonly ordinal: number }
  | {
      readonly type: 'included';
      readonly intentId: number;
      readonly ordinal: number;
      readonly block: BlockRef;
    }
  | { readonly type: 'retracted'; readonly intentId: number; readonly ordinal: number }
  /** Something happened to the attempt (finalized, dropped): look at the facts. */
  | { readonly type: 'hint'; readonly intentId: number; readonly ordinal: number; readonly block: Hex | null }
  | {
      readonly type: 'located';
      readonly intentId: number;
      readonly ordinal: number;
      readonly evidence: AnchorEvidence;
    }
  | { readonly type: 'absent'; readonly intentId: number; readonly ordinal: number }
  | {
      readonly type: 'out-of-reach';
      readonly intentId: number;
      readonly ordinal: number;
      readonly why: string;
    };

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
