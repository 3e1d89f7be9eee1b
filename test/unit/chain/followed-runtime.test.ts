import { beforeEach, describe, expect, it } from 'vitest';
import {
  FollowedRuntime,
  type RuntimeVersion,
  withoutLengthPrefix,
} from '../../../src/chain/gateway/runtime/followed-runtime.ts';
import { hasCode } from '../../support/has-code.ts';

const spec = (specVersion: number) => ({
  type: 'valid',
  spec: {
    ...{ specName: 'statemine', implName: 'statemine', implVersion: 0, specVersion, transactionVersion: 6 },
    apis: { '0xdf6acb689907609b': 4 },
  },
});

/** A light client's chainHead, driven by the test. */
class ScriptedHead {
  readonly requests: { method: string; params: readonly unknown[] }[] = [];
  /** What the next calls are answered with; `started` otherwise. */
  callAnswer: unknown;
  #onEvent: (event: unknown) => void = () => {};
  follows = 0;

  readonly source = {
    request: (method: string, params: readonly unknown[]): Promise<unknown> => {
      this.requests.push({ method, params });
      if (method !== 'chainHead_v1_call') return Promise.resolve(null);
      return Promise.resolve(
        this.callAnswer ?? { result: 'started', operationId: `op-${params[1] as string}` },
      );
    },
    subscribe: (_method: string, _params: readonly unknown[], onEvent: (event: unknown) => void) => {
      this.#onEvent = onEvent;
      return Promise.resolve(`follow-${++this.follows}`);
    },
  };

  tell(...events: object[]): void {
    for (const event of events) this.#onEvent(event);
  }

  get unpinned(): unknown[] {
    return this.requests
      .filter(({ method }) => method === 'chainHead_v1_unpin')
      .map(({ params }) => params[1]);
  }
}

const initialized = (hash: string, specVersion = 900) => ({
  event: 'initialized',
  finalizedBlockHashes: ['older', hash],
  finalizedBlockRuntime: spec(specVersion),
});
const newBlock = (blockHash: string, parentBlockHash: string, newRuntime: unknown = null) => ({
  ...{ event: 'newBlock', blockHash, parentBlockHash, newRuntime },
});
const best = (bestBlockHash: string) => ({ event: 'bestBlockChanged', bestBlockHash });
const finalized = (hashes: string[], pruned: string[] = []) => ({
  ...{ event: 'finalized', finalizedBlockHashes: hashes, prunedBlockHashes: pruned },
});
const done = (block: string, output: string) => ({
  ...{ event: 'operationCallDone', operationId: `op-${block}`, output },
});

let head: ScriptedHead;
let versions: number[];
let runtime: FollowedRuntime;
beforeEach(() => {
  head = new ScriptedHead();
  versions = [];
  runtime = new FollowedRuntime(
    head.source,
    () => 1_000,
    ({ specVersion }: RuntimeVersion) => versions.push(specVersion),
  );
});

async function follow(): Promise<void> {
  const version = runtime.version();
  await Promise.resolve();
  head.tell(initialized('a'));
  await version;
}

describe('the followed runtime', () => {
  it('is that of the best block, told once and again when it changes', async () => {
    await follow();
    expect(await runtime.version()).toMatchObject({
      ...{ specName: 'statemine', specVersion: 900, transactionVersion: 6 },
      apis: [['0xdf6acb689907609b', 4]],
    });
    head.tell(newBlock('b', 'a'), best('b'), newBlock('c', 'b', spec(901)), newBlock('d', 'c'));
    expect((await runtime.version()).specVersion).toBe(900);
    head.tell(best('d'));
    expect((await runtime.version()).specVersion).toBe(901);
    head.tell(best('b'));
    expect((await runtime.version()).specVersion).toBe(900);
    expect(versions).toEqual([900, 901, 900]);
    expect(head.follows).toBe(1);
  });

  it('keeps the newest final block pinned and nothing that was before or beside it', async () => {
    await follow();
    head.tell(
      newBlock('b', 'a'),
      newBlock('x', 'a'),
      newBlock('c', 'b'),
      best('c'),
      finalized(['b', 'c'], ['x']),
    );
    expect(head.unpinned).toEqual([['older'], ['a', 'b', 'x']]);
    expect(await runtime.call('Core_version', '0x', 'b')).toBeUndefined();
    const output = runtime.call('Core_version', '0x');
    head.tell(done('c', '0x01'));
    expect(await output).toBe('0x01');
  });

  it('is called at the block that is asked for, and answers although the outcome overtakes', async () => {
    await follow();
    head.tell(done('a', '0x2a'));
    expect(await runtime.call('Core_version', '0xff', 'a')).toBe('0x2a');
    expect(head.requests.at(-1)).toEqual({
      method: 'chainHead_v1_call',
      params: ['follow-1', 'a', 'Core_version', '0xff'],
    });
  });

  it('leaves to others what it cannot answer, and says what failed', async () => {
    await follow();
    expect(await runtime.call('Core_version', '0x', 'unknown')).toBeUndefined();
    head.callAnswer = { result: 'limitReached' };
    expect(await runtime.call('Core_version', '0x')).toBeUndefined();
    head.callAnswer = undefined;
    for (const event of ['operationError', 'operationInaccessible']) {
      const output = runtime.call('Core_version', '0x');
      head.tell({ event, operationId: 'op-a', error: 'trapped' });
      await expect(output).rejects.toThrow(hasCode(-32000 as unknown as string));
    }
  });

  it('follows anew after a stop, and leaves no call without an answer', async () => {
    await follow();
    const output = runtime.call('Core_version', '0x');
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    head.tell({ event: 'stop' });
    await expect(output).rejects.toThrow(hasCode(-32000 as unknown as string));
    const version = runtime.version();
    await Promise.resolve();
    head.tell(initialized('z', 902));
    expect((await version).specVersion).toBe(902);
    expect(head.follows).toBe(2);
  });

  it('that does not compile is no runtime', async () => {
    const version = runtime.version();
    await Promise.resolve();
    head.tell({ ...initialized('a'), finalizedBlockRuntime: { type: 'invalid', error: 'no wasm' } });
    await expect(version).rejects.toThrow(hasCode('chain.unsupported'));
  });

  it('is given up when it does not come in time, and asked for again', async () => {
    runtime = new FollowedRuntime(head.source, () => 1);
    await expect(runtime.version()).rejects.toThrow(hasCode('chain.timeout'));
    runtime = new FollowedRuntime(head.source, () => 1_000);
    await follow();
  });
});

it.each([
  ['0x0c616263', '0x616263'],
  [`0x0101${'00'.repeat(64)}`, `0x${'00'.repeat(64)}`],
  [`0x02000100${'00'.repeat(16_384)}`, `0x${'00'.repeat(16_384)}`],
  ['0x0300000040aabb', '0xaabb'],
])('takes the length before SCALE bytes away', (bytes, content) => {
  expect(withoutLengthPrefix(bytes)).toBe(content);
});
