// The parachain: each block is built by the real runtime, on top of a proof of its relay chain's state.
import {
  auraPreRuntime,
  type Block,
  decodeHeader,
  encodeHeader,
  RUNTIME_ENVIRONMENT_UPDATED,
} from '../chain/block.ts';
import { Chain } from '../chain/chain.ts';
import { type RawChainSpec, stateOfGenesis } from '../chain/chain-spec.ts';
import { type RuntimeCall, runCalls, stateVersionOf } from '../chain/runtime.ts';
import { type Bytes, concat, EMPTY, toHex, utf8 } from '../encoding/bytes.ts';
import {
  decodeUint,
  encodeBytes,
  encodeCompact,
  encodeUint,
  encodeVec,
  ScaleReader,
} from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { MAX_POV_SIZE, type RelayChain } from '../relay/relay-chain.ts';
import { RELAY_SLOT_MS } from '../relay/relay-runtime.ts';
import { get, put, type State } from '../storage/state.ts';
import { PENDING_VALIDATION_CODE, readByParachain, SYSTEM_DIGEST } from '../storage/storage-keys.ts';

/** Called with an extrinsic that is not valid on the state it came to, and its `TransactionValidityError`, SCALE-encoded. */
export type RefusedListener = (extrinsic: Bytes, reason: Bytes) => void;

const OK = 0;

/** What a block does besides being the next one. */
export interface ParachainBlockContent {
  readonly parent: Block;
  /** The relay block in whose context it is built. */
  readonly relayParent: Block;
  /** False: it holds inherents only (default: true, all transactions of the pool that are valid). */
  readonly takesTransactions?: boolean;
  /** Code that waits in the state, from this block on, for the relay chain's go-ahead: as if governance had put it there. */
  readonly pendingCode?: Bytes;
}

export class Parachain {
  readonly chain: Chain;
  readonly paraId: number;
  readonly slotDurationMs: number;
  readonly #pool = new Map<string, Bytes>();
  readonly #onRefused: RefusedListener;
  /** The transactions of each block, in hex, and whether their calls succeeded. */
  readonly #outcomes = new WeakMap<Block, ReadonlyMap<string, boolean>>();

  private constructor(chain: Chain, paraId: number, slotDurationMs: number, onRefused: RefusedListener) {
    this.chain = chain;
    this.paraId = paraId;
    this.slotDurationMs = slotDurationMs;
    this.#onRefused = onRefused;
  }

  /** Genesis stands in the slot that began before `startAt` (milliseconds since 1970). */
  static async create(spec: RawChainSpec, startAt: number, onRefused: RefusedListener): Promise<Parachain> {
    const paraId = spec['para_id'];
    if (typeof paraId !== 'number')
      throw new DevnetError('devnet.bad_input', 'the specification has no para_id');
    const state = stateOfGenesis(spec.genesis);
    const [stateVersion, slotDuration] = await Promise.all([
      stateVersionOf(state),
      runCalls(state, [{ method: 'AuraApi_slot_duration', argument: EMPTY }]),
    ]);
    const slotDurationMs = Number(decodeUint(slotDuration.result));
    const chain = new Chain(spec, stateVersion, Math.floor(startAt / slotDurationMs));
    return new Parachain(chain, paraId, slotDurationMs, onRefused);
  }

  /** Queues an extrinsic (with its length prefix) for the next block. One that is queued already stays queued once. */
  submit(extrinsic: Bytes): void {
    this.#pool.set(toHex(extrinsic), extrinsic);
  }

  get pending(): number {
    return this.#pool.size;
  }

  /** Whether the call inside of an extrinsic of a block succeeded; undefined for inherents. */
  succeeded(block: Block, extrinsic: Bytes): boolean | undefined {
    return this.#outcomes.get(block)?.get(toHex(extrinsic));
  }

