// Both chains advancing together: a step seals one parachain block, and one relay block that includes it.
import { setTimeout as delay } from 'node:timers/promises';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type Block, hashHeader } from './chain/block.ts';
import { type Bytes, toHex } from './encoding/bytes.ts';
import { DevnetError } from './errors.ts';
import { devSpec, type Endowment, registrySpec } from './parachain/genesis.ts';
import { Parachain, type RefusedListener } from './parachain/parachain.ts';
import { patchRuntime, specVersionOf } from './parachain/patched-runtime.ts';
import { RELAY_CHAIN_ID, RelayChain } from './relay/relay-chain.ts';
import { RELAY_SLOT_MS } from './relay/relay-runtime.ts';

/** Relay blocks before the first parachain block. A client warp syncs at once when it is more than 32 blocks behind. */
const RELAY_HISTORY = 40;
/** Parachain blocks made before anyone connects: with two, neither the best nor the final block is genesis. */
const PARACHAIN_HISTORY = 2;
/**
 * Slots begin this long ago. A block a second may be sealed for as long as this lasts without standing in the future,
 * which clients refuse; after that, blocks wait for their slot.
 */
const SLOT_HEAD_START_MS = 7 * 24 * 3600 * 1000;
/** Between a block with transactions and its finality: enough for a client to see it "in block" first. */
const FINALITY_DELAY_MS = 250;

export interface ReorgOptions {
  /** How many of the newest parachain blocks are retracted. None of them may be final. */
  readonly depth: number;
  /** Whether the transactions of the retracted blocks go back to the pool (default), or are lost. */
  readonly keepTransactions?: boolean;
}

export interface Reorged {
  /** The parachain blocks that are no longer on the best chain, oldest first. */
  readonly retracted: readonly Block[];
  /** The parachain's new best block. */
  readonly best: Block;
}

/** `stalled`: the GRANDPA voters no longer agree on anything, blocks go on. */
export type FinalityMode = 'live' | 'stalled';

export interface VoterChange {
  /** Of the set that votes once `block` is final. */
  readonly setId: bigint;
  /** The relay block whose header schedules the change. */
  readonly block: Block;
}

export interface UpgradeOptions {
  /** Default: one more than the present one. */
  readonly specVersion?: number;
  /** A call that the metadata of the new runtime lacks: it (and what else has just this name) is called `xxx…` there. */
  readonly without?: string;
}

export interface RuntimeUpgrade {
  readonly specVersion: number;
  /** The parachain block that stores the new code: the one after it is the first that executes it. */
  readonly block: Block;
}

interface Tips {
  readonly parachain: Block;
  readonly relay: Block;
}

interface StepOptions {
  /** What the new blocks stand on (default: the best blocks). */
  readonly on?: Tips;
  readonly takesTransactions?: boolean;
  readonly pendingCode?: Bytes;
  readonly goesAhead?: boolean;
  readonly changesVoters?: boolean;
}

export class DevNetwork {
  readonly relay: RelayChain;
  readonly parachain: Parachain;
  #finality: FinalityMode = 'live';
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(relay: RelayChain, parachain: Parachain) {
    this.relay = relay;
    this.parachain = parachain;
  }

  static async create(endow: readonly Endowment[], onRefused: RefusedListener): Promise<DevNetwork> {
    await cryptoWaitReady();
    const spec = devSpec(registrySpec(), RELAY_CHAIN_ID, endow);
    const parachain = await Parachain.create(spec, Date.now() - SLOT_HEAD_START_MS, onRefused);
    const { genesis } = parachain.chain;
    const heads = new Map([[parachain.paraId, genesis.header]]);
    // The first relay parent stands in the slot of the first parachain block.
    const firstSlot =
      Math.ceil(((genesis.slot + 1) * parachain.slotDurationMs) / RELAY_SLOT_MS) - RELAY_HISTORY;
    const relay = await RelayChain.create(heads, firstSlot);
    for (let i = 1; i <= RELAY_HISTORY; i++) {
      relay.seal(firstSlot + i, { parent: relay.chain.best, heads });
    }
    const network = new DevNetwork(relay, parachain);
    for (let i = 0; i < PARACHAIN_HISTORY; i++) await network.step();
    return network;
  }

  /** Takes its turn after changes under way. Returns the new parachain block: best, and final after the next step. */
  step(): Promise<Block> {
    return this.#inTurn(async () => (await this.#step()).parachain);
  }

  /** Puts an extrinsic in a block, and seals one more block so that the first becomes final. */
  async include(extrinsic: Bytes): Promise<void> {
    this.parachain.submit(extrinsic);
    const block = await this.#inTurn(async () => {
      // A block that was under way may have taken it already.
      return this.parachain.pending > 0 ? (await this.#step()).parachain : this.parachain.chain.best;
    });
    await delay(FINALITY_DELAY_MS);
    if (this.#finality === 'live' && this.parachain.chain.finalized.number < block.number) await this.step();
  }

