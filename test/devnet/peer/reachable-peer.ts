// A peer behind its door: what clients know by one address, whatever happens to it.
import { generateKeyPair } from '@libp2p/crypto/keys';
import { type PeerName, type PeerStatus } from '../devnet.ts';
import { Door } from '../link/door.ts';
import { type SharedLink } from '../link/shared-link.ts';
import { type Faults } from './faults.ts';
import { Peer, type PeerOptions } from './peer.ts';

export class ReachablePeer {
  readonly name: PeerName;
  readonly #peer: Peer;
  readonly #door: Door;

  private constructor(name: PeerName, peer: Peer, door: Door) {
    this.name = name;
    this.#peer = peer;
    this.#door = door;
  }

  static async open(
    name: PeerName,
    link: SharedLink,
    options: Omit<PeerOptions, 'privateKey'>,
  ): Promise<ReachablePeer> {
    const peer = await Peer.listen({ ...options, privateKey: await generateKeyPair('Ed25519') });
    const door = await Door.open({ name, link, serverPort: peer.port, port: 0 });
    return new ReachablePeer(name, peer, door);
  }

  /** The same for as long as it exists. */
  get address(): string {
    return this.#peer.addressAt(this.#door.port);
  }

  cut(): Promise<void> {
    return this.#door.close();
  }

  restore(): Promise<void> {
    return this.#door.open();
  }

  setFaults(faults: Partial<Faults>): void {
    this.#peer.setFaults(faults);
    this.#door.resets = this.#peer.faults.resets;
  }

  status(): PeerStatus {
    const { name, address } = this;
    return { name, address, up: this.#door.isOpen, ...this.#peer.counts(), faults: { ...this.#peer.faults } };
  }
}
