// What the RPC server says with each fault on, between a client and an honest server that are this test.
import { beforeEach, describe, expect, it } from 'vitest';
import { type Block, encodeHeader, hashHeader } from '../../devnet/chain/block.ts';
import { type Chain } from '../../devnet/chain/chain.ts';
import { toHex } from '../../devnet/encoding/bytes.ts';
import { Conversation } from '../../devnet/rpc/conversation.ts';
import { noRpcFaults, type RpcFaults } from '../../devnet/rpc/rpc-faults.ts';
import { systemAccount } from '../../devnet/storage/storage-keys.ts';

const blocks: Block[] = [];
for (let number = 0; number <= 10; number++) {
  const parent = blocks.at(-1);
  const header = encodeHeader({
    parentHash: parent?.hash ?? new Uint8Array(32),
    number,
    stateRoot: new Uint8Array(32),
    extrinsicsRoot: new Uint8Array(32),
    digest: [],
  });
  blocks.push({ parent, number, hash: hashHeader(header), header, body: [], slot: number });
}
const block = (number: number): Block => blocks[number] as Block;
const hash = (number: number): string => toHex(block(number).hash);
const accountKey = toHex(systemAccount(new Uint8Array(32)));

const chain = {
  genesis: block(0),
  best: block(10),
  finalized: block(9),
  blockByNumber: (number: number) => blocks[number],
} as unknown as Chain;

