// The parachain: each block is built by the real runtime, on top of a proof of its relay chain's state.
import { auraPreRuntime, type Block, decodeHeader, encodeHeader } from '../chain/block.ts';
import { Chain } from '../chain/chain.ts';
import { type RawChainSpec, stateOfGenesis } from '../chain/chain-spec.ts';
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
import { type State } from '../storage/state.ts';
import { type RuntimeCall, runCalls, stateVersionOf } from './runtime.ts';

/** Called with an extrinsic that is not valid on the state it came to, and its `TransactionValidityError`, SCALE-encoded. */
export type RefusedListener = (extrinsic: Bytes, reason: Bytes) => void;

const OK = 0;

export class Parachain {
  readonly chain: Chain;
  readonly paraId: number;
  readonly slotDurationMs: number;
  readonly #pool = new Map<string, Bytes>();
  readonly #onRefused: RefusedListener;
  /** Whether the call succeeded, by extrinsic in a block. */
  readonly #succeeded = new Map<string, boolean>();

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

  /** Whether the call inside of an extrinsic in a block succeeded; undefined for inherents and extrinsics never seen. */
  succeeded(extrinsic: Bytes): boolean | undefined {
    return this.#succeeded.get(toHex(extrinsic));
  }

  /** The slot of the next block: runtimes with async backing insist on the slot that the relay parent is in. */
  nextSlot(relay: RelayChain): number {
    const relaySlot = Math.floor((relay.chain.best.slot * relay.slotDurationMs) / this.slotDurationMs);
    return Math.max(this.chain.best.slot + 1, relaySlot);
  }

  /**
   * Builds and seals the next block on the relay chain's best one, with the queued extrinsics that are valid. It becomes
   * final when the relay chain finalizes a block that includes it. The caller announces.
   */
  async seal(relay: RelayChain): Promise<Block> {
    const parent = this.chain.best;
    const slot = this.nextSlot(relay);
    const started = await runCalls(this.chain.stateAt(parent), [
      { method: 'Core_initialize_block', argument: this.#draftHeader(slot) },
      { method: 'BlockBuilder_inherent_extrinsics', argument: this.#inherentData(relay, slot) },
    ]);
    const inherents = new ScaleReader(started.result).extrinsics();
    const applied = await this.#applyAll(started.state, inherents);
    // An inherent that was refused shows here: the runtime panics without it.
    const done = await runCalls(applied.state, [
      ...applied.waiting,
      { method: 'BlockBuilder_finalize_block', argument: EMPTY },
    ]);
    const { extrinsicsRoot, digest } = decodeHeader(done.result);
    return this.chain.seal({ state: done.state, slot, body: applied.body, extrinsicsRoot, digest });
  }

  /** Applies inherents and queued extrinsics. Calls whose result does not matter may be left `waiting` for the next run. */
  async #applyAll(
    state: State,
    inherents: readonly Bytes[],
  ): Promise<{ state: State; body: readonly Bytes[]; waiting: readonly RuntimeCall[] }> {
    const apply = (extrinsic: Bytes): RuntimeCall => ({
      method: 'BlockBuilder_apply_extrinsic',
      argument: extrinsic,
    });
    const body = [...inherents];
    const extrinsics = [...this.#pool.values()];
    this.#pool.clear();
    let current = state;
    let waiting = inherents.map(apply);
    for (const extrinsic of extrinsics) {
      const { result, state: after } = await runCalls(current, [...waiting, apply(extrinsic)]);
      // `ApplyExtrinsicResult`: Result<Result<(), DispatchError>, TransactionValidityError>.
      if (result[0] !== OK) {
        // Refused as invalid: it must leave no trace.
        this.#onRefused(extrinsic, result.subarray(1));
        continue;
      }
      this.#succeeded.set(toHex(extrinsic), result[1] === OK);
      current = after;
      body.push(extrinsic);
      waiting = [];
    }
    return { state: current, body, waiting };
  }

  #draftHeader(slot: number): Bytes {
    const { hash, number } = this.chain.best;
    const unknown = new Uint8Array(32);
    return encodeHeader({
      parentHash: hash,
      number: number + 1,
      stateRoot: unknown,
      extrinsicsRoot: unknown,
      digest: [auraPreRuntime(slot)],
    });
  }

  /** `InherentData`: the runtime makes timestamp.set and parachainSystem.setValidationData of it. */
  #inherentData(relay: RelayChain, slot: number): Bytes {
    const relayTrie = relay.chain.trieAt(relay.chain.best);
    const persistedValidationData = concat(
      encodeBytes(this.chain.best.header),
      encodeUint(relay.chain.best.number, 4),
      relayTrie.root,
      encodeUint(MAX_POV_SIZE, 4),
    );
    const noMessages = encodeCompact(0);
    const parachainInherentData = concat(
      persistedValidationData,
      relayTrie.proofOfAll(),
      noMessages,
      noMessages,
    );
    return encodeVec([
      concat(utf8('timstap0'), encodeBytes(encodeUint(slot * this.slotDurationMs, 8))),
      concat(utf8('sysi1337'), encodeBytes(parachainInherentData)),
    ]);
  }
}
