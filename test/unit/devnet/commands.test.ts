import { describe, expect, it } from 'vitest';
import { COMMANDS, helpText, readCall, readLine } from '../../devnet/control/commands.ts';
import { noFaults } from '../../devnet/peer/faults.ts';
import { noRpcFaults } from '../../devnet/rpc/rpc-faults.ts';

const badInput = expect.objectContaining({ code: 'devnet.bad_input' }) as Error;

describe('a command in words', () => {
  it.each([
    ['status', 'status', []],
    ['bytes', 'linkBytes', []],
    ['step', 'step', []],
    ['  cut  ', 'cut', [undefined]],
    ['cut relay-2', 'cut', ['relay-2']],
    ['restore rpc', 'restore', ['rpc']],
    ['reorg 2', 'reorg', [{ depth: 2 }]],
    ['reorg 2 drop', 'reorg', [{ depth: 2, keepTransactions: false }]],
    ['finality stall', 'setFinality', ['stalled']],
    ['finality resume', 'setFinality', ['live']],
    ['voters', 'changeVoters', []],
    ['upgrade', 'upgradeRuntime', [{}]],
    [
      'upgrade 950 without remark_with_event',
      'upgradeRuntime',
      [{ specVersion: 950, without: 'remark_with_event' }],
    ],
    ['upgrade without Utility', 'upgradeRuntime', [{ without: 'Utility' }]],
    ['fault stale on parachain-2', 'setFaults', [{ stale: true }, 'parachain-2']],
    ['fault withheldTransactions 3', 'setFaults', [{ withheldTransactions: 3 }, undefined]],
    ['fault peers off', 'setFaults', [noFaults(), undefined]],
    ['fault wrongNonce -2', 'setRpcFaults', [{ wrongNonce: -2 }]],
    ['fault wrongNonce off', 'setRpcFaults', [{ wrongNonce: 0 }]],
    ['fault refusedSubmissions 1016', 'setRpcFaults', [{ refusedSubmissions: 1016 }]],
    ['fault rpc off', 'setRpcFaults', [noRpcFaults()]],
    ['link 20kbit 600ms 5%', 'setLink', [{ bitsPerSecond: 20_000, delayMs: 600, lossPercent: 5 }]],
    [
      'link 1.5mbit 0.3s cut:5000',
      'setLink',
      [{ bitsPerSecond: 1_500_000, delayMs: 300, cutAfterBytes: 5_000 }],
    ],
    ['link open', 'setLink', [{ bitsPerSecond: null, delayMs: 0, lossPercent: 0, cutAfterBytes: null }]],
    ['block 7', 'block', [7]],
    ['find 0xcafe', 'findExtrinsics', ['0xcafe']],
  ])('"%s" is a call of %s', (line, method, args) => {
    expect(readLine(line)).toEqual({ method, args });
  });

  it.each([
    'fly',
    'toString',
    'reorg',
    'reorg two',
    'reorg -1',
    'finality maybe',
    'fault',
    'fault nonsense on',
    'fault stale',
    'fault stale perhaps',
    'fault peers on',
    'fault rpc 3',
    'fault hang on relay-1',
    'fault toString on',
    'link',
    'link fast',
    'link 20kbit 600',
    'block',
    'step 1',
    'voters now',
    'cut relay-1 relay-2',
    'reorg 2 dorp',
    'reorg 2 drop them',
    'finality stall now',
    'upgrade 950 remark_with_event',
    'upgrade without',
    'upgrade 950 without a b',
    'fault stale on relay-1 relay-2',
    'block 7 8',
  ])('"%s" is refused, and told what is wrong', (line) => {
    expect(() => readLine(line)).toThrow(badInput);
  });
});

describe('a command as JSON', () => {
  it.each([
    ['cut', {}, 'cut', [undefined]],
    ['reorg', { depth: 1, keepTransactions: false }, 'reorg', [{ depth: 1, keepTransactions: false }]],
    ['finality', { mode: 'stalled' }, 'setFinality', ['stalled']],
    ['fault', { name: 'silent', value: true, target: 'relay' }, 'setFaults', [{ silent: true }, 'relay']],
    ['fault', { name: 'laggingBlocks', value: false }, 'setRpcFaults', [{ laggingBlocks: 0 }]],
    ['link', { bitsPerSecond: null, delayMs: 5 }, 'setLink', [{ bitsPerSecond: null, delayMs: 5 }]],
  ])('%s %j', (name, parameters, method, args) => {
    expect(readCall(name, parameters)).toEqual({ method, args });
  });

  it.each([
    ['nothing', {}],
    ['constructor', {}],
    ['cut', []],
    ['cut', null],
    ['cut', { target: 3 }],
    ['cut', { tarjet: 'relay-1' }],
    ['step', { number: 7 }],
    ['reorg', { depth: 1, keepTransaction: false }],
    ['reorg', { depth: 1.5 }],
    ['reorg', { depth: 1, keepTransactions: 'yes' }],
    ['finality', {}],
    ['fault', { name: 'silent', value: null }],
    ['link', { speed: 3 }],
    ['link', { delayMs: 'long' }],
  ])('%s %j is refused', (name, parameters) => {
    expect(() => readCall(name, parameters)).toThrow(badInput);
  });
});

it('the help has every command and every fault', () => {
  const help = helpText();
  for (const { usage } of Object.values(COMMANDS)) expect(help).toContain(usage);
  for (const fault of Object.keys({ ...noFaults(), ...noRpcFaults() })) expect(help).toContain(fault);
});
