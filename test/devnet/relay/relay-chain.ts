// The relay chain: blocks that are put together, not executed, over a state that only holds what light clients and
// parachains read.
import type { KeyringPair } from '@polkadot/keyring/types';
import { auraPreRuntime, type Block } from '../chain/block.ts';
import { Chain } from '../chain/chain.ts';
import { genesisOfState } from '../chain/chain-spec.ts';
import { alice, DEV_NAMES, devPair } from '../chain/dev-keys.ts';
import { type Bytes, concat, EMPTY, toHex } from '../encoding/bytes.ts';
import { decodeUint, encodeBytes, encodeUint, encodeVec, ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { get, put, type State } from '../storage/state.ts';
import * as keys from '../storage/storage-keys.ts';
import { EMPTY_TRIE_ROOT } from '../storage/trie.ts';
import { encodeAuthorityList, type FinalityProof, GrandpaVoters, scheduledChange } from './grandpa.ts';
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

/** `UpgradeGoAhead::GoAhead` of polkadot-primitives. */
const GO_AHEAD = Uint8Array.of(1);

/** What a relay block does besides being one. */
export interface RelayBlockContent {
  /** On which block it stands. */
  readonly parent: Block;
  /** The parachain heads that it includes, by id. */
  readonly heads: ReadonlyMap<number, Bytes>;
  /** Parachains that may enact the code they have pending, by id. The permission holds for blocks built on this one. */
  readonly goAheads?: ReadonlySet<number>;
  /** Schedules a change to the next set of GRANDPA voters. */
  readonly changesVoters?: boolean;
}

export class RelayChain {
  readonly slotDurationMs = RELAY_SLOT_MS;
  readonly chain: Chain;
  readonly grandpa = new GrandpaVoters(votersOf(0n));
  readonly #finalityProofs = new Map<Block, FinalityProof>();
  /** The id of the set that begins when the block is final. */
  readonly #voterChanges = new Map<Block, bigint>();
  readonly #handOvers: Block[] = [];

  private constructor(chain: Chain) {
    this.chain = chain;
  }

  /** `heads`: the genesis header of each parachain by id. The genesis block stands in `slot`. */
  static async create(heads: ReadonlyMap<number, Bytes>, slot: number): Promise<RelayChain> {
    const state: State = new Map();
    put(state, keys.CODE, await assembleRelayRuntime());
    put(state, keys.AURA_AUTHORITIES, encodeVec([alice('sr25519').publicKey]));
    put(state, keys.GRANDPA_AUTHORITIES, encodeAuthorityList(votersOf(0n)));
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

  /** Of the blocks that were voted on: with each, all before it became final. */
  finalityProofOf(block: Block): FinalityProof | undefined {
    return this.#finalityProofs.get(block);
  }

  /** The final blocks that end a set of voters, oldest first. */
  get handOvers(): readonly Block[] {
    return this.#handOvers;
  }

  /** The id of the set that votes once a block is final. */
  setIdIn(block: Block): bigint {
    return decodeUint(get(this.chain.stateAt(block), keys.GRANDPA_SET_ID) ?? EMPTY);
  }

  /** Whether the parachain may enact its pending code in blocks built on this one. */
  goesAhead(block: Block, paraId: number): boolean {
    return get(this.chain.stateAt(block), keys.upgradeGoAheadSignal(paraId)) !== undefined;
  }

  /** The slot of the next block: not before the one that `after` (milliseconds since 1970) is in. */
  nextSlot(afterMs: number): number {
    return Math.max(this.chain.lastSlot + 1, Math.ceil(afterMs / this.slotDurationMs));
  }

  /** The caller finalizes, and announces. */
  seal(slot: number, { parent, heads, goAheads, changesVoters = false }: RelayBlockContent): Block {
    const state: State = new Map(this.chain.stateAt(parent));
    const stateRoot = this.chain.trieAt(parent).root;
    writeBlockDependent(state, slot, { number: parent.number, stateRoot }, heads);
    for (const paraId of heads.keys()) {
      const key = keys.upgradeGoAheadSignal(paraId);
      if (goAheads?.has(paraId) === true) put(state, key, GO_AHEAD);
      else state.delete(toHex(key));
    }
    const digest = [auraPreRuntime(slot)];
    const nextSetId = 1n + this.setIdIn(parent);
    if (changesVoters) {
      put(state, keys.GRANDPA_AUTHORITIES, encodeAuthorityList(votersOf(nextSetId)));
      put(state, keys.GRANDPA_SET_ID, encodeUint(nextSetId, 8));
      digest.push(scheduledChange(votersOf(nextSetId)));
    }
    const block = this.chain.seal({ parent, state, slot, body: [], extrinsicsRoot: EMPTY_TRIE_ROOT, digest });
    if (changesVoters) this.#voterChanges.set(block, nextSetId);
    return block;
  }

  /**
   * One vote: on a block of the best chain, or on the first one before it that ends a set, for that set votes no further.
   * Returns what became final with it.
   */
  finalize(target: Block): Block | undefined {
    for (let number = this.chain.finalized.number + 1; number <= target.number; number++) {
      const block = this.chain.blockByNumber(number);
      if (block === undefined) break;
      const nextSetId = this.#voterChanges.get(block);
      if (nextSetId === undefined && block !== target) continue;
      this.#finalityProofs.set(block, this.grandpa.finalize(block));
      this.chain.finalize(block);
      if (nextSetId !== undefined) {
        this.#handOvers.push(block);
        this.grandpa.handOver(votersOf(nextSetId));
      }
      return block;
    }
    return undefined;
  }
}

/** Set 0 is //Alice alone; each later one is four of six, another four each time. */
function votersOf(setId: bigint): readonly KeyringPair[] {
  if (setId === 0n) return [alice('ed25519')];
  const first = Number(setId % BigInt(DEV_NAMES.length));
  const names = [...DEV_NAMES, ...DEV_NAMES].slice(first, first + 4);
  return names.map((name) => devPair('ed25519', name));
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
