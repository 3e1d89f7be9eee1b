// A network peer (js-libp2p: WebSocket, Noise, Yamux) that serves one chain to light clients.
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { PrivateKey } from '@libp2p/interface';
import { webSockets } from '@libp2p/websockets';
import { createLibp2p, type Libp2p } from 'libp2p';
import { type Chain, type ChainEvent } from '../chain/chain.ts';
import { type Bytes, toHex } from '../encoding/bytes.ts';
import { ScaleReader } from '../encoding/scale.ts';
import { DevnetError } from '../errors.ts';
import { encodeAnnouncement, encodeAnnouncesHandshake, ROLE_AUTHORITY } from './block-announces.ts';
import { type Faults } from './faults.ts';
import { encodeCommitMessage, encodeNeighborPacket } from './grandpa.ts';
import { answerFindNode } from './kademlia.ts';
import { answerLightRequest, decodeLightRequest } from './light.ts';
import { Notifications } from './notifications.ts';
import { answerRequests, type RequestHandler } from './request-response.ts';
import { answerBlockRequest } from './sync.ts';
import { type Finality, PeerView } from './view.ts';
import { answerWarpSyncRequest } from './warp-sync.ts';

export interface PeerOptions {
  readonly chain: Chain;
  readonly privateKey: PrivateKey;
  readonly finality?: Finality;
  /** Called with each extrinsic that a client sends, with its length prefix. */
  readonly onExtrinsic?: (extrinsic: Bytes) => void;
  readonly log: (line: string) => void;
}

export interface PeerCounts {
  readonly connections: number;
  /** Answered and refused ones by protocol (`sync/2`, ...). */
  readonly requests: Readonly<Record<string, number>>;
  readonly extrinsics: number;
}

interface Withheld {
  readonly extrinsic: Bytes;
  /** The height that lets it go. */
  readonly until: number;
}

export class Peer {
  readonly #options: PeerOptions;
  readonly #node: Libp2p;
  readonly #view: PeerView;
  readonly #announces: Notifications;
  readonly #grandpa: Notifications | undefined;
  readonly #transactions: Notifications;
  readonly #requests = new Map<string, number>();
  #extrinsics = 0;
  #withheld: readonly Withheld[] = [];
  #stopListening = (): void => undefined;

  private constructor(options: PeerOptions, node: Libp2p) {
    this.#options = options;
    this.#node = node;
    const { chain, finality, log } = options;
    this.#view = new PeerView(chain, finality);
    const ofName = (name: string) => ({
      node,
      protocol: this.#protocol(name),
      isSilent: () => this.#view.faults.silent,
      log,
    });
    const ofAuthority = () => Uint8Array.of(ROLE_AUTHORITY);
    this.#announces = new Notifications({
      ...ofName('block-announces/1'),
      handshake: () => encodeAnnouncesHandshake(this.#view.best, chain.genesis.hash),
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

  /** Listens on a port of its own, on 127.0.0.1. */
  static async listen(options: PeerOptions): Promise<Peer> {
    const node = await createLibp2p({
      privateKey: options.privateKey,
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
      transports: [webSockets()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionMonitor: { enabled: false },
    });
    const peer = new Peer(options, node);
    await peer.#register();
    return peer;
  }

  /** Where it listens. */
  get port(): number {
    const [address] = this.#node.getMultiaddrs();
    if (address === undefined) throw new DevnetError('devnet.not_running', 'the peer does not listen');
    return Number(/\/tcp\/(\d+)\//.exec(address.toString())?.[1]);
  }

  /** Multiaddress for the `bootNodes` of a chain specification, of a port that leads here. */
  addressAt(port: number): string {
    return `/ip4/127.0.0.1/tcp/${port}/ws/p2p/${this.#node.peerId.toString()}`;
  }

  get faults(): Readonly<Faults> {
    return this.#view.faults;
  }

  /** Those that are not named stay as they are. */
  setFaults(faults: Partial<Faults>): void {
    this.#view.setFaults(faults);
  }

  counts(): PeerCounts {
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
    const { chain, finality, log } = this.#options;
    const view = this.#view;
    const answer = async (name: string, handler: (request: Bytes) => Bytes | Promise<Bytes>) => {
      const counted: RequestHandler = (request) => {
        this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1);
        return view.faults.silent ? undefined : handler(request);
      };
      await answerRequests(this.#node, this.#protocol(name), counted, (reason) =>
        log(`${name} refused: ${reason.message}`),
      );
    };
    await answer('sync/2', (request) => answerBlockRequest(view, request));
    await answer('light/2', (request) =>
      answerLightRequest(view, decodeLightRequest(request), ({ message }) => log(`light/2: ${message}`)),
    );
    await answer('kad', answerFindNode);
    await this.#announces.listen();
    await this.#transactions.listen();
    if (finality !== undefined) {
      await answer('sync/warp', (begin) => answerWarpSyncRequest(view, begin));
      await this.#grandpa?.listen();
    }
    await this.#node.handle('/ipfs/ping/1.0.0', (stream) => {
      stream.addEventListener('message', ({ data }) => {
        if (!view.faults.silent) stream.send(data);
      });
    });
    this.#stopListening = chain.listen((event) => {
      this.#publish(event).catch((thrown: unknown) => log(`cannot publish: ${String(thrown)}`));
      this.#letGo(chain.best.number);
    });
  }

  #protocol(name: string): string {
    return `/${toHex(this.#options.chain.genesis.hash).slice(2)}/${name}`;
  }

  #neighborPacket({ grandpa }: Finality): Bytes {
    return encodeNeighborPacket(grandpa.round, grandpa.setId, this.#view.finalized.number);
  }

  async #publish(event: ChainEvent): Promise<void> {
    if (this.#view.faults.stale) return;
    if (event.kind === 'block') {
      await this.#announces.broadcast(encodeAnnouncement(this.#view.headerOf(event.block), event.isBest));
      return;
    }
    const { block } = event;
    const proof = this.#options.finality?.finalityProofOf(block);
    const commit = this.#view.commitOf(block);
    if (commit === undefined || proof === undefined) return;
    await this.#grandpa?.broadcast(encodeNeighborPacket(proof.round, proof.setId, block.number));
    await this.#grandpa?.broadcast(encodeCommitMessage(commit));
  }

  #receiveExtrinsics(message: Bytes): void {
    const { withheldTransactions } = this.#view.faults;
    for (const extrinsic of new ScaleReader(message).extrinsics()) {
      this.#extrinsics += 1;
      if (withheldTransactions === false) this.#options.onExtrinsic?.(extrinsic);
      else if (typeof withheldTransactions === 'number') {
        const until = this.#options.chain.best.number + withheldTransactions;
        this.#withheld = [...this.#withheld, { extrinsic, until }];
      }
    }
  }

  #letGo(height: number): void {
    const due = this.#withheld.filter(({ until }) => until <= height);
    this.#withheld = this.#withheld.filter(({ until }) => until > height);
    for (const { extrinsic } of due) this.#options.onExtrinsic?.(extrinsic);
  }
}
