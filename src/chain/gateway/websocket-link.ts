import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { WsProvider } from '@polkadot/rpc-provider/ws';
import { ChainError } from '../errors.ts';
import type { ChainLink, OnProgress } from './link.ts';

const CACHE_ENTRIES = 16;

/**
 * A WebSocket to a node. Resolves when it is open; never reconnects by itself, because the core decides about retries.
 * Throws `chain.unreachable`.
 */
export async function openWebSocket(
  url: string,
  requestTimeoutMs: number,
  onProgress: OnProgress = () => {},
): Promise<ChainLink> {
  const tell = (stage: 'starting' | 'loading-runtime' | 'ready'): void =>
    onProgress({ stage, peers: null, best: null, finalized: null, finalizedAtMs: null, clock: null });
  tell('starting');
  const provider = newProvider(url, requestTimeoutMs);
  const lost = new Promise<string>((resolve) => {
    provider.on('disconnected', () => resolve(`the connection to ${hostOf(url)} is closed`));
    provider.on('error', () => resolve(`the connection to ${hostOf(url)} failed`));
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(unreachableNode(url, `no answer in ${requestTimeoutMs} ms`)),
      requestTimeoutMs,
    );
    provider.on('connected', () => resolve());
    void lost.then((why) => reject(unreachableNode(url, why)));
    void provider.connect().catch((cause: unknown) => reject(unreachableNode(url, String(cause))));
    void lost.finally(() => clearTimeout(timer));
    provider.on('connected', () => clearTimeout(timer));
  });
  tell('loading-runtime');
  return {
    via: 'rpc',
    provider: provider as ProviderInterface,
    source: url,
    lost,
    peers: () => Promise.resolve(undefined),
    opened: () => {
      tell('ready');
      return Promise.resolve();
    },
    save: () => Promise.resolve(0),
    close: () => provider.disconnect(),
  };
}

function newProvider(url: string, requestTimeoutMs: number): WsProvider {
  try {
    return new WsProvider(url, false, {}, requestTimeoutMs, CACHE_ENTRIES);
  } catch (cause) {
    throw new ChainError('chain.unreachable', 'the URL of the node is not a WebSocket URL', {
      remedy: 'operator',
      cause,
      hint: 'chain.url must begin with wss:// or ws://.',
    });
  }
}

/** Without path and query: those may hold an access key. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the node';
}

function unreachableNode(url: string, why: string): ChainError {
  return new ChainError('chain.unreachable', `no link to ${hostOf(url)}: ${why}`);
}
