// The relay chain: blocks that are put together, not executed, over a state that only holds what light clients and
// parachains read.
import { auraPreRuntime, type Block } from '../chain/block.ts';
import { Chain } from '../chain/chain.ts';
import { genesisOfState } from '../chain/chain-spec.ts';
import { alice } from '../chain/dev-keys.ts';
import { type Bytes, concat } from '../encoding/bytes.ts';
import { encodeBytes, encodeUint, encodeVec, ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { get, put, type State } from '../storage/state.ts';
import * as keys from '../storage/storage-keys.ts';
import { EMPTY_TRIE_ROOT } from '../storage/trie.ts';
import { type FinalityProof, GrandpaVoters } from './grandpa.ts';
import { assembleRelayRuntime, RELAY_SLOT_MS } from './relay-runtime.ts';

export const RELAY_CHAIN_ID = 'devnet_relay';
/** Bytes a parachain block and its proofs may have: relay chains say so, light clients pass it on. */
export const MAX_POV_SIZE = 5 * 1024 * 1024;

/** `AbridgedHostConfiguration` of polkadot-primitives: what a parachain's runtime reads to know its limits. */
const HOST_CONFIGURATION = {
  maxCodeSize: 3 * 1024 * 1024,
  maxHeadDataSize: 20_480,
  maxUpwardQueueCount: 10,
  maxUpwardQueueSize: 50_000,
  maxUpwardMessageSize: 50_000,
  maxUpwardMessagesPerCandidate: 10,
  hrmpMaxMessagesPerCandidate: 10,
  validationUpgradeCooldown: 100,
  validationUpgradeDelay: 10,
  asyncBackingMaxCandidateDepth: 3,
  asyncBackingAllowedAncestryLength: 2,
};

export interface RelayStep {
  readonly block: Block;
  readonly finalized: Block | undefined;
}

export class RelayChain {
  readonly slotDurationMs = RELAY_SLOT_MS;
  readonly chain: Chain;
  readonly grandpa = new GrandpaVoters([alice('ed25519')]);
  readonly #finalityProofs = new Map<Block, FinalityProof>();

  private constructor(chain: Chain) {
    this.chain = chain;
  }

  /** `heads`: the genesis header of each parachain by id. The genesis block stands in `slot`. */
  static async create(heads: ReadonlyMap<number, Bytes>, slot: number): Promise<RelayChain> {
    const state: State = new Map();
    put(state, keys.CODE, await assembleRelayRuntime());
    put(state, keys.AURA_AUTHORITIES, encodeVec([alice('sr25519').publicKey]));
    put(state, keys.GRANDPA_AUTHORITIES, encodeVec([concat(alice('ed25519').publicKey, encodeUint(1, 8))]));
    put(state, keys.GRANDPA_SET_ID, encodeUint(0, 8));
    put(
      state,
      keys.ACTIVE_CONFIG,
      concat(...Object.values(HOST_CONFIGURATION).map((value) => encodeUint(value, 4))),
    );
    writeBlockDependent(state, slot, { number: 0, stateRoot: new Uint8Array(32) }, heads);
    const spec = {
      name: 'Devnet Relay',
      id: RELAY_CHAIN_ID,
      chainType: 'Development',
      bootNodes: [],
      telemetryEndpoints: null,
      protocolId: null,
      properties: {},
      codeSubstitutes: {},
      genesis: genesisOfState(state),
    };
    return new RelayChain(new Chain(spec, 1, slot));
  }

  /** The header of the parachain block that a relay block includes. */
  headIn(block: Block, paraId: number): Bytes {
    const head = get(this.chain.stateAt(block), keys.parachainHead(paraId));
    if (head === undefined) throw new DevnetError('devnet.bad_input', `no parachain ${paraId}`);
    return new ScaleReader(head).bytes();
  }

  /** Of every final block but genesis. */
  finalityProofOf(block: Block): FinalityProof | undefined {
    return this.#finalityProofs.get(block);
  }

  /**
   * Seals a block that includes these parachain heads, and finalizes its parent. Finality lags by one block, as on a
   * real chain: a light client does nothing with a transaction while the best block is final. The caller announces.
   */
  seal(slot: number, heads: ReadonlyMap<number, Bytes>): RelayStep {
    const parent = this.chain.best;
    const state: State = new Map(this.chain.stateAt(parent));
    const stateRoot = this.chain.trieAt(parent).root;
    writeBlockDependent(state, slot, { number: parent.number, stateRoot }, heads);
    const block = this.chain.seal({
      state,
      slot,
      body: [],
      extrinsicsRoot: EMPTY_TRIE_ROOT,
      digest: [auraPreRuntime(slot)],
    });
    return { block, finalized: parent === this.chain.genesis ? undefined : this.#finalize(parent) };
  }

  #finalize(block: Block): Block {
    this.#finalityProofs.set(block, this.grandpa.finalize(block));
    this.chain.finalize(block);
    return block;
  }
}

interface RelayParent {
  readonly number: number;
  readonly stateRoot: Bytes;
}

function writeBlockDependent(
  state: State,
  slot: number,
  parent: RelayParent,
  heads: ReadonlyMap<number, Bytes>,
): void {
  put(state, keys.BABE_CURRENT_SLOT, encodeUint(slot, 8));
  put(
    state,
    keys.VALIDATION_DATA_TAIL,
    concat(encodeUint(parent.number, 4), parent.stateRoot, encodeUint(MAX_POV_SIZE, 4)),
  );
  for (const [paraId, header] of heads) put(state, keys.parachainHead(paraId), encodeBytes(header));
}
