// All peers of the network, by name.
import { generateKeyPair } from '@libp2p/crypto/keys';
import { type ChainName, type DevnetOptions, type PeerStatus, type PeerTarget } from '../devnet.ts';
import { DevnetError, messageOf } from '../errors.ts';
import { type SharedLink } from '../link/shared-link.ts';
import { type DevNetwork } from '../network.ts';
import { checkFaults, type Faults } from './faults.ts';
import { Peer, type PeerOptions } from './peer.ts';
import { ReachablePeer } from './reachable-peer.ts';

const MOST_PER_CHAIN = 8;
const CHAINS: readonly ChainName[] = ['relay', 'parachain'];

interface Served {
  readonly network: DevNetwork;
  readonly log: (line: string) => void;
}

export interface PeersOptions extends Served {
  readonly link: SharedLink;
  readonly counts: NonNullable<DevnetOptions['peers']>;
}

export class Peers {
  readonly #peers: readonly ReachablePeer[];

  private constructor(peers: readonly ReachablePeer[]) {
    this.#peers = peers;
  }

  /** @throws DevnetError `devnet.bad_input` */
  static async open({ counts, link, ...served }: PeersOptions): Promise<Peers> {
    const names = CHAINS.flatMap((chain) =>
      Array.from({ length: readCount(chain, counts[chain]) }, (_, index) => ({ chain, number: index + 1 })),
    );
    const open = names.map(({ chain, number }) =>
      ReachablePeer.open(`${chain}-${number}`, link, optionsOf(chain, served)),
    );
    return new Peers(await Promise.all(open));
  }

  /** One honest peer for each chain, behind no link, for those who live in this process. Returns their addresses. */
  static async listenPrivately(served: Served): Promise<Record<ChainName, string>> {
    const listen = async (chain: ChainName) => {
      const privateKey = await generateKeyPair('Ed25519');
      const peer = await Peer.listen({ ...optionsOf(chain, served), privateKey });
      return peer.addressAt(peer.port);
    };
    const [relay, parachain] = await Promise.all([listen('relay'), listen('parachain')]);
    return { relay, parachain };
  }

  addresses(chain: ChainName): string[] {
    return this.#of(chain).map(({ address }) => address);
  }

  async cut(target?: PeerTarget): Promise<void> {
    await Promise.all(this.#of(target).map((peer) => peer.cut()));
  }

  async restore(target?: PeerTarget): Promise<void> {
    await Promise.all(this.#of(target).map((peer) => peer.restore()));
  }

  setFaults(faults: Partial<Faults>, target?: PeerTarget): void {
    checkFaults(faults);
    for (const peer of this.#of(target)) peer.setFaults(faults);
  }

  status(): PeerStatus[] {
    return this.#peers.map((peer) => peer.status());
  }

  /** @throws DevnetError `devnet.bad_input` when nobody is called so */
  #of(target: PeerTarget | undefined): readonly ReachablePeer[] {
    if (target === undefined) return this.#peers;
    const meant = this.#peers.filter(({ name }) => name === target || name.startsWith(`${target}-`));
    if (meant.length > 0) return meant;
    const known = this.#peers.map(({ name }) => name).join(', ');
    throw new DevnetError('devnet.bad_input', `no peer "${target}": there are ${known}`);
  }
}

function readCount(chain: ChainName, count = 1): number {
  if (Number.isInteger(count) && count >= 1 && count <= MOST_PER_CHAIN) return count;
  throw new DevnetError('devnet.bad_input', `${chain} peers: 1 to ${MOST_PER_CHAIN}, not ${count}`);
}

function optionsOf(chain: ChainName, { network, log }: Served): Omit<PeerOptions, 'privateKey'> {
  const { relay, parachain } = network;
  if (chain === 'relay') return { chain: relay.chain, finality: relay, log };
  const onExtrinsic = (extrinsic: Uint8Array) => {
    network.include(extrinsic).catch((thrown: unknown) => log(`cannot make a block: ${messageOf(thrown)}`));
  };
  return { chain: parachain.chain, onExtrinsic, log };
}
