// What smoldot makes of peers that lie, lag, keep silent or go away, next to honest ones and without them.
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../devnet/encoding/bytes.ts';
import { type Devnet, type Faults, noFaults, type PeerTarget, startDevnet } from '../devnet/index.ts';
import { type HeadEvents, JsonRpcError, LightClient } from '../support/sync/light-client.ts';
import { signRemark } from '../support/sync/signed-remark.ts';

const RUNTIME_CODE = '0x3a636f6465';

describe('among the peers of the dev network', { timeout: 60_000 }, () => {
  let devnet: Devnet;
  let station: ReturnType<Keyring['addFromUri']>;
  let nonce = 0;
  const clients: LightClient[] = [];

  beforeAll(async () => {
    await cryptoWaitReady();
    station = new Keyring({ type: 'ed25519' }).addFromUri('//station');
    devnet = await startDevnet({
      heartbeatMs: false,
      peers: { relay: 2, parachain: 2 },
      endow: [{ publicKey: station.publicKey, balance: 10n ** 16n }],
    });
  });

  afterEach(async () => {
    await devnet.setFaults(noFaults());
    await Promise.all(clients.splice(0).map((client) => client.stop()));
  });

  afterAll(() => devnet.stop());

  const startClient = async (): Promise<LightClient> => {
    const client = await LightClient.start(devnet);
    clients.push(client);
    return client;
  };

  /** A client that talks to all four peers, and its view of the parachain. */
  const startFollowing = async (): Promise<{ client: LightClient; head: HeadEvents }> => {
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'bestBlockChanged');
    for (const { address } of (await devnet.status()).peers) {
      const peerId = address.split('/').at(-1) ?? '';
      await client.log.first((line) => line.startsWith('gossip-open-success') && line.includes(peerId));
    }
    return { client, head };
  };

  /** Makes a block and waits until the client has it. */
  const follows = async (head: HeadEvents): Promise<string> => {
    const hash = (await devnet.blockHash(await devnet.step())) ?? '';
    await head.first(({ event, blockHash }) => event === 'newBlock' && blockHash === hash);
    return hash;
  };

  const sign = (text: string) => {
    const remark = new TextEncoder().encode(text);
    const signed = signRemark({
      signer: station,
      nonce,
      genesisHash: devnet.genesisHash,
      specVersion: 900,
      remark,
    });
    nonce += 1;
    return { signed, remark: toHex(remark) };
  };

  /** Transactions that the parachain's peers were given. */
  const received = async (): Promise<number> => {
    const { peers } = await devnet.status();
    return peers.reduce((sum, { extrinsics }) => sum + extrinsics, 0);
  };

  /** smoldot asks three times, each time any peer: all three may be the one that lies. Then it says so. */
  const readStubbornly = async (client: LightClient, key: string): Promise<unknown> => {
    for (;;) {
      try {
        return await client.parachain.request('state_getStorage', key);
      } catch (thrown) {
        if (!(thrown instanceof JsonRpcError)) throw thrown;
      }
    }
  };

  /** Every block that the client was told of is one of the chain. */
  const onlyTrueBlocks = async (head: HeadEvents): Promise<void> => {
    const { parachain } = await devnet.status();
    const numbers = Array.from({ length: parachain.best + 1 }, (_, number) => number);
    const chain = await Promise.all(numbers.map((number) => devnet.blockHash(number)));
    const told: unknown[] = head
      .events()
      .flatMap(({ event, blockHash }) => (event === 'newBlock' ? [blockHash] : []));
    expect(told.length).toBeGreaterThan(0);
    expect(chain).toEqual(expect.arrayContaining(told));
  };

  it('a forged header is refused, sealed well by a stranger as it is, and the honest peer followed', async () => {
    const { client, head } = await startFollowing();
    await devnet.setFaults({ forgedHeaders: true }, 'parachain-1');
    await follows(head);
    await client.log.first(
      (line) => line.startsWith('header-verify-error') && line.includes('AuraVerification(BadSignature)'),
    );
    await follows(head);
    await onlyTrueBlocks(head);
  });

  it('the votes of strangers make nothing final, and the honest peer shows what is', async () => {
    const { client } = await startFollowing();
    const relay = await client.relay.followHead();
    await relay.first(({ event }) => event === 'bestBlockChanged');
    await devnet.setFaults({ foreignVoters: true }, 'relay-1');
    const { relay: before } = await devnet.status();
    await devnet.step();
    await client.log.first((line) =>
      line.startsWith('finality-proof-verify-error; error=VerificationFailed(NotAuthority'),
    );
    await relay.first(({ event }) => event === 'finalized');
    expect((await devnet.status()).relay.finalized).toBeGreaterThan(before.finalized);
  });

  it('the votes of strangers alone make nothing final at all', async () => {
    const { client } = await startFollowing();
    const relay = await client.relay.followHead();
    await relay.first(({ event }) => event === 'bestBlockChanged');
    await devnet.setFaults({ foreignVoters: true }, 'relay');
    await devnet.step();
    await client.log.first((line) => line.startsWith('finality-proof-verify-error'));
    expect(relay.events().filter(({ event }) => event === 'finalized')).toEqual([]);
  });

  it.each(['otherBlocks', 'incompleteBodies'] as const)(
    'a block is not taken from peers with %s, and is from honest ones',
    async (fault) => {
      const { client, head } = await startFollowing();
      const hash = await follows(head);
      await devnet.setFaults({ [fault]: true }, 'parachain');
      expect(await client.parachain.request('chain_getBlock', hash)).toBeNull();
      await devnet.setFaults({ [fault]: false }, 'parachain');
      let told: unknown = null;
      while (told === null) told = await client.parachain.request('chain_getBlock', hash);
      const { parachain } = await devnet.status();
      const { extrinsics } = (await devnet.block(parachain.best)) ?? {};
      expect(told).toMatchObject({ block: { extrinsics } });
    },
  );

  it.each([
    ['is stale', { stale: true }],
    ['keeps silent', { silent: true }],
    ['resets its connections', { resets: true }],
    ['forges storage proofs', { storageProofs: true }],
  ] satisfies [string, Partial<Faults>][])(
    'a peer that %s is no hindrance when another is honest',
    async (_, fault) => {
      const { client, head } = await startFollowing();
      await devnet.setFaults(fault, 'parachain-1');
      await follows(head);
      await follows(head);
      expect(await readStubbornly(client, RUNTIME_CODE)).toMatch(/^0x.{1000}/);
      await onlyTrueBlocks(head);
    },
  );

  it('a client that starts among such peers gets through to the honest ones', async () => {
    const lies: readonly [PeerTarget, Partial<Faults>][] = [
      ['relay-1', { silent: true }],
      ['parachain-1', { resets: true }],
    ];
    for (const [target, faults] of lies) await devnet.setFaults(faults, target);
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'bestBlockChanged');
    await follows(head);
  });

  it('a client of stale peers alone is told of nothing newer', async () => {
    await devnet.setFaults({ stale: true });
    const { parachain } = await devnet.status();
    const old = await devnet.blockHash(parachain.best);
    for (let i = 0; i < 3; i++) await devnet.step();
    const client = await startClient();
    const head = await client.parachain.followHead();
    const best = await head.first(({ event }) => event === 'bestBlockChanged');
    expect(best).toMatchObject({ bestBlockHash: old });
  });

  it('a transaction that one peer withholds gets in a block by way of the other', async () => {
    const { client } = await startFollowing();
    await devnet.setFaults({ withheldTransactions: true }, 'parachain-1');
    const { signed, remark } = sign('past the censor');
    const status = await client.parachain.subscribe('author_submitAndWatchExtrinsic', signed);
    await status.first((told) => typeof told === 'object' && told !== null && 'finalized' in told);
    expect(await devnet.findExtrinsics(remark)).toHaveLength(1);
  });

  it('a transaction that all peers withhold is in no block before it is due', async () => {
    const { client } = await startFollowing();
    await devnet.setFaults({ withheldTransactions: 2 }, 'parachain');
    const before = await received();
    const { signed, remark } = sign('late, but once');
    const status = await client.parachain.subscribe('author_submitAndWatchExtrinsic', signed);
    await status.first((told) => typeof told === 'object' && told !== null && 'broadcast' in told);
    await expect.poll(received, { timeout: 20_000 }).toBeGreaterThan(before);
    await devnet.step();
    const { parachain } = await devnet.status();
    const { extrinsics } = (await devnet.block(parachain.best)) ?? {};
    expect(extrinsics?.some((extrinsic) => extrinsic.includes(remark.slice(2)))).toBe(false);
    await devnet.step();
    await status.first((told) => typeof told === 'object' && told !== null && 'finalized' in told);
    expect(await devnet.findExtrinsics(remark)).toHaveLength(1);
  });

  it('one peer is cut and brought back alone, at its address', async () => {
    const addresses = async () => (await devnet.status()).peers.map(({ address }) => address);
    const before = await addresses();
    const { head } = await startFollowing();
    await devnet.cut('parachain-2');
    const up = async () => (await devnet.status()).peers.filter((peer) => peer.up).map(({ name }) => name);
    expect(await up()).toEqual(['relay-1', 'relay-2', 'parachain-1']);
    await follows(head);
    await devnet.restore('parachain-2');
    expect(await up()).toEqual(['relay-1', 'relay-2', 'parachain-1', 'parachain-2']);
    expect(await addresses()).toEqual(before);
  });

  it('what a client fetches through the link is counted', async () => {
    const { client } = await startFollowing();
    const before = await devnet.linkBytes();
    const code = (await readStubbornly(client, RUNTIME_CODE)) as string;
    const { down, connections } = await devnet.linkBytes();
    expect(down - before.down).toBeGreaterThan(code.length / 2);
    expect(new Set(connections.map(({ to }) => to))).toEqual(
      new Set(['relay-1', 'relay-2', 'parachain-1', 'parachain-2']),
    );
  });

  it.each([
    ['a fault that there is not', () => devnet.setFaults({ kindness: true } as Partial<Faults>)],
    ['a fault of an RPC server, without one', () => devnet.setRpcFaults({ hang: true })],
    ['a peer that there is not', () => devnet.cut('relay-3')],
    ['a link that cannot be', () => devnet.setLink({ lossPercent: 120 })],
  ])('%s is refused', async (_, ask) => {
    await expect(ask()).rejects.toMatchObject({ code: 'devnet.bad_input' });
  });
});
