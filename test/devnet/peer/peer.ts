// A network peer (js-libp2p: WebSocket, Noise, Yamux) that serves one chain to light clients.
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { PrivateKey } from '@libp2p/interface';
import { webSockets } from '@libp2p/websockets';
import { createLibp2p, type Libp2p } from 'libp2p';
import { type Block } from '../chain/block.ts';
import { type Chain } from '../chain/chain.ts';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { type FinalityProof, type GrandpaVoters } from '../relay/grandpa.ts';
import { encodeAnnouncement, encodeAnnouncesHandshake, ROLE_AUTHORITY } from './block-announces.ts';
import { type Faults, flipBit } from './faults.ts';
import { encodeCommitMessage, encodeNeighborPacket } from './grandpa.ts';
import { answerFindNode } from './kademlia.ts';
import { answerLightRequest, decodeLightRequest } from './light.ts';
import { Notifications } from './notifications.ts';
import { answerRequests, type RequestHandler } from './request-response.ts';
import { answerBlockRequest, type BlockView } from './sync.ts';
import { answerWarpSyncRequest } from './warp-sync.ts';

/** A chain with finality of its own: the relay chain. */
export interface Finality {
  readonly grandpa: GrandpaVoters;
  readonly finalityProofOf: (block: Block) => FinalityProof | undefined;
}

export interface PeerOptions {
  readonly chain: Chain;
  readonly privateKey: PrivateKey;
  /** 0: any that is free. */
  readonly port: number;
  readonly finality?: Finality;
  /** Called with each extrinsic that a client sends, with its length prefix. */
  readonly onExtrinsic?: (extrinsic: Bytes) => void;
  readonly faults: Faults;
  readonly log: (line: string) => void;
}

export interface PeerStatus {
  readonly connections: number;
  /** Answered and refused ones by protocol (`sync/2`, ...) since the peer came up. */
  readonly requests: Readonly<Record<string, number>>;
  readonly extrinsics: number;
}

/** The last byte of a precommit's signature, from the end of a justification: 32 bytes of voter and a zero follow. */
const SIGNATURE_IN_JUSTIFICATION = 34;
/** The same in a commit: the voter follows. */
const SIGNATURE_IN_COMMIT = 33;

export class Peer {
  readonly #options: PeerOptions;
  readonly #node: Libp2p;
  readonly #announces: Notifications;
  readonly #grandpa: Notifications | undefined;
  readonly #transactions: Notifications;
  readonly #requests = new Map<string, number>();
  readonly #view: BlockView;
  #extrinsics = 0;
  #stopListening = (): void => undefined;

  private constructor(options: PeerOptions, node: Libp2p) {
    this.#options = options;
    this.#node = node;
    const { finality, faults, log } = options;
    this.#view = {
      headerOf: ({ header }) => (faults.auraSeals ? flipBit(header) : header),
      justificationOf: (block) => {
        const justification = finality?.finalityProofOf(block)?.justification;
        if (justification === undefined || !faults.grandpaSignatures) return justification;
        return flipBit(justification, SIGNATURE_IN_JUSTIFICATION);
      },
    };
    const ofName = (name: string) => ({ node, protocol: this.#protocol(name), log });
    const ofAuthority = () => Uint8Array.of(ROLE_AUTHORITY);
    this.#announces = new Notifications({
      ...ofName('block-announces/1'),
      handshake: () => encodeAnnouncesHandshake(options.chain.best, options.chain.genesis.hash),
    });
    this.#transactions = new Notifications({
      ...ofName('transactions/1'),
      handshake: ofAuthority,
      receive: (message) => this.#receiveExtrinsics(message),
    });
    this.#grandpa =
      finality &&
      new Notifications({
        ...ofName('grandpa/1'),
        handshake: ofAuthority,
        // Twice: smoldot 3 chooses between warp sync and plain sync on the second one, or after 30 s.
        greeting: () => [this.#neighborPacket(finality), this.#neighborPacket(finality)],
      });
  }

  static async listen(options: PeerOptions): Promise<Peer> {
    const node = await createLibp2p({
      privateKey: options.privateKey,
      addresses: { listen: [`/ip4/127.0.0.1/tcp/${options.port}/ws`] },
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
    });
    const peer = new Peer(options, node);
    await peer.#register();
    return peer;
  }

  /** Multiaddress for the `bootNodes` of a chain specification. */
  get address(): string {
    const [address] = this.#node.getMultiaddrs();
    if (address === undefined) throw new DevnetError('devnet.not_running', 'the peer does not listen');
    return address.toString();
  }

  get port(): number {
    return Number(/\/tcp\/(\d+)\//.exec(this.address)?.[1]);
  }

  status(): PeerStatus {
    return {
      connections: this.#node.getConnections().length,
      requests: Object.fromEntries(this.#requests),
      extrinsics: this.#extrinsics,
    };
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#node.stop();
  }

  async #register(): Promise<void> {
    const { chain, finality, faults, log } = this.#options;
    const answer = async (name: string, handler: RequestHandler) => {
      const counted: RequestHandler = (request) => {
        this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1);
        return handler(request);
      };
      await answerRequests(this.#node, this.#protocol(name), counted, (reason) =>
        log(`${name} refused: ${reason.message}`),
      );
    };
    await answer('sync/2', (request) => answerBlockRequest(chain, this.#view, request));
    await answer('light/2', (request) =>
      answerLightRequest(chain, decodeLightRequest(request), (proof) =>
        faults.storageProofs ? flipBit(proof) : proof,
      ),
    );
    await answer('kad', answerFindNode);
    await this.#announces.listen();
    await this.#transactions.listen();
    if (finality !== undefined) {
      await answer('sync/warp', (begin) => answerWarpSyncRequest(chain, this.#view, begin));
      await this.#grandpa?.listen();
    }
    await this.#node.handle('/ipfs/ping/1.0.0', (stream) => {
      stream.addEventListener('message', ({ data }) => stream.send(data));
    });
    this.#stopListening = chain.onBlock((best, finalized) => {
      this.#publish(best, finalized).catch((thrown: unknown) => log(`cannot publish: ${String(thrown)}`));
    });
  }

  #protocol(name: string): string {
    return `/${toHex(this.#options.chain.genesis.hash).slice(2)}/${name}`;
  }

  #neighborPacket({ grandpa }: Finality): Bytes {
    return encodeNeighborPacket(grandpa.round, grandpa.setId, this.#options.chain.finalized.number);
  }

  async #publish(best: Block, finalized: Block | undefined): Promise<void> {
    const { finality, faults } = this.#options;
    await this.#announces.broadcast(encodeAnnouncement(this.#view.headerOf(best)));
    const commit = finalized && finality?.finalityProofOf(finalized)?.commit;
    if (commit === undefined || finality === undefined) return;
    const shown = faults.grandpaSignatures ? flipBit(commit, SIGNATURE_IN_COMMIT) : commit;
    await this.#grandpa?.broadcast(this.#neighborPacket(finality));
    await this.#grandpa?.broadcast(encodeCommitMessage(shown));
  }

  #receiveExtrinsics(message: Bytes): void {
    for (const extrinsic of new ScaleReader(message).extrinsics()) {
      this.#extrinsics += 1;
      this.#options.onExtrinsic?.(extrinsic);
    }
  }
}
