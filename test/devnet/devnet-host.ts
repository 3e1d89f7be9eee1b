// The network and everything that makes it reachable, in this process.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Block } from './chain/block.ts';
import { type Chain } from './chain/chain.ts';
import {
  type ChainName,
  type Devnet,
  type DevnetBlock,
  type DevnetStatus,
  type FoundExtrinsic,
  type PeerTarget,
  type Reorged,
  type RuntimeUpgrade,
  type VoterChange,
} from './devnet.ts';
import { blake2b256, fromHex, type Hex, toHex } from './encoding/bytes.ts';
import { DevnetError, messageOf } from './errors.ts';
import { type Link, type LinkBytes } from './link/link.ts';
import { SharedLink } from './link/shared-link.ts';
import { type RemoteMethod, type Started, type StartOptions } from './messages.ts';
import { DevNetwork, type FinalityMode, type ReorgOptions, type UpgradeOptions } from './network.ts';
import { type Faults } from './peer/faults.ts';
import { Peers } from './peer/peers.ts';
import type { ReachableRpc } from './rpc/reachable-rpc.ts';
import { type RpcFaults } from './rpc/rpc-faults.ts';

const HEARTBEAT_MS = 3_000;

export class DevnetHost implements Pick<Devnet, RemoteMethod> {
  readonly #network: DevNetwork;
  readonly #options: StartOptions;
  readonly #log: (line: string) => void;
  readonly #link: SharedLink;
  readonly #peers: Peers;
  readonly #rpc: ReachableRpc | undefined;
  #finality: FinalityMode = 'live';
  /** `cut` and `restore` take turns. */
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    network: DevNetwork;
    options: StartOptions;
    log: (line: string) => void;
    link: SharedLink;
    peers: Peers;
    rpc: ReachableRpc | undefined;
  }) {
    this.#network = parts.network;
    this.#options = parts.options;
    this.#log = parts.log;
    this.#link = parts.link;
    this.#peers = parts.peers;
    this.#rpc = parts.rpc;
  }

  static async start(
    options: StartOptions,
    log: (line: string) => void,
  ): Promise<{ host: DevnetHost } & Started> {
    const network = await DevNetwork.create(options.endow ?? [], (extrinsic, reason) => {
      log(`refused extrinsic ${toHex(blake2b256(extrinsic))}: ${toHex(reason)}`);
    });
    const link = new SharedLink(options.link);
    const peers = await Peers.open({ network, link, counts: options.peers ?? {}, log });
    const rpc = await openRpc(network, link, options, log);
    const host = new DevnetHost({ network, options, log, link, peers, rpc });
    const relaySpecPath = path.resolve(options.directory, 'relay.json');
    const paraSpecPath = path.resolve(options.directory, 'para.json');
    await mkdir(options.directory, { recursive: true });
    const { relay, parachain } = specs(network, (chain) => peers.addresses(chain));
    await Promise.all([writeFile(relaySpecPath, relay), writeFile(paraSpecPath, parachain)]);
    void host.#beat();
    const genesisHash = toHex(network.parachain.chain.genesis.hash);
    return { host, relaySpecPath, paraSpecPath, genesisHash, rpcUrl: rpc?.url };
  }

  cut(target?: PeerTarget | 'rpc'): Promise<void> {
    return this.#change(async () => {
      if (target === undefined || target === 'rpc') await this.#rpcFor(target)?.cut();
      if (target !== 'rpc') await this.#peers.cut(target);
    });
  }

  restore(target?: PeerTarget | 'rpc'): Promise<void> {
    return this.#change(async () => {
      if (target === undefined || target === 'rpc') await this.#rpcFor(target)?.restore();
      if (target !== 'rpc') await this.#peers.restore(target);
    });
  }

  async step(): Promise<number> {
    return (await this.#network.step()).number;
  }

  async reorg(options: ReorgOptions): Promise<Reorged> {
    const { retracted, best } = await this.#network.reorg(options);
    const name = ({ number, hash }: Block) => ({ number, hash: toHex(hash) });
    return { retracted: retracted.map(name), best: name(best) };
  }

  async setFinality(mode: FinalityMode): Promise<void> {
    await this.#network.setFinality(mode);
    this.#finality = mode;
  }

  async changeVoters(): Promise<VoterChange> {
    const { setId, block } = await this.#network.changeVoters();
    return { setId: Number(setId), relayBlockNumber: block.number };
  }

  async upgradeRuntime(options: UpgradeOptions = {}): Promise<RuntimeUpgrade> {
    const { specVersion, block } = await this.#network.upgradeRuntime(options);
    return { specVersion, blockNumber: block.number };
  }

  async status(): Promise<DevnetStatus> {
    const heights = ({ best, finalized }: Chain) => ({ best: best.number, finalized: finalized.number });
    return {
      relay: heights(this.#network.relay.chain),
      parachain: heights(this.#network.parachain.chain),
      finality: this.#finality,
      peers: this.#peers.status(),
      rpc: this.#rpc?.status(),
      link: this.#link.link,
      processId: process.pid,
      residentMemoryBytes: process.memoryUsage.rss(),
    };
  }

  async setFaults(faults: Partial<Faults>, target?: PeerTarget): Promise<void> {
    this.#peers.setFaults(faults, target);
  }

  async setRpcFaults(faults: Partial<RpcFaults>): Promise<void> {
    this.#rpcFor('rpc')?.setFaults(faults);
  }

  async setLink(link: Partial<Link>): Promise<void> {
    this.#link.set(link);
  }

  async linkBytes(): Promise<LinkBytes> {
    return this.#link.bytes();
  }

  async block(number: number): Promise<DevnetBlock | undefined> {
    const block = this.#network.parachain.chain.blockByNumber(number);
    return block && this.#describe(block);
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
          succeeded: this.#network.parachain.succeeded(block, extrinsic),
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

  /** @throws DevnetError `devnet.bad_input` when it is asked for and there is none */
  #rpcFor(target: 'rpc' | undefined): ReachableRpc | undefined {
    if (this.#rpc === undefined && target === 'rpc') {
      throw new DevnetError('devnet.bad_input', 'this network was started without an RPC server');
    }
    return this.#rpc;
  }

  #describe(block: Block): DevnetBlock {
    const { chain } = this.#network.parachain;
    return {
      number: block.number,
      hash: toHex(block.hash),
      header: toHex(block.header),
      extrinsics: block.body.map(toHex),
      finalized: block.number <= chain.finalized.number && chain.blockByNumber(block.number) === block,
    };
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

/** For clients that know the network by these addresses. */
function specs(
  { relay, parachain }: DevNetwork,
  addresses: (chain: ChainName) => readonly string[],
): Record<ChainName, string> {
  return {
    relay: JSON.stringify(relay.chain.specForClients(addresses('relay'), 'storage')),
    parachain: JSON.stringify(parachain.chain.specForClients(addresses('parachain'), 'root')),
  };
}

/** The server follows the chains through honest peers of its own, which no fault and no cut reaches. */
async function openRpc(
  network: DevNetwork,
  link: SharedLink,
  { rpc }: StartOptions,
  log: (line: string) => void,
): Promise<ReachableRpc | undefined> {
  if (rpc === undefined || rpc === false) return undefined;
  const { ReachableRpc: Rpc } = await import('./rpc/reachable-rpc.ts');
  const port = typeof rpc === 'object' ? rpc.port : 0;
  const peers = await Peers.listenPrivately({ network, log });
  const { relay, parachain } = specs(network, (chain) => [peers[chain]]);
  return await Rpc.open({
    relaySpec: relay,
    paraSpec: parachain,
    chain: network.parachain.chain,
    link,
    port,
    log,
  });
}