  /**
   * Replaces the newest parachain blocks, and the relay blocks that include them, by a fork that is one block longer and
   * holds no transactions: those that return to the pool are for the block after it.
   * @throws DevnetError `devnet.bad_input` when one of the blocks is final
   */
  reorg({ depth, keepTransactions = true }: ReorgOptions): Promise<Reorged> {
    return this.#inTurn(async () => {
      const { relay, parachain } = this;
      const retracted = this.#newestParachainBlocks(depth);
      let tips = this.#tipsBefore(retracted);
      do tips = await this.#extend({ on: tips, takesTransactions: false });
      while (tips.parachain !== parachain.chain.best || tips.relay !== relay.chain.best);
      this.#finalizeDue();
      if (keepTransactions) parachain.resubmit(retracted);
      return { retracted, best: tips.parachain };
    });
  }

  /** When finality is live again, one commit makes everything final that is due, but for changes of voters. */
  setFinality(mode: FinalityMode): Promise<void> {
    return this.#inTurn(async () => {
      this.#finality = mode;
      this.#finalizeDue();
    });
  }

  /** Hands GRANDPA over to another set of voters: at once if finality is live, otherwise in its turn when it is again. */
  changeVoters(): Promise<VoterChange> {
    return this.#inTurn(async () => {
      const { relay: block } = await this.#step({ changesVoters: true });
      if (this.#finality === 'live') await this.#step();
      return { setId: this.relay.setIdIn(block), block };
    });
  }

  /**
   * Gives the parachain another runtime, in two blocks: in the first it has the code pending and the relay chain gives
   * the go-ahead, in the second its runtime enacts it. What an earlier upgrade took away is there again.
   * @throws DevnetError `devnet.bad_input`: the version is not higher, or the metadata has no such call
   */
  upgradeRuntime({ specVersion, without }: UpgradeOptions = {}): Promise<RuntimeUpgrade> {
    return this.#inTurn(async () => {
      const { chain } = this.parachain;
      const state = chain.stateAt(chain.best);
      const patch = { specVersion: specVersion ?? specVersionOf(state) + 1 };
      const genesis = chain.stateAt(chain.genesis);
      const wanted = without === undefined ? patch : { ...patch, without };
      const pendingCode = await patchRuntime(genesis, state, wanted);
      await this.#step({ pendingCode, goesAhead: true });
      const { parachain: block } = await this.#step();
      return { specVersion: patch.specVersion, block };
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#lastChange.then(work);
    this.#lastChange = done.catch(() => undefined);
    return done;
  }

  async #step(options: StepOptions = {}): Promise<Tips> {
    const tips = await this.#extend(options);
    this.#finalizeDue();
    return tips;
  }

  /** Seals and announces one block of each chain. */
  async #extend(options: StepOptions): Promise<Tips> {
    const { relay, parachain } = this;
    const { on, takesTransactions, pendingCode, goesAhead = false, changesVoters } = options;
    const relayParent = on?.relay ?? relay.chain.best;
    await waitUntil(parachain.nextSlot(relayParent) * parachain.slotDurationMs);
    const block = await parachain.seal(relay, {
      parent: on?.parachain ?? parachain.chain.best,
      relayParent,
      ...(takesTransactions === undefined ? {} : { takesTransactions }),
      ...(pendingCode === undefined ? {} : { pendingCode }),
    });
    parachain.chain.announce(block);
    const relayBlock = relay.seal(relay.nextSlot((block.slot + 1) * parachain.slotDurationMs), {
      parent: relayParent,
      heads: new Map([[parachain.paraId, block.header]]),
      goAheads: new Set(goesAhead ? [parachain.paraId] : []),
      ...(changesVoters === undefined ? {} : { changesVoters }),
    });
    relay.chain.announce(relayBlock);
    return { parachain: block, relay: relayBlock };
  }

  /**
   * Finality lags by one block, as on a real chain: a light client does nothing with a transaction while the best block
   * is final. One vote a step: where sets of voters have ended, several steps make everything final.
   */
  #finalizeDue(): void {
    const { relay, parachain } = this;
    const target = relay.chain.best.parent;
    if (this.#finality === 'stalled' || target === undefined) return;
    const block = relay.finalize(target);
    if (block === undefined) return;
    const included = parachain.chain.blockByHash(hashHeader(relay.headIn(block, parachain.paraId)));
    if (included !== undefined) parachain.chain.finalize(included);
    relay.chain.announceFinalized(block);
  }

  #newestParachainBlocks(count: number): readonly Block[] {
    const { best, finalized } = this.parachain.chain;
    const notFinal = best.number - finalized.number;
    if (!Number.isInteger(count) || count < 1 || count > notFinal) {
      throw new DevnetError('devnet.bad_input', `cannot retract ${count} blocks: ${notFinal} are not final`);
    }
    const blocks: Block[] = [];
    for (let at: Block | undefined = best; at !== undefined && blocks.length < count; at = at.parent) {
      blocks.unshift(at);
    }
    return blocks;
  }

  /** The last blocks of both chains before any of these parachain blocks. */
  #tipsBefore([first]: readonly Block[]): Tips {
    const parachain = first?.parent ?? this.parachain.chain.genesis;
    let relay = this.relay.chain.best;
    while (toHex(hashHeader(this.relay.headIn(relay, this.parachain.paraId))) !== toHex(parachain.hash)) {
      if (relay.parent === undefined) break;
      relay = relay.parent;
    }
    return { parachain, relay };
  }
}

async function waitUntil(at: number): Promise<void> {
  const ms = at - Date.now();
  if (ms > 0) await delay(ms);
}