  /** Returns the transactions of retracted blocks to the pool, before those that came since. */
  resubmit(retracted: readonly Block[]): void {
    const newer = [...this.#pool.values()];
    this.#pool.clear();
    const transactions = retracted.flatMap((block) =>
      block.body.filter((extrinsic) => this.succeeded(block, extrinsic) !== undefined),
    );
    for (const extrinsic of [...transactions, ...newer]) this.submit(extrinsic);
  }

  /** The slot of the next block: runtimes with async backing insist on the slot that the relay parent is in. */
  nextSlot(relayParent: Block): number {
    return Math.max(
      this.chain.lastSlot + 1,
      Math.floor((relayParent.slot * RELAY_SLOT_MS) / this.slotDurationMs),
    );
  }

  /**
   * Builds and seals a block. It becomes final when the relay chain finalizes a block that includes it. The caller
   * announces.
   * @throws DevnetError `devnet.runtime_failed`
   */
  async seal(relay: RelayChain, content: ParachainBlockContent): Promise<Block> {
    const { parent, relayParent, takesTransactions = true, pendingCode } = content;
    const slot = this.nextSlot(relayParent);
    const before = new Map(this.chain.stateAt(parent));
    if (pendingCode !== undefined) put(before, PENDING_VALIDATION_CODE, encodeBytes(pendingCode));
    const started = await runCalls(before, [
      { method: 'Core_initialize_block', argument: draftHeader(parent, slot) },
      { method: 'BlockBuilder_inherent_extrinsics', argument: this.#inherentData(relay, content, slot) },
    ]);
    const inherents = new ScaleReader(started.result).extrinsics();
    const transactions = takesTransactions ? this.#takeAll() : [];
    const applied = await this.#applyAll(started.state, inherents, transactions);
    const enacts = relay.goesAhead(relayParent, this.paraId);
    const ready = enacts ? await tellOfNewCode(applied) : applied;
    // An inherent that was refused shows here: the runtime panics without it.
    const done = await runCalls(ready.state, [
      ...ready.waiting,
      { method: 'BlockBuilder_finalize_block', argument: EMPTY },
    ]);
    const { extrinsicsRoot, digest } = decodeHeader(done.result);
    const block = this.chain.seal({
      parent,
      state: done.state,
      slot,
      body: applied.body,
      extrinsicsRoot,
      digest,
    });
    this.#outcomes.set(block, applied.outcomes);
    return block;
  }

  #takeAll(): readonly Bytes[] {
    const transactions = [...this.#pool.values()];
    this.#pool.clear();
    return transactions;
  }

  /** Applies inherents and transactions. Calls whose result does not matter may be left `waiting` for the next run. */
  async #applyAll(
    state: State,
    inherents: readonly Bytes[],
    transactions: readonly Bytes[],
  ): Promise<Applied> {
    const apply = (extrinsic: Bytes): RuntimeCall => ({
      method: 'BlockBuilder_apply_extrinsic',
      argument: extrinsic,
    });
    const body = [...inherents];
    const outcomes = new Map<string, boolean>();
    let current = state;
    let waiting = inherents.map(apply);
    for (const extrinsic of transactions) {
      const { result, state: after } = await runCalls(current, [...waiting, apply(extrinsic)]);
      // `ApplyExtrinsicResult`: Result<Result<(), DispatchError>, TransactionValidityError>.
      if (result[0] !== OK) {
        // Refused as invalid: it must leave no trace.
        this.#onRefused(extrinsic, result.subarray(1));
        continue;
      }
      outcomes.set(toHex(extrinsic), result[1] === OK);
      current = after;
      body.push(extrinsic);
      waiting = [];
    }
    return { state: current, body, waiting, outcomes };
  }

  /** `InherentData`: the runtime makes timestamp.set and parachainSystem.setValidationData of it. */
  #inherentData(relay: RelayChain, { parent, relayParent }: ParachainBlockContent, slot: number): Bytes {
    const relayTrie = relay.chain.trieAt(relayParent);
    const persistedValidationData = concat(
      encodeBytes(parent.header),
      encodeUint(relayParent.number, 4),
      relayTrie.root,
      encodeUint(MAX_POV_SIZE, 4),
    );
    const noMessages = encodeCompact(0);
    const parachainInherentData = concat(
      persistedValidationData,
      relayTrie.proofOfKeys(readByParachain(this.paraId)),
      noMessages,
      noMessages,
    );
    return encodeVec([
      concat(utf8('timstap0'), encodeBytes(encodeUint(slot * this.slotDurationMs, 8))),
      concat(utf8('sysi1337'), encodeBytes(parachainInherentData)),
    ]);
  }
}

interface Applied {
  readonly state: State;
  readonly body: readonly Bytes[];
  readonly waiting: readonly RuntimeCall[];
  readonly outcomes: ReadonlyMap<string, boolean>;
}

/**
 * The runtimes of 2022 enact pending code without saying so in the header, whence no light client would notice. Those of
 * today deposit a digest item (`System::update_code_in_storage`): it is added to the digest as that would do.
 */
async function tellOfNewCode(applied: Applied): Promise<Applied> {
  const { state } = await runCalls(applied.state, applied.waiting);
  const reader = new ScaleReader(get(state, SYSTEM_DIGEST) ?? Uint8Array.of(0));
  const items = reader.length();
  const digest = concat(encodeCompact(items + 1), reader.rest(), RUNTIME_ENVIRONMENT_UPDATED);
  put(state, SYSTEM_DIGEST, digest);
  return { ...applied, state, waiting: [] };
}

/** The header as far as it is known before the block is built. */
function draftHeader({ hash, number }: Block, slot: number): Bytes {
  const unknown = new Uint8Array(32);
  return encodeHeader({
    parentHash: hash,
    number: number + 1,
    stateRoot: unknown,
    extrinsicsRoot: unknown,
    digest: [auraPreRuntime(slot)],
  });
}