describe('a conversation with the RPC server', () => {
  let faults: RpcFaults;
  let asked: string[];
  let told: string[];
  let conversation: Conversation;

  beforeEach(() => {
    faults = noRpcFaults();
    asked = [];
    told = [];
    conversation = new Conversation({
      chain,
      faults,
      ask: (text) => asked.push(text),
      tell: (text) => told.push(text),
    });
  });

  const request = (method: string, ...params: readonly unknown[]) =>
    conversation.fromClient(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  const answer = (result: unknown, id: unknown = 1) =>
    conversation.fromServer(JSON.stringify({ jsonrpc: '2.0', id, result }));
  const notify = (method: string, result: unknown, subscription = 's') =>
    conversation.fromServer(JSON.stringify({ jsonrpc: '2.0', method, params: { subscription, result } }));
  const tellings = () => told.map((text) => JSON.parse(text) as Record<string, unknown>);
  const results = () =>
    tellings().map(
      (message) => (message['params'] as { result: unknown } | undefined)?.result ?? message['result'],
    );
  const tick = () => new Promise((resolve) => setImmediate(resolve));

  it('is passed on as it is without a fault', () => {
    request('chain_getFinalizedHead');
    expect(asked.map((text) => JSON.parse(text) as unknown)).toEqual([
      { jsonrpc: '2.0', id: 1, method: 'chain_getFinalizedHead', params: [] },
    ]);
    answer(hash(9));
    notify('author_extrinsicUpdate', 'ready');
    expect(results()).toEqual([hash(9), 'ready']);
    conversation.fromClient('no JSON at all');
    expect(asked.at(-1)).toBe('no JSON at all');
  });

  it('lags: heads, and what is asked without a block, are of an older one', () => {
    faults.laggingBlocks = 4;
    notify('chain_finalizedHead', { number: '0x9' });
    request('chain_getFinalizedHead');
    request('chain_getBlockHash');
    request('chain_getBlockHash', 3);
    request('chain_getBlockHash', 8);
    expect(results()).toEqual([expect.objectContaining({ number: '0x5' }), hash(5), hash(6), hash(3), null]);
    request('state_getStorage', '0xaa');
    request('state_getStorage', '0xaa', hash(10));
    request('state_getKeysPaged', '0x', 10);
    expect(asked.map((text) => (JSON.parse(text) as { params: unknown }).params)).toEqual([
      ['0xaa', hash(6)],
      ['0xaa', hash(10)],
      ['0x', 10, null, hash(6)],
    ]);
  });

  it('tells another nonce, wherever it is asked for one', () => {
    faults.wrongNonce = 2;
    request('system_accountNextIndex', 'whoever');
    answer(5);
    request('state_getStorage', accountKey);
    answer('0x05000000ff');
    request('state_getStorage', '0x1234');
    answer('0x05000000ff');
    request('state_queryStorageAt', [accountKey]);
    answer([{ block: hash(1), changes: [[accountKey, '0x05000000ff']] }]);
    request('state_call', 'AccountNonceApi_account_nonce', '0x');
    answer('0x05000000');
    expect(results()).toEqual([
      7,
      '0x07000000ff',
      '0x05000000ff',
      [{ block: hash(1), changes: [[accountKey, '0x07000000ff']] }],
      '0x07000000',
    ]);
  });

  it('tells no nonce below nothing', () => {
    faults.wrongNonce = -9;
    request('system_accountNextIndex', 'whoever');
    answer(5);
    expect(results()).toEqual([0]);
  });

  it('has final heads jump back', () => {
    faults.finalizedJumpsBack = true;
    notify('chain_finalizedHead', { number: '0x9' });
    expect(results()).toEqual([{ number: '0x9' }, expect.objectContaining({ number: '0x6' })]);
    request('chain_getFinalizedHead');
    answer(hash(9));
    request('chain_getFinalizedHead');
    expect(results().slice(2)).toEqual([hash(9), hash(6)]);
  });

  it('tells notifications twice', () => {
    faults.duplicateNotifications = true;
    notify('author_extrinsicUpdate', 'ready');
    expect(results()).toEqual(['ready', 'ready']);
  });

  it('tells notifications of a subscription out of order', () => {
    faults.reorderedNotifications = true;
    notify('author_extrinsicUpdate', 'first', 'a');
    notify('author_extrinsicUpdate', 'of another', 'b');
    notify('author_extrinsicUpdate', 'second', 'a');
    expect(results()).toEqual(['second', 'first']);
    conversation.close();
  });

  it('swallows a submission, and says that it is ready', async () => {
    faults.swallowedSubmissions = true;
    request('author_submitAndWatchExtrinsic', '0x1234');
    request('author_submitExtrinsic', '0x1234');
    await tick();
    request('author_unwatchExtrinsic', 'devnet-watch-1');
    expect(asked).toEqual([]);
    expect(results()).toEqual(['devnet-watch-1', expect.stringMatching(/^0x[0-9a-f]{64}$/), 'ready', true]);
  });

  it('tells of an inclusion that never was', async () => {
    faults.falseInclusions = true;
    request('author_submitAndWatchExtrinsic', '0x1234');
    await tick();
    expect(asked).toEqual([]);
    expect(results().slice(1)).toEqual(['ready', { inBlock: hash(9) }, { finalized: hash(9) }]);
  });

  it('refuses a submission without passing it on', () => {
    faults.refusedSubmissions = 1010;
    request('author_submitAndWatchExtrinsic', '0x1234');
    expect(asked).toEqual([]);
    expect(tellings()).toMatchObject([{ id: 1, error: { code: 1010, message: 'Invalid Transaction' } }]);
  });

  it('refuses a submission that it has passed on', () => {
    faults.errorAfterForward = 1016;
    request('author_submitAndWatchExtrinsic', '0x1234');
    const [forwarded] = asked.map(
      (text) => JSON.parse(text) as { id: unknown; method: string; params: unknown },
    );
    expect(forwarded).toMatchObject({ method: 'author_submitExtrinsic', params: ['0x1234'] });
    answer('0xhash', forwarded?.id);
    expect(tellings()).toMatchObject([{ id: 1, error: { code: 1016 } }]);
  });

  it('talks half a message', () => {
    faults.garbage = true;
    request('chain_getHeader');
    answer({ number: '0x1' });
    expect(() => JSON.parse(told[0] ?? '{}') as unknown).toThrow(SyntaxError);
  });

  it('answers at great length, and still in JSON', () => {
    faults.largeAnswers = 1_000_000;
    request('chain_getHeader');
    answer({ number: '0x1' });
    expect(told[0]).toHaveLength(1_000_000);
    expect(results()).toEqual([{ number: '0x1' }]);
  });

  it('hangs', () => {
    request('chain_getHeader');
    faults.hang = true;
    answer({ number: '0x1' });
    request('chain_getHeader');
    notify('chain_newHead', { number: '0x1' });
    expect({ asked: asked.length, told }).toEqual({ asked: 1, told: [] });
  });

  it('says so when a submission is no hex', () => {
    faults.swallowedSubmissions = true;
    request('author_submitExtrinsic', 'zz');
    expect(tellings()).toMatchObject([{ id: 1, error: { code: -32602 } }]);
  });
});
