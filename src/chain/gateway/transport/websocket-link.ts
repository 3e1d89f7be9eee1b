import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { WsProvider } from '@polkadot/rpc-provider/ws';
import { ChainError } from '../../errors.ts';
import type { ChainLink, OnProgress } from './link.ts';
import { countTraffic } from './traffic.ts';

const CACHE_ENTRIES = 16;
/** Of the library: metadata take minutes on a slow link. The core has shorter ones of its own for all but connecting. */
const REQUEST_TIMEOUT_MS = 870_000;
const LOOK_EVERY_MS = 1_000;

/**
 * A WebSocket to a node. Resolves when it is open; never reconnects by itself, because the core decides about retries.
 * `silenceMs`: what it may take to open, and how long the node may send nothing until `opened`. Throws `chain.unreachable`.
 */
export async function openWebSocket(
  url: string,
  silenceMs: number,
  onProgress: OnProgress = () => {},
): Promise<ChainLink> {
  const tell = (stage: 'starting' | 'loading-runtime' | 'ready'): void =>
    onProgress({ stage, peers: null, best: null, finalized: null, finalizedAtMs: null, clock: null });
  tell('starting');
  const provider = newProvider(url, REQUEST_TIMEOUT_MS);
  const lost = new Promise<string>((resolve) => {
    provider.on('disconnected', () => resolve(`the connection to ${hostOf(url)} is closed`));
    provider.on('error', (event: unknown) => resolve(whyFailed(event)));
  });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(unreachableNode(url, `no answer in ${silenceMs} ms`)), silenceMs);
    provider.on('connected', () => resolve());
    void lost.then((why) => reject(unreachableNode(url, why)));
    void provider.connect().catch((cause: unknown) => reject(unreachableNode(url, String(cause))));
    void lost.finally(() => clearTimeout(timer));
    provider.on('connected', () => clearTimeout(timer));
  });
  tell('loading-runtime');
  const silence = watchSilence(silenceMs);
  void lost.then(() => silence.end());
  return {
    via: 'rpc',
    provider: provider as ProviderInterface,
    source: url,
    lost: Promise.race([lost, silence.tooLong.then(() => `${hostOf(url)} sent nothing for ${silenceMs} ms`)]),
    peers: () => Promise.resolve(undefined),
    opened: () => {
      silence.end();
      tell('ready');
      return Promise.resolve();
    },
    save: () => Promise.resolve(0),
    close: () => provider.disconnect(),
  };
}

/** Resolves once nothing has come for so long; never after `end`. */
function watchSilence(silenceMs: number): { readonly tooLong: Promise<void>; readonly end: () => void } {
  const traffic = countTraffic();
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    let bytes = traffic().bytesIn;
    let silentMs = 0;
    timer = setInterval(() => {
      const { bytesIn } = traffic();
      silentMs = bytesIn > bytes ? 0 : silentMs + LOOK_EVERY_MS;
      bytes = Math.max(bytes, bytesIn);
      if (silentMs < silenceMs) return;
      clearInterval(timer);
      resolve();
    }, LOOK_EVERY_MS);
  });
  return { tooLong, end: () => clearInterval(timer) };
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

/** `connect ECONNREFUSED 192.0.2.7:443`, `getaddrinfo ENOTFOUND ...`, `Unexpected server response: 404`: never the whole URL. */
function whyFailed(event: unknown): string {
  const { message } = (event ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' && message.trim() !== '' ? message.trim() : 'the connection failed';
}

/** Without path and query: those may hold an access key. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the node';
}

function unreachableNode(url: string, why: string): ChainError {
  return new ChainError('chain.unreachable', `no link to ${hostOf(url)}: ${why}`, {
    hint: 'Check the network, the node and its URL; on a station `delmonicos doctor` tries them.',
  });
}
