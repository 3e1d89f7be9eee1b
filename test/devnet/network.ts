// Both chains advancing together: a step seals one parachain block, and one relay block that includes it.
import { setTimeout as delay } from 'node:timers/promises';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { type Block, hashHeader } from './chain/block.ts';
import { type Bytes } from './encoding/bytes.ts';
import { DevnetError } from './errors.ts';
import { devSpec, type Endowment, registrySpec } from './parachain/genesis.ts';
import { Parachain, type RefusedListener } from './parachain/parachain.ts';
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
  /** A name (of a call, of a pallet) that the metadata of the new runtime lacks: another of the same length is there. */
  readonly without?: string;
}

export interface RuntimeUpgrade {
  readonly specVersion: number;
  /** The parachain block that stores the new code: the one after it is the first that executes it. */
  readonly block: Block;
}

export class DevNetwork {
  readonly relay: RelayChain;
  readonly parachain: Parachain;
  #lastStep: Promise<unknown> = Promise.resolve();

  private constructor(relay: RelayChain, parachain: Parachain) {
    this.relay = relay;
    this.parachain = parachain;
  }

  static async create(endow: readonly Endowment[], onRefused: RefusedListener): Promise<DevNetwork> {
    await cryptoWaitReady();
    const spec = devSpec(registrySpec(), RELAY_CHAIN_ID, endow);
    const parachain = await Parachain.create(spec, Date.now() - SLOT_HEAD_START_MS, onRefused);
    const { genesis } = parachain.chain;
    // The first relay parent stands in the slot of the first parachain block.
    const firstSlot =
      Math.ceil(((genesis.slot + 1) * parachain.slotDurationMs) / RELAY_SLOT_MS) - RELAY_HISTORY;
    const relay = await RelayChain.create(new Map([[parachain.paraId, genesis.header]]), firstSlot);
    for (let i = 1; i <= RELAY_HISTORY; i++) relay.seal(firstSlot + i, new Map());
    const network = new DevNetwork(relay, parachain);
    for (let i = 0; i < PARACHAIN_HISTORY; i++) await network.step();
    return network;
  }

  /** Takes its turn after steps under way. Returns the new parachain block: best, and final after the next step. */
  step(): Promise<Block> {
    return this.#inTurn(() => this.#step());
  }

  /** Puts an extrinsic in a block, and seals one more block so that the first becomes final. */
  async include(extrinsic: Bytes): Promise<void> {
    this.parachain.submit(extrinsic);
    const block = await this.#inTurn(async () => {
      // A block that was under way may have taken it already.
      return this.parachain.pending > 0 ? await this.#step() : this.parachain.chain.best;
    });
    await delay(FINALITY_DELAY_MS);
    if (this.parachain.chain.finalized.number < block.number) await this.step();
  }

  /**
   * Replaces the newest parachain blocks, and the relay blocks that include them, by a longer fork.
   * @throws DevnetError `devnet.bad_input` when one of them is final
   */
  async reorg(options: ReorgOptions): Promise<Reorged> {
    throw new DevnetError('devnet.unsupported', `reorg of ${options.depth} blocks`);
  }

  /** When finality is live again, one commit makes everything final that is due. */
  async setFinality(mode: FinalityMode): Promise<void> {
    throw new DevnetError('devnet.unsupported', `finality ${mode}`);
  }

  /** Hands GRANDPA over to another set of voters. */
  async changeVoters(): Promise<VoterChange> {
    throw new DevnetError('devnet.unsupported', 'change of voters');
  }

  /** Gives the parachain another runtime. @throws DevnetError `devnet.bad_input` when `without` is not in its metadata */
  async upgradeRuntime(options: UpgradeOptions): Promise<RuntimeUpgrade> {
    throw new DevnetError('devnet.unsupported', `upgrade of the runtime to ${options.specVersion}`);
  }

  #inTurn(work: () => Promise<Block>): Promise<Block> {
    const done = this.#lastStep.then(work);
    this.#lastStep = done.catch(() => undefined);
    return done;
  }

  async #step(): Promise<Block> {
    const { relay, parachain } = this;
    await waitUntil(parachain.nextSlot(relay) * parachain.slotDurationMs);
    const block = await parachain.seal(relay);
    parachain.chain.announce(undefined);
    const slotAfter = Math.ceil(((block.slot + 1) * parachain.slotDurationMs) / relay.slotDurationMs);
    const heads = new Map([[parachain.paraId, block.header]]);
    const { finalized } = relay.seal(Math.max(relay.chain.best.slot + 1, slotAfter), heads);
    this.#finalizeIncluded(finalized);
    relay.chain.announce(finalized);
    return block;
  }

  #finalizeIncluded(finalizedRelayBlock: Block | undefined): void {
    if (finalizedRelayBlock === undefined) return;
    const head = this.relay.headIn(finalizedRelayBlock, this.parachain.paraId);
    const included = this.parachain.chain.blockByHash(hashHeader(head));
    if (included !== undefined) this.parachain.chain.finalize(included);
  }
}

async function waitUntil(at: number): Promise<void> {
  const ms = at - Date.now();
  if (ms > 0) await delay(ms);
}
