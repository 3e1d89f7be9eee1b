import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import type { BlockRef } from '../../protocol.ts';
import { headerFromJson } from './block-reader.ts';

/** The finalized head, followed. */
export class FinalizedHeads {
  readonly #onNext: (block: BlockRef) => void;
  #latest: BlockRef | undefined;

  private constructor(onNext: (block: BlockRef) => void) {
    this.#onNext = onNext;
  }

  /** Resolves with the first head known; every later one is handed to `onNext`. */
  static async follow(
    provider: ProviderInterface,
    onNext: (block: BlockRef) => void,
  ): Promise<FinalizedHeads> {
    const heads = new FinalizedHeads(onNext);
    await new Promise<void>((resolve, reject) => {
      provider
        .subscribe('chain_finalizedHead', 'chain_subscribeFinalizedHeads', [], (error, json: unknown) => {
          if (error !== null) return reject(error);
          heads.#advance(json);
          resolve();
        })
        .catch(reject);
    });
    return heads;
  }

  get latest(): BlockRef {
    return this.#latest as BlockRef;
  }

  /** A head that is not above the last one (a lagging server behind a load balancer) is not one. */
  #advance(json: unknown): void {
    const { number, hash } = headerFromJson(json);
    const last = this.#latest;
    if (last !== undefined && number <= last.number) return;
    this.#latest = { number, hash };
    if (last !== undefined) this.#onNext(this.#latest);
  }
}
