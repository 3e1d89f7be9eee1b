// The dev network against the light client it is made for: smoldot follows it, and refuses each of its lies.
import { once } from 'node:events';
import { connect } from 'node:net';
import { ApiPromise, WsProvider } from '@polkadot/api';
import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { blake2b256, fromHex, toHex } from '../devnet/encoding/bytes.ts';
import { decodeHeader } from '../devnet/chain/block.ts';
import { orderedTrieRoot } from '../devnet/storage/trie.ts';
import { flipBit } from '../devnet/peer/forgeries.ts';
import { systemAccount } from '../devnet/storage/storage-keys.ts';
import { type Json, JsonRpcError, type JsonObject, LightClient } from '../support/sync/light-client.ts';

/** Of the runtime, spec 900. */
const RUNTIME_STATE_VERSION = 0;
const STATION_BALANCE = 123_456_789_000_000_000n;

describe('the dev network', { timeout: 60_000 }, () => {
  let devnet: Devnet;
  let station: ReturnType<Keyring['addFromUri']>;
  const clients: LightClient[] = [];

  const startClient = async (): Promise<LightClient> => {
    const client = await LightClient.start(devnet);
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    await cryptoWaitReady();
    station = new Keyring({ type: 'ed25519' }).addFromUri('//station');
    devnet = await startDevnet({
      heartbeatMs: false,
      rpc: true,
      endow: [{ publicKey: station.publicKey, balance: STATION_BALANCE }],
    });
  });

  afterEach(async () => {
    await devnet.setFaults({ grandpaSignatures: false, storageProofs: false, auraSeals: false });
    await Promise.all(clients.splice(0).map((client) => client.stop()));
  });

  afterAll(() => devnet.stop());

  it('is warp synced by smoldot, and followed block by block', async () => {
    const client = await startClient();
    const head = await client.parachain.followHead();
    const { parachain } = await devnet.status();
    const initialized = await head.first(({ event }) => event === 'initialized');
    expect(initialized['finalizedBlockHashes']).toEqual([await devnet.blockHash(parachain.finalized)]);
    const number = await devnet.step();
    const hash = (await devnet.blockHash(number)) ?? '';
    await head.first(isNewBlock(hash));
    await devnet.step();
    await head.first(isFinalized(hash));
    expect(client.log.items.some((line) => line.startsWith('warp-sync-fragment-verify-success'))).toBe(true);
  });

  it('proves the balance of an endowed account', async () => {
    const client = await startClient();
    const account = await client.parachain.request('state_getStorage', stationAccountKey());
    expect(freeBalance(account)).toBe(STATION_BALANCE);
  });

  it('is not believed when a storage proof is wrong', async () => {
    const client = await startClient();
    await client.parachain.request('state_getStorage', stationAccountKey());
    await devnet.setFaults({ storageProofs: true });
    const read = client.parachain.request('state_getStorage', stationAccountKey());
    await expect(read).rejects.toThrow(JsonRpcError);
    await devnet.setFaults({ storageProofs: false });
    const account = await client.parachain.request('state_getStorage', stationAccountKey());
    expect(freeBalance(account)).toBe(STATION_BALANCE);
  });

  it('is not believed when a header has a wrong Aura seal', async () => {
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'bestBlockChanged');
    await devnet.setFaults({ auraSeals: true });
    const number = await devnet.step();
    const honest = await devnet.block(number);
    const forgedHash = toHex(blake2b256(flipBit(fromHex(honest?.header ?? ''))));
    await client.log.first(
      (line) => line.startsWith('header-verify-error') && line.includes(abbreviate(forgedHash)),
    );
    await devnet.setFaults({ auraSeals: false });
    await devnet.step();
    await head.first(isNewBlock(honest?.hash ?? ''));
    expect(head.events().some(isNewBlock(forgedHash))).toBe(false);
  });

  it('is not believed when a GRANDPA commit has a wrong signature', async () => {
    const client = await startClient();
    const head = await client.relay.followHead();
    const initialized = await head.first(({ event }) => event === 'initialized');
    await head.first(({ event }) => event === 'bestBlockChanged');
    await devnet.setFaults({ grandpaSignatures: true });
    await devnet.step();
    await client.log.first((line) => line.startsWith('finality-proof-verify-error'));
    expect(initialized['finalizedBlockHashes']).toHaveLength(1);
    expect(head.events().filter(({ event }) => event === 'finalized')).toEqual([]);
  });

  it('is not believed when a warp sync proof has a wrong signature', async () => {
    await devnet.setFaults({ grandpaSignatures: true });
    const client = await startClient();
    const head = await client.relay.followHead();
    await client.log.first((line) => line.includes('bad-warp-sync-fragment'));
    expect(head.events()).toEqual([]);
  });

  it('puts an extrinsic that a light client sends into one block, and makes it final', async () => {
    const remark = toHex(new TextEncoder().encode('once, and only once'));
    const provider = new WsProvider(devnet.rpcUrl) as unknown as ProviderInterface;
    const api = await ApiPromise.create({ provider, noInitWarn: true });
    const signed = await api.tx['system']?.['remarkWithEvent']?.(remark).signAsync(station, { nonce: 0 });
    await api.disconnect();
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'bestBlockChanged');
    const extrinsic = signed?.toHex() ?? '';
    const status = await client.parachain.subscribe('author_submitAndWatchExtrinsic', extrinsic);
    const finalized = (await status.first(isObjectWith('finalized'))) as JsonObject;
    const found = await devnet.findExtrinsics(remark);
    expect(found).toMatchObject([{ blockHash: finalized['finalized'], extrinsic, succeeded: true }]);
    // The same bytes again are a used nonce: no second block takes them.
    await client.parachain.subscribe('author_submitAndWatchExtrinsic', extrinsic);
    await devnet.step();
    await devnet.step();
    expect(await devnet.findExtrinsics(remark)).toMatchObject([{ extrinsic, succeeded: true }]);
  });

  it('has the extrinsics roots that the runtime put into its headers', async () => {
    const { parachain } = await devnet.status();
    expect(parachain.best).toBeGreaterThan(1);
    for (let number = 1; number <= parachain.best; number++) {
      const block = await devnet.block(number);
      const { extrinsicsRoot } = decodeHeader(fromHex(block?.header ?? ''));
      const root = orderedTrieRoot((block?.extrinsics ?? []).map(fromHex), RUNTIME_STATE_VERSION);
      expect(toHex(root)).toBe(toHex(extrinsicsRoot));
    }
  });

  it('can be cut, goes on meanwhile, and is found again at the same addresses', async () => {
    const client = await startClient();
    const head = await client.parachain.followHead();
    await head.first(({ event }) => event === 'initialized');
    const port = Number(new URL(devnet.rpcUrl ?? '').port);
    await devnet.cut();
    expect((await devnet.status()).peers.map(({ up }) => up)).toEqual([false, false]);
    expect(await accepts(port)).toBe(false);
    const missed = (await devnet.blockHash(await devnet.step())) ?? '';
    await devnet.step();
    await devnet.restore();
    expect(await accepts(port)).toBe(true);
    await head.first(isNewBlock(missed));
    // A commit that comes while the client still fetches what it missed is lost on it; the network goes on, and so the next ones come.
    const finalized = head.first(isFinalized(missed)).then(() => true);
    const aStepLater = async (): Promise<false> => {
      await devnet.step();
      await delay(500);
      return false;
    };
    while (!(await Promise.race([finalized, aStepLater()])));
  });

  const stationAccountKey = () => toHex(systemAccount(station.publicKey));
});

/** Four counters of four bytes come before it. */
function freeBalance(accountInfo: Json): bigint {
  const hex = typeof accountInfo === 'string' ? accountInfo : '';
  return Buffer.from(fromHex(hex)).readBigUInt64LE(16);
}

function isNewBlock(hash: string): (event: JsonObject) => boolean {
  return ({ event, blockHash }) => event === 'newBlock' && blockHash === hash;
}

function isFinalized(hash: string): (event: JsonObject) => boolean {
  return ({ event, finalizedBlockHashes }) =>
    event === 'finalized' && Array.isArray(finalizedBlockHashes) && finalizedBlockHashes.includes(hash);
}

function isObjectWith(key: string): (result: unknown) => boolean {
  return (result) => typeof result === 'object' && result !== null && key in result;
}

/** As smoldot logs hashes. */
function abbreviate(hash: string): string {
  return `${hash.slice(0, 6)}…${hash.slice(-4)}`;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const accepted = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(
      () => false,
      () => false,
    ),
  ]).catch(() => false);
  socket.destroy();
  return accepted;
}
