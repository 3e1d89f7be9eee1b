// The dev network's chains when they misbehave as live ones do, and what smoldot makes of it.
import { ApiPromise, WsProvider } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { type Hex, toHex } from '../devnet/encoding/bytes.ts';
import { type HeadEvents, type JsonObject, LightClient } from '../support/sync/light-client.ts';
import { signRemark } from '../support/sync/signed-remark.ts';

const SPEC_VERSION = 900;

describe('the chains of the dev network', { timeout: 60_000 }, () => {
  let devnet: Devnet;
  let station: ReturnType<Keyring['addFromUri']>;
  let nonce = 0;
  const clients: LightClient[] = [];

  const startClient = async (): Promise<LightClient> => {
    const client = await LightClient.start(devnet);
    clients.push(client);
    return client;
  };

  /** A client that follows the parachain's head. */
  const startFollower = async () => {
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'bestBlockChanged');
    return { client, head };
  };

  const sign = (text: string, specVersion = SPEC_VERSION) => {
    const remark = new TextEncoder().encode(text);
    const { genesisHash } = devnet;
    const signed = signRemark({ signer: station, nonce, genesisHash, specVersion, remark });
    nonce += 1;
    return { signed, remark: toHex(remark) };
  };

  const hashOf = async (number: number): Promise<string> => (await devnet.blockHash(number)) ?? '';

  /** The client has seen final what is. */
  const catchesUp = async (head: HeadEvents): Promise<void> => {
    const { finalized } = (await devnet.status()).parachain;
    const hash = await hashOf(finalized);
    await head.first(isFinal(hash));
  };

  beforeAll(async () => {
    await cryptoWaitReady();
    station = new Keyring({ type: 'ed25519' }).addFromUri('//station');
    devnet = await startDevnet({
      heartbeatMs: false,
      rpc: true,
      endow: [{ publicKey: station.publicKey, balance: 10n ** 16n }],
    });
  });

  afterEach(async () => {
    await devnet.setFinality('live');
    await Promise.all(clients.splice(0).map((client) => client.stop()));
  });

  afterAll(() => devnet.stop());

  it('retract blocks with a transaction, which smoldot reports, and include it again', async () => {
    const { client, head } = await startFollower();
    await devnet.setFinality('stalled');
    const { signed, remark } = sign('in two blocks, one of which counts');
    const watch = await client.parachain.subscribe('author_submitAndWatchExtrinsic', signed);
    const { inBlock } = (await watch.first(isObjectWith('inBlock'))) as { inBlock: Hex };
    await devnet.step();

    const { retracted, best } = await devnet.reorg({ depth: 2 });
    expect(retracted.map(({ hash }) => hash)).toContain(inBlock);
    await head.first(isBest(best.hash));
    expect(await watch.first(isObjectWith('retracted'))).toEqual({ retracted: inBlock });
    expect(best.number).toBe((retracted.at(-1)?.number ?? 0) + 1);

    const again = await hashOf(await devnet.step());
    await watch.first((status) => isObjectWith('inBlock')(status) && JSON.stringify(status).includes(again));
    await devnet.setFinality('live');
    await devnet.step();
    expect(await watch.first(isObjectWith('finalized'))).toEqual({ finalized: again });
    expect(await devnet.findExtrinsics(remark)).toMatchObject([{ blockHash: again, succeeded: true }]);
    await head.first(isPruned(inBlock));
  });

  it('make nothing final while finality is stalled, then everything at once, voters having changed meanwhile', async () => {
    const { head } = await startFollower();
    await devnet.setFinality('stalled');
    const { best, finalized } = (await devnet.status()).parachain;
    await devnet.step();
    await devnet.changeVoters();
    await devnet.changeVoters();
    await devnet.step();
    const hashes = await Promise.all([1, 2, 3, 4].map((more) => hashOf(best + more)));
    await head.first(isBest(hashes.at(-1) ?? ''));
    expect((await devnet.status()).parachain.finalized).toBe(finalized);
    expect(hashes.some((hash) => head.events().some(isFinal(hash)))).toBe(false);

    await devnet.setFinality('live');
    for (let votes = 0; votes < 3; votes++) {
      // Of commits that come at once smoldot loses some.
      await catchesUp(head);
      await devnet.step();
    }
    await catchesUp(head);
    expect(hashes.every((hash) => head.events().some(isFinal(hash)))).toBe(true);
  });

  it('change their voters under a client that follows them, and for one that starts cold', async () => {
    const { head } = await startFollower();
    const { setId } = await devnet.changeVoters();
    await catchesUp(head);
    expect(await devnet.changeVoters()).toMatchObject({ setId: setId + 1 });
    await catchesUp(head);
    await devnet.step();
    await catchesUp(head);

    const cold = await startClient();
    const initialized = await (await cold.relay.followHead()).first(({ event }) => event === 'initialized');
    expect(initialized['finalizedBlockHashes']).toHaveLength(1);
    const fragments = cold.log.items.filter((line) => line.startsWith('warp-sync-fragment-verify-success'));
    // One for each block that ended a set, and one for the last final block.
    expect(fragments).toHaveLength(setId + 2);
  });

  it('change the runtime under clients, and for those that start cold', async () => {
    const provider = new WsProvider(devnet.rpcUrl) as unknown as ProviderInterface;
    const api = await ApiPromise.create({ provider, noInitWarn: true });
    const { client, head } = await startFollower();
    const ofOldRuntime = sign('signed for the old runtime');
    nonce -= 1;
    expect(api.runtimeVersion.specVersion.toNumber()).toBe(SPEC_VERSION);
    expect(api.tx['system']?.['remarkWithEvent']).toBeDefined();

    const { specVersion, blockNumber } = await devnet.upgradeRuntime({ without: 'remark_with_event' });
    expect(specVersion).toBe(SPEC_VERSION + 1);
    await head.first(isNew(await hashOf(blockNumber)));
    await expect.poll(() => api.runtimeVersion.specVersion.toNumber(), { timeout: 20_000 }).toBe(specVersion);
    await expect.poll(() => api.tx['system']?.['remarkWithEvent']).toBeUndefined();
    await api.disconnect();

    const { signed, remark } = sign('signed for the new runtime', specVersion);
    const refused = await client.parachain.subscribe('author_submitAndWatchExtrinsic', ofOldRuntime.signed);
    const watch = await client.parachain.subscribe('author_submitAndWatchExtrinsic', signed);
    await watch.first(isObjectWith('finalized'));
    await devnet.step();
    await devnet.step();
    await refused.first((status) => status === 'dropped');
    expect(await devnet.findExtrinsics(remark)).toMatchObject([{ succeeded: true }]);
    expect(await devnet.findExtrinsics(ofOldRuntime.remark)).toEqual([]);

    const cold = await startClient();
    expect(await cold.parachain.request('state_getRuntimeVersion')).toMatchObject({ specVersion });
  });
});

function isBest(hash: string): (event: JsonObject) => boolean {
  return ({ event, bestBlockHash }) => event === 'bestBlockChanged' && bestBlockHash === hash;
}

function isNew(hash: string): (event: JsonObject) => boolean {
  return ({ event, blockHash }) => event === 'newBlock' && blockHash === hash;
}

function isFinal(hash: string): (event: JsonObject) => boolean {
  return ({ event, finalizedBlockHashes: hashes }) =>
    event === 'finalized' && Array.isArray(hashes) && hashes.includes(hash);
}

function isPruned(hash: string): (event: JsonObject) => boolean {
  return ({ event, prunedBlockHashes: hashes }) =>
    event === 'finalized' && Array.isArray(hashes) && hashes.includes(hash);
}

function isObjectWith(key: string): (result: unknown) => boolean {
  return (result) => typeof result === 'object' && result !== null && key in result;
}
