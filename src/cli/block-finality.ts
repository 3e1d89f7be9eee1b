import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ChainTransport } from '../chain/index.ts';
import type { BlockFinality } from '../receipt/index.ts';

/** A running chain gateway that answers one kind of question. */
export interface OpenBlockFinality extends BlockFinality {
  close(): Promise<void>;
}

/**
 * Starts a chain gateway and connects it: seconds for a node, up to minutes for a light client on a slow link.
 * Rejects with a `chain.*` StationError, and leaves nothing running then.
 */
export async function openBlockFinality(transport: ChainTransport): Promise<OpenBlockFinality> {
  const { GatewayProcess } = await import('../chain/index.ts');
  const gateway = await GatewayProcess.start({
    entry: gatewayEntry(),
    clock: {
      nowMonoMs: () => performance.now(),
      sleep: (durationMs, signal) => sleep(durationMs, undefined, signal === undefined ? {} : { signal }),
    },
    log: () => {},
    onEvent: () => {},
  });
  try {
    const { genesisHash } = await gateway.request('connect', { transport, call: null });
    const askedOf = transport.transport === 'rpc' ? `the node at ${transport.url}` : 'a light client';
    return {
      async isFinal({ blockNumber, blockHash }) {
        const block = { number: blockNumber, hash: blockHash };
        const { verdict } = await gateway.request('checkBlock', { block });
        return { genesisHash, verdict, askedOf };
      },
      close: () => gateway.stop(),
    };
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

/** Beside the bundle on a device and in a checkout; from source the last build. */
function gatewayEntry(): string {
  const beside = fileURLToPath(new URL('./gateway.js', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../dist/gateway.js', import.meta.url));
}
