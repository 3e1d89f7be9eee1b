import { ChainError } from '../../errors.ts';
import type { ChainTransport, GatewayEvent } from '../../protocol.ts';
import { startLightClient } from './light-client.ts';
import type { ChainLink, GatewayLog, LinkProgress } from './link.ts';
import { openWebSocket } from './websocket-link.ts';

/** A request over an established link; before that a light client may have to fetch megabytes. */
const REQUEST_TIMEOUT_MS = 30_000;
const CONNECT_REQUEST_TIMEOUT_MS = 870_000;
/** So long without a peer says that there is none to be had now. */
const NO_PEERS_MS = 120_000;

type Emit = (event: GatewayEvent) => void;

/**
 * Opens a link, and with `open` the chain behind it, and tells how far it is meanwhile and later. Throws what either of
 * them throws; `chain.unreachable` when no peer is found; `chain.clock_wrong`. Nothing is left running then.
 */
export async function openLinked<T>(
  transport: ChainTransport,
  emit: Emit,
  open: (link: ChainLink) => Promise<T>,
): Promise<{ readonly link: ChainLink; readonly chain: T }> {
  const peers = new PeerDeadline();
  const onProgress = (progress: LinkProgress): void => {
    peers.hear(progress);
    emit({ type: 'progress', ...progress });
  };
  const log: GatewayLog = (level, source, message) => emit({ type: 'log', level, source, message });
  const link = await openLink(transport, onProgress, log);
  try {
    const chain = await Promise.race([open(link), peers.missed, endOf(link)]);
    await link.opened(REQUEST_TIMEOUT_MS);
    void link.lost.then((why) => emit({ type: 'link-lost', why }));
    return { link, chain };
  } catch (error) {
    await link.close().catch(() => {});
    throw error;
  } finally {
    peers.end();
  }
}

async function endOf(link: ChainLink): Promise<never> {
  throw new ChainError('chain.unreachable', await link.lost);
}

function openLink(
  transport: ChainTransport,
  onProgress: (progress: LinkProgress) => void,
  log: GatewayLog,
): Promise<ChainLink> {
  if (transport.transport === 'rpc') return openWebSocket(transport.url, REQUEST_TIMEOUT_MS, onProgress);
  const { relaySpec, paraSpec, bootNodes, stateDirectory } = transport;
  const requestTimeoutMs = CONNECT_REQUEST_TIMEOUT_MS;
  return startLightClient({
    relaySpec,
    paraSpec,
    bootNodes,
    stateDirectory,
    requestTimeoutMs,
    log,
    onProgress,
  });
}

/** Rejects once no peer was there for long. */
class PeerDeadline {
  readonly missed: Promise<never>;
  #miss: (error: ChainError) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.missed = new Promise((_resolve, reject) => (this.#miss = reject));
    this.missed.catch(() => {});
  }

  hear({ stage, peers, relayPeers }: LinkProgress): void {
    if (stage !== 'finding-peers') return this.end();
    const chain = (peers ?? 0) === 0 && (relayPeers ?? 1) === 0 ? 'either chain' : 'the chain';
    this.#timer ??= setTimeout(() => {
      const message = `no peer of ${chain} was found in ${NO_PEERS_MS / 1000} s`;
      const hint =
        'Check the link, chain.bootNodes or the specs, the firewall, and the clock (wss needs it).';
      this.#miss(new ChainError('chain.unreachable', message, { hint }));
    }, NO_PEERS_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
