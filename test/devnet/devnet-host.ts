// The network and everything that makes it reachable, in this process.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { type Block } from './chain/block.ts';
import { type Chain } from './chain/chain.ts';
import { type Devnet, type DevnetBlock, type DevnetStatus, type FoundExtrinsic } from './devnet.ts';
import { blake2b256, fromHex, type Hex, toHex } from './encoding/bytes.ts';
import { messageOf } from './errors.ts';
import { type RemoteMethod, type Started, type StartOptions } from './messages.ts';
import { DevNetwork } from './network.ts';
import { type Faults, noFaults } from './peer/faults.ts';
import { Peer, type PeerOptions } from './peer/peer.ts';
import type { RpcServer } from './rpc/rpc-server.ts';

const HEARTBEAT_MS = 3_000;

/** What can be reached while the network is not cut. */
interface Reachable {
  readonly relay: Peer;
  readonly parachain: Peer;
  readonly rpc: RpcServer | undefined;
}

/** What stays the same when the network is cut and restored. */
interface Identities {
  readonly relay: Pick<PeerOptions, 'port' | 'privateKey'>;
  readonly parachain: Pick<PeerOptions, 'port' | 'privateKey'>;
  readonly rpcPort: number;
}

export class DevnetHost implements Pick<Devnet, RemoteMethod> {
  readonly #network: DevNetwork;
  readonly #options: StartOptions;
  readonly #log: (line: string) => void;
  readonly #faults: Faults = noFaults();
  #identities: Identities;
  #reachable: Reachable | undefined;
  /** `cut` and `restore` take turns. */
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(
    network: DevNetwork,
    options: StartOptions,
    identities: Identities,
    log: (line: string) => void,
  ) {
    this.#network = network;
    this.#options = options;
    this.#identities = identities;
    this.#log = log;
  }

