import {
  type AccountFacts,
  bytesToHex,
  decodeSignedExtrinsic,
  type Hex,
  hexToBytes,
} from '../../chain/index.ts';
import { noFunds } from '../signing/fee-policy.ts';
import { isInFlight } from '../outbox/intent.ts';
import type { OutboxKeeper } from '../outbox/outbox-keeper.ts';
import type { OutboxEvent } from '../outbox/outbox-model.ts';
import type { ChainAccount, Gateway } from '../ports.ts';

export interface FactsPorts {
  readonly request: Gateway['request'];
  readonly keeper: OutboxKeeper;
  readonly account: ChainAccount;
  readonly isOver: () => boolean;
  /** Seen, whether it is of use or not. */
  readonly onSeen: (facts: AccountFacts, isOwn: boolean) => void;
  /** The chain tells of a past that was left behind already. */
  readonly isBehind: (finalizedNumber: number) => boolean;
  readonly dispatch: (event: OutboxEvent) => void;
}

/** Asks for the nonce that says what to do next. One question at a time; asked again if somebody wanted to know meanwhile. */
export class FactsAsker {
  readonly #ports: FactsPorts;
  #asking = false;
  #again = false;

  constructor(ports: FactsPorts) {
    this.#ports = ports;
  }

  /** Rejects with what the gateway rejects with, or `sync.no_funds` when there is something to sign and no money at all. */
  async ask(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    try {
      do {
        this.#again = false;
        const publicKey = this.#inQuestion();
        const facts = await this.#ports.request('account', { publicKey });
        // Meanwhile the attempt of a retired account may have ended, or one have been found: that one's nonce is another.
        if (publicKey !== this.#inQuestion()) this.#again = true;
        else this.#use(facts, publicKey);
      } while (this.#again && !this.#ports.isOver());
    } finally {
      this.#asking = false;
    }
  }

  /** Whose nonce says what to do next: of the account that signed what is in flight, which may be one from before a rotation. */
  #inQuestion(): Hex {
    const { keeper, account } = this.#ports;
    const { current } = keeper.outbox;
    const attempt = current !== null && isInFlight(current) ? current.attempt : null;
    const extrinsic = attempt && decodeSignedExtrinsic(hexToBytes(attempt.extrinsic));
    const signer = extrinsic !== null && !('why' in extrinsic) ? extrinsic.signer : undefined;
    return bytesToHex(signer ?? account.publicKey);
  }

  #use(facts: AccountFacts, publicKey: Hex): void {
    const { keeper, account, onSeen, isBehind, dispatch } = this.#ports;
    const { finalized, nonce, free } = facts;
    const isOwn = publicKey === bytesToHex(account.publicKey);
    onSeen(facts, isOwn);
    if (isBehind(finalized.number)) return;
    const { current } = keeper.outbox;
    if (current !== null && !isInFlight(current) && free === '0') {
      throw noFunds(account.ss58, 'has no money to pay for an anchor', { nonce });
    }
    dispatch({ type: 'facts', finalized, nonce, ...(!isOwn && { retired: true }) });
  }
}
