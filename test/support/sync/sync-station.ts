// A station as src/sync sees it: an account and a log that grows. The log's root is not a Merkle tree's; to sync it is text.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { type Log, silentLog } from '../../../hal/contract/index.ts';
import { bytesToHex, type Hex } from '../../../src/chain/index.ts';
import { systemMonotonicClock } from '../../../src/service/index.ts';
import type { ChainAccount, CheckpointSource, SyncOptions } from '../../../src/sync/index.ts';

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Programs of the product, built before the tests. */
export const GATEWAY = new URL('../../../dist/gateway.js', import.meta.url);

/** The account whose 32-byte seed is `fill` in every byte. */
export function testAccount(fill: number): ChainAccount {
  const der = Buffer.concat([PKCS8_ED25519, Buffer.alloc(32, fill)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    publicKey: new Uint8Array(publicKey),
    ss58: `test account ${fill}`,
    sign: (bytes) => new Uint8Array(sign(null, bytes, key)),
  };
}

/** What a checkpoint of this size says: the same in every process. */
export function checkpointOf(name: string, size: number): { text: string; size: number; root: Uint8Array } {
  const root = new Uint8Array(createHash('sha256').update(`${name} ${size}`).digest());
  const base64 = Buffer.from(root).toString('base64');
  const text = `delmonicos/${name}\n${size}\n${base64}\n\n— delmonicos/${name} ${'A'.repeat(90)}==\n`;
  return { text, size, root };
}

export function remarkOf(name: string, size: number): Hex {
  return bytesToHex(new TextEncoder().encode(checkpointOf(name, size).text));
}

export class GrowingLog implements CheckpointSource {
  readonly #name: string;
  #size: number;

  constructor(name: string, size: number) {
    this.#name = name;
    this.#size = size;
  }

  grow(entries: number): void {
    this.#size += entries;
  }

  size(): number {
    return this.#size;
  }

  holds(size: number, root: Uint8Array): boolean {
    return size <= this.#size && Buffer.from(checkpointOf(this.#name, size).root).equals(root);
  }

  checkpoint(): Promise<{ text: string; size: number; root: Uint8Array }> {
    return Promise.resolve(checkpointOf(this.#name, this.#size));
  }
}

type Given = Pick<SyncOptions, 'stateDirectory' | 'source' | 'account' | 'chain'> & Partial<SyncOptions>;

/** Real clocks, the built gateway, no spread. */
export function syncOptions(given: Given & { readonly log?: Log }): SyncOptions {
  return {
    gatewayEntry: GATEWAY,
    clock: systemMonotonicClock,
    wallClock: { nowWallMs: () => Date.now() },
    random: () => 0,
    log: silentLog,
    ...given,
    timing: { firstRetryMs: 500, maxRetryMs: 4_000, startSpreadMs: 0, ...given.timing },
  };
}