  static async start(
    options: StartOptions,
    log: (line: string) => void,
  ): Promise<{ host: DevnetHost } & Started> {
    const [network, relayKey, parachainKey] = await Promise.all([
      DevNetwork.create(options.endow ?? [], (extrinsic, reason) => {
        log(`refused extrinsic ${toHex(blake2b256(extrinsic))}: ${toHex(reason)}`);
      }),
      generateKeyPair('Ed25519'),
      generateKeyPair('Ed25519'),
    ]);
    const identities = {
      relay: { port: 0, privateKey: relayKey },
      parachain: { port: 0, privateKey: parachainKey },
      rpcPort: typeof options.rpc === 'object' ? options.rpc.port : 0,
    };
    const host = new DevnetHost(network, options, identities, log);
    const specs = await host.#comeUp();
    const relaySpecPath = path.resolve(options.directory, 'relay.json');
    const paraSpecPath = path.resolve(options.directory, 'para.json');
    await mkdir(options.directory, { recursive: true });
    await Promise.all([writeFile(relaySpecPath, specs.relay), writeFile(paraSpecPath, specs.para)]);
    void host.#beat();
    const genesisHash = toHex(network.parachain.chain.genesis.hash);
    return { host, relaySpecPath, paraSpecPath, genesisHash, rpcUrl: host.#reachable?.rpc?.url };
  }

  cut(): Promise<void> {
    return this.#change(async () => {
      const reachable = this.#reachable;
      this.#reachable = undefined;
      await Promise.all([reachable?.rpc?.close(), reachable?.relay.close(), reachable?.parachain.close()]);
    });
  }

  restore(): Promise<void> {
    return this.#change(async () => {
      if (this.#reachable === undefined) await this.#comeUp();
    });
  }

  async step(): Promise<number> {
    return (await this.#network.step()).number;
  }

  async status(): Promise<DevnetStatus> {
    const heights = ({ best, finalized }: Chain) => ({ best: best.number, finalized: finalized.number });
    return {
      relay: heights(this.#network.relay.chain),
      parachain: heights(this.#network.parachain.chain),
      peers: this.#reachable && {
        relay: this.#reachable.relay.status(),
        parachain: this.#reachable.parachain.status(),
      },
      processId: process.pid,
      residentMemoryBytes: process.memoryUsage.rss(),
    };
  }

  async setFaults(faults: Partial<Faults>): Promise<void> {
    Object.assign(this.#faults, faults);
  }

  async block(number: number): Promise<DevnetBlock | undefined> {
    const { chain } = this.#network.parachain;
    const block = chain.blockByNumber(number);
    return (
      block && {
        number,
        hash: toHex(block.hash),
        header: toHex(block.header),
        extrinsics: block.body.map(toHex),
        finalized: number <= chain.finalized.number,
      }
    );
  }

  async blockHash(number: number): Promise<Hex | undefined> {
    return (await this.block(number))?.hash;
  }

  async findExtrinsics(bytes: Hex): Promise<readonly FoundExtrinsic[]> {
    const wanted = Buffer.from(fromHex(bytes));
    const found: FoundExtrinsic[] = [];
    for (const block of this.#finalBlocks()) {
      for (const [extrinsicIndex, extrinsic] of block.body.entries()) {
        if (!Buffer.from(extrinsic).includes(wanted)) continue;
        found.push({
          blockNumber: block.number,
          blockHash: toHex(block.hash),
          extrinsicIndex,
          extrinsic: toHex(extrinsic),
          succeeded: this.#network.parachain.succeeded(extrinsic),
        });
      }
    }
    return found;
  }

  *#finalBlocks(): Generator<Block> {
    const { chain } = this.#network.parachain;
    for (let number = 0; number <= chain.finalized.number; number++) {
      const block = chain.blockByNumber(number);
      if (block !== undefined) yield block;
    }
  }

  #change(change: () => Promise<void>): Promise<void> {
    const changed = this.#lastChange.then(change);
    this.#lastChange = changed.catch(() => undefined);
    return changed;
  }

  /** Returns the specifications that lead clients here. The ports are the same each time. */
  async #comeUp(): Promise<{ relay: string; para: string }> {
    const { relay, parachain } = this.#network;
    const shared = { faults: this.#faults, log: this.#log };
    const [relayPeer, parachainPeer] = await Promise.all([
      Peer.listen({ ...shared, ...this.#identities.relay, chain: relay.chain, finality: relay }),
      Peer.listen({
        ...shared,
        ...this.#identities.parachain,
        chain: parachain.chain,
        onExtrinsic: (extrinsic) => this.#include(extrinsic),
      }),
    ]);
    const specs = {
      relay: JSON.stringify(relay.chain.specForClients([relayPeer.address], 'storage')),
      para: JSON.stringify(parachain.chain.specForClients([parachainPeer.address], 'root')),
    };
    const rpc = await this.#startRpc(specs);
    this.#identities = {
      relay: { ...this.#identities.relay, port: relayPeer.port },
      parachain: { ...this.#identities.parachain, port: parachainPeer.port },
      rpcPort: rpc?.port ?? 0,
    };
    this.#reachable = { relay: relayPeer, parachain: parachainPeer, rpc };
    return specs;
  }

  async #startRpc(specs: { relay: string; para: string }): Promise<RpcServer | undefined> {
    if (this.#options.rpc === undefined || this.#options.rpc === false) return undefined;
    const { RpcServer } = await import('./rpc/rpc-server.ts');
    const { rpcPort: port } = this.#identities;
    return await RpcServer.listen({ relaySpec: specs.relay, paraSpec: specs.para, port, log: this.#log });
  }

  #include(extrinsic: Uint8Array): void {
    this.#network.include(extrinsic).catch((thrown: unknown) => {
      this.#log(`cannot make a block: ${messageOf(thrown)}`);
    });
  }

  async #beat(): Promise<void> {
    const { heartbeatMs = HEARTBEAT_MS } = this.#options;
    if (heartbeatMs === false) return;
    for (;;) {
      await delay(heartbeatMs, undefined, { ref: false });
      try {
        await this.#network.step();
      } catch (thrown) {
        this.#log(`cannot make a heartbeat block: ${messageOf(thrown)}`);
      }
    }
  }
}
