// Both chains without any peer: what a reorg, a stall, a change of voters and an upgrade do to blocks, pool and state.
import { decode_proof } from '@acala-network/chopsticks-executor';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Block, decodeHeader } from '../../devnet/chain/block.ts';
import { runCalls } from '../../devnet/chain/runtime.ts';
import { type Bytes, concat, EMPTY, fromHex, type Hex, toHex, utf8 } from '../../devnet/encoding/bytes.ts';
import { ScaleReader } from '../../devnet/encoding/scale.ts';
import { DevNetwork } from '../../devnet/network.ts';
import { specVersionOf } from '../../devnet/parachain/patched-runtime.ts';
import { scheduledChange } from '../../devnet/relay/grandpa.ts';
import { get, put, type State } from '../../devnet/storage/state.ts';
import { CODE, systemAccount } from '../../devnet/storage/storage-keys.ts';
import { signRemark } from '../../support/sync/signed-remark.ts';

const SPEC_VERSION = 900;
const RUNTIME_ENVIRONMENT_UPDATED = '0x08';
/** `TransactionValidityError::Invalid(BadProof)` */
const BAD_PROOF = '0x0004';

describe('the two chains', { timeout: 60_000 }, () => {
  let network: DevNetwork;
  let station: ReturnType<Keyring['addFromUri']>;
  let nonce = 0;
  const refused: string[] = [];

  const sign = (specVersion = SPEC_VERSION) =>
    fromHex(
      signRemark({
        signer: station,
        nonce,
        genesisHash: toHex(network.parachain.chain.genesis.hash),
        specVersion,
        remark: utf8(`remark ${nonce}`),
      }),
    );
  const heights = () => {
    const { relay, parachain } = network;
    return [relay.chain, parachain.chain].map(({ best, finalized }) => [best.number, finalized.number]);
  };
  const hexBody = (block: Block) => block.body.map(toHex);

  // One network for all: it takes a second to make.
  beforeAll(async () => {
    await cryptoWaitReady();
    station = new Keyring({ type: 'ed25519' }).addFromUri('//station');
    network = await DevNetwork.create(
      [{ publicKey: station.publicKey, balance: 10n ** 16n }],
      (_extrinsic, reason) => refused.push(toHex(reason)),
    );
  });

  afterEach(async () => {
    await network.setFinality('live');
    refused.length = 0;
  });

  it('fork together: the relay chain leaves the blocks that included what is retracted', async () => {
    await network.setFinality('stalled');
    const retracted = [await network.step(), await network.step()];
    const relayBefore = network.relay.chain.best;
    const [[relayHeight = 0] = [], [height = 0] = []] = heights();

    const reorged = await network.reorg({ depth: 2 });

    expect(reorged.retracted).toEqual(retracted);
    expect(reorged.best.number).toBe(height + 1);
    expect(network.relay.chain.best.number).toBe(relayHeight + 1);
    expect(network.relay.chain.isBestChain(relayBefore)).toBe(false);
    for (const block of retracted) {
      expect(network.parachain.chain.isBestChain(block)).toBe(false);
      expect(network.parachain.chain.blockByHash(block.hash)).toBe(block);
    }
    const heads = [];
    const { finalized } = network.relay.chain;
    for (let at = network.relay.chain.best; at !== finalized && at.parent !== undefined; at = at.parent) {
      heads.push(toHex(network.relay.headIn(at, network.parachain.paraId)));
    }
    expect(heads.some((head) => retracted.some(({ header }) => toHex(header) === head))).toBe(false);
  });

  it('return the transactions of retracted blocks to the pool in their order, or lose them', async () => {
    await network.setFinality('stalled');
    const transactions = [];
    for (; nonce < 2; nonce += 1) {
      const transaction = sign();
      transactions.push(transaction);
      network.parachain.submit(transaction);
      await network.step();
    }
    const { best } = await network.reorg({ depth: 2 });
    expect(transactions.filter((each) => hexBody(best).includes(toHex(each)))).toEqual([]);
    const again = await network.step();
    expect(hexBody(again).slice(-2)).toEqual(transactions.map(toHex));
    expect(transactions.map((transaction) => network.parachain.succeeded(again, transaction))).toEqual([
      true,
      true,
    ]);

    await network.reorg({ depth: 1, keepTransactions: false });
    const without = hexBody(await network.step());
    expect(transactions.filter((each) => without.includes(toHex(each)))).toEqual([]);
    expect(refused).toEqual([]);
    nonce = 0;
  });

  it('do not retract what is final, nor nothing', async () => {
    for (const depth of [0, -1, 1.5, 2, Number.NaN]) {
      await expect(network.reorg({ depth })).rejects.toMatchObject({ code: 'devnet.bad_input' });
    }
    const { retracted } = await network.reorg({ depth: 1 });
    expect(retracted).toHaveLength(1);
  });

  it('keep the state of a fork until another one is final', async () => {
    await network.setFinality('stalled');
    const retracted = await network.step();
    await network.reorg({ depth: 1 });
    const { chain } = network.parachain;
    expect(chain.stateAt(retracted).size).toBeGreaterThan(0);
    await network.setFinality('live');
    expect(() => chain.stateAt(retracted)).toThrow(expect.objectContaining({ code: 'devnet.state_pruned' }));
  });

  it('finalize with one vote what a stall has left', async () => {
    await network.setFinality('stalled');
    const before = heights();
    const voted: number[] = [];
    network.relay.chain.listen((event) => {
      if (event.kind === 'finalized') voted.push(event.block.number);
    });
    for (let i = 0; i < 5; i++) await network.step();
    expect(heights().map(([, finalized]) => finalized)).toEqual(before.map(([, finalized]) => finalized));
    await network.setFinality('live');
    expect(voted).toEqual([network.relay.chain.best.number - 1]);
    expect(heights()).toEqual(before.map(([best = 0]) => [best + 5, best + 4]));
  });

  it('let each set of voters vote on the block that ends it, and nothing after', async () => {
    await network.setFinality('stalled');
    const first = await network.changeVoters();
    await network.step();
    const second = await network.changeVoters();
    await network.step();
    expect([first.setId, second.setId]).toEqual([1n, 2n]);
    expect(network.relay.handOvers).toEqual([]);
    await network.setFinality('live');
    expect(network.relay.handOvers).toEqual([first.block]);
    expect(network.relay.chain.finalized).toBe(first.block);
    await network.step();
    expect(network.relay.handOvers).toEqual([first.block, second.block]);
    expect(network.relay.chain.finalized).toBe(second.block);
    await network.step();
    expect(network.relay.chain.finalized).toBe(network.relay.chain.best.parent);
    const signedBy = [first.block, second.block].map((block) => network.relay.finalityProofOf(block)?.setId);
    expect(signedBy).toEqual([0n, 1n]);
    const [, item] = decodeHeader(first.block.header).digest;
    const names = ['Bob', 'Charlie', 'Dave', 'Eve'];
    const next = names.map((name) => new Keyring({ type: 'ed25519' }).addFromUri(`//${name}`));
    expect(toHex(item ?? EMPTY)).toBe(toHex(scheduledChange(next)));
  });

  it('forget a change of voters that is retracted', async () => {
    await network.setFinality('stalled');
    const { setId } = await network.changeVoters();
    await network.reorg({ depth: 1 });
    await network.setFinality('live');
    await network.step();
    expect(network.relay.grandpa.setId).toBe(setId - 1n);
    expect(await network.changeVoters()).toMatchObject({ setId });
  });

  it('prove a call of the runtime by what it reads, and by no more', async () => {
    const { chain } = network.parachain;
    const state = chain.stateAt(chain.best);
    const call = { method: 'AccountNonceApi_account_nonce', argument: station.publicKey };
    const proof = await chain.proofOfCall(chain.best, call);
    expect(nodesOf(proof).join('').length / 2).toBeLessThan(2_000);

    const root = toHex(chain.trieAt(chain.best).root);
    const decoded = (await decode_proof(root, nodesOf(proof))) as [string, string | null][];
    const proven: State = new Map(
      decoded.flatMap(([key, value]) => (value === null ? [] : [[key, fromHex(value)] as const])),
    );
    const account = systemAccount(station.publicKey);
    expect(toHex(get(proven, account) ?? EMPTY)).toBe(toHex(get(state, account) ?? EMPTY));
    put(proven, CODE, get(state, CODE) ?? EMPTY);
    expect((await runCalls(proven, [call])).result).toEqual((await runCalls(state, [call])).result);

    // A call that reads nothing is proved by the top of the trie.
    const constant = { method: 'AuraApi_slot_duration', argument: EMPTY };
    expect(nodesOf(await chain.proofOfCall(chain.best, constant))).toHaveLength(1);
    const unknown = chain.proofOfCall(chain.best, { method: 'No_such_call', argument: EMPTY });
    await expect(unknown).rejects.toMatchObject({ code: 'devnet.runtime_failed' });
  });

  it('enact a retracted upgrade again when it was pending before the fork, and otherwise leave it behind', async () => {
    await network.setFinality('stalled');
    const { chain } = network.parachain;
    const bestVersion = () => specVersionOf(chain.stateAt(chain.best));
    const { block } = await network.upgradeRuntime();
    await network.reorg({ depth: 1 });
    const again = chain.blockByNumber(block.number);
    expect(again).not.toBe(block);
    expect(decodeHeader(again?.header ?? EMPTY).digest.map(toHex)).toContain(RUNTIME_ENVIRONMENT_UPDATED);
    expect(bestVersion()).toBe(SPEC_VERSION + 1);

    await network.reorg({ depth: 3 });
    expect(bestVersion()).toBe(SPEC_VERSION);
  });

  it('take one call out of the metadata, and no other name', async () => {
    const metadata = async () => {
      const { chain } = network.parachain;
      const call = { method: 'Metadata_metadata', argument: EMPTY };
      const { result } = await runCalls(chain.stateAt(chain.best), [call]);
      return Buffer.from(result).toString('latin1');
    };
    const before = await metadata();
    const { chain } = network.parachain;
    const versionBefore = specVersionOf(chain.stateAt(chain.best));
    const { specVersion } = await network.upgradeRuntime({ without: 'remark_with_event' });
    const after = await metadata();
    // The constant System.Version is in the metadata too, between the authoring and the implementation version.
    const version = (spec: number) => Buffer.from(Uint32Array.of(1, spec, 0).buffer).toString('latin1');
    expect(after).toBe(
      before
        .replace('remark_with_event', 'x'.repeat(17))
        .replace(version(versionBefore), version(specVersion)),
    );
    const absent = network.upgradeRuntime({ without: 'remark_without_event' });
    await expect(absent).rejects.toMatchObject({ code: 'devnet.bad_input' });
  });

  it('bring a call back that an earlier upgrade took away', async () => {
    const { chain } = network.parachain;
    const { specVersion, block } = await network.upgradeRuntime();
    const { result } = await runCalls(chain.stateAt(block), [
      { method: 'Metadata_metadata', argument: EMPTY },
    ]);
    expect(Buffer.from(result).toString('latin1')).toContain('remark_with_event');
    expect(specVersionOf(chain.stateAt(block))).toBe(specVersion);
    await expect(network.upgradeRuntime({ specVersion })).rejects.toMatchObject({ code: 'devnet.bad_input' });
  });

  it('enact another runtime, whose version each signature must be for', async () => {
    const { chain } = network.parachain;
    const { specVersion, block } = await network.upgradeRuntime({ specVersion: 4_711 });
    expect(specVersion).toBe(4_711);
    expect(decodeHeader(block.header).digest.map(toHex)).toContain(RUNTIME_ENVIRONMENT_UPDATED);
    expect(specVersionOf(chain.stateAt(block))).toBe(4_711);

    for (const version of [SPEC_VERSION, 4_711]) network.parachain.submit(sign(version));
    const after = await network.step();
    expect(refused).toEqual([BAD_PROOF]);
    expect(hexBody(after)).toContain(toHex(sign(4_711)));
    const stored = [...chain.stateAt(after)].find(([key]) => key === LAST_RUNTIME_UPGRADE)?.[1] ?? EMPTY;
    expect(toHex(stored)).toBe(
      toHex(concat(Uint8Array.of(0x9d, 0x49), Uint8Array.of(36), utf8('statemine'))),
    );
    await expect(network.upgradeRuntime({ specVersion: 4_711 })).rejects.toMatchObject({
      code: 'devnet.bad_input',
    });
  });
});

/** SCALE `Vec<Vec<u8>>`. */
function nodesOf(proof: Bytes): readonly Hex[] {
  const reader = new ScaleReader(proof);
  return Array.from({ length: reader.length() }, () => toHex(reader.bytes()));
}

/** twox128("System") ++ twox128("LastRuntimeUpgrade") */
const LAST_RUNTIME_UPGRADE = '0x26aa394eea5630e07c48ae0c9558cef7f9cce9c888469bb1a0dceaa129672ef8';
