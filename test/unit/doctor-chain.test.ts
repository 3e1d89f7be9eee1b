import { describe, expect, it } from 'vitest';
import { ChainError, type ChainFacts } from '../../src/chain/index.ts';
import { judgeBootNodes } from '../../src/cli/doctor/doctor-boot-nodes.ts';
import {
  type FinalityFacts,
  type Funds,
  judgeAccount,
  judgeCall,
  judgeFinality,
  judgeGenesis,
  judgeLink,
} from '../../src/cli/doctor/doctor-chain-findings.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import type { ChainConfig } from '../../src/config/index.ts';
import type { LinkStatus } from '../../src/sync/index.ts';

const LINK: LinkStatus = {
  ...{ stage: 'ready', stageForMs: 0, peers: 4, relayPeers: 5, peerlessForMs: null, peerLosses: 0 },
  ...{ best: 12, finalized: 10, finalizedAgeMs: 0, target: null, percent: null },
};
const FACTS = {
  ...{
    specName: 'model',
    specVersion: 7,
    token: { symbol: 'UNIT', decimals: 12 },
    existentialDeposit: '100',
  },
  call: { index: [0, 8], arguments: [{ name: 'remark', encoding: 'bytes' }] },
  missing: null,
} as unknown as ChainFacts;
const REMARK = { transport: 'rpc', url: 'ws://x', call: 'remark' } as unknown as ChainConfig;
const PALLET = { ...REMARK, call: 'pallet', pallet: { name: 'Anchors', call: 'anchor' } } as ChainConfig;

/** Whoever reads `fault` or `warning` is told what to do, and nobody else is. */
function result(finding: Finding): string {
  expect(finding.advice === null).toBe(finding.code === null);
  return finding.state;
}

describe('what doctor says of a chain', () => {
  it('tells by how far a light client came what it lacks', () => {
    const timeout = new ChainError('chain.timeout', 'no answer in 120 s');
    const failures = (['starting', 'finding-peers', 'syncing', 'loading-runtime'] as const).map((stage) =>
      judgeLink('light-client', { ...LINK, stage, peers: 0 }, timeout),
    );
    expect(failures.map(result)).toEqual(['fault', 'fault', 'fault', 'fault']);
    expect(new Set(failures.map(({ advice }) => advice)).size).toBe(4);
    expect(result(judgeLink('rpc', LINK, timeout))).toBe('fault');
  });

  it('warns of one or two peers', () => {
    expect(
      [1, 2, 3].map((peers) => result(judgeLink('light-client', { ...LINK, peers }, undefined))),
    ).toEqual([...['warning', 'warning', 'ok']]);
  });

  it('compares the genesis with the one that was kept', () => {
    expect(result(judgeGenesis('0x01', '0x01'))).toBe('ok');
    expect(result(judgeGenesis('0x01', '0x02'))).toBe('fault');
    expect(result(judgeGenesis('0x01', undefined))).toBe('unknown');
  });

  it('is content with a chain that finalizes while it is looked at, by a clock that can be right', () => {
    const facts: FinalityFacts = {
      before: 10,
      finalized: 11,
      waitedMs: 6_000,
      clockProblem: null,
      aheadMs: 9_000,
    };
    expect(result(judgeFinality(facts))).toBe('ok');
    expect(result(judgeFinality({ ...facts, finalized: 10 }))).toBe('warning');
    expect(result(judgeFinality({ ...facts, clockProblem: 'behind', aheadMs: -90_000 }))).toBe('fault');
    expect(result(judgeFinality({ ...facts, clockProblem: 'ahead-or-chain-stalled' }))).toBe('warning');
  });

  it('names what the chain has in place of a call that it lacks', () => {
    const lacking = { ...FACTS, call: null, missing: { what: 'call' as const, nearest: ['anchor_root'] } };
    const finding = judgeCall(lacking, PALLET);
    expect(result(finding)).toBe('fault');
    expect(finding.detail).toContain('anchor_root');
    expect(result(judgeCall(FACTS, REMARK))).toBe('ok');
  });

  it('says which arguments no checkpoint can fill', () => {
    const call = {
      index: [5, 1] as [number, number],
      arguments: [{ name: 'who', encoding: 'other:MultiAddress' }],
    };
    const finding = judgeCall({ ...FACTS, call } as ChainFacts, PALLET);
    expect(result(finding)).toBe('fault');
    expect(finding.detail).toContain('who (MultiAddress)');
  });

  it('counts how many anchors the account pays for, over what it must keep to live', () => {
    const chain = { lowBalance: { anchors: 100 }, anchorEveryMs: 3_600_000 };
    const funds = (free: string, fee: string | null): Funds => {
      return { facts: FACTS, account: { free, nonce: 0 }, fee, ss58: '5Test', chain };
    };
    expect(result(judgeAccount(funds('100100', '1000')))).toBe('ok');
    expect(result(judgeAccount(funds('100099', '1000')))).toBe('warning');
    expect(result(judgeAccount(funds('1099', '1000')))).toBe('fault');
    expect(result(judgeAccount(funds('0', null)))).toBe('fault');
    expect(result(judgeAccount(funds('5', null)))).toBe('ok');
    const limit = { ...funds('5', null), chain: { ...chain, lowBalance: { amount: '6' } } };
    expect(result(judgeAccount(limit))).toBe('warning');
  });

  it('wants more than one boot node that answers', () => {
    const tried = (...whys: (string | undefined)[]) =>
      whys.map((why, i) => ({ address: `/dns/node-${i}`, why }));
    expect(result(judgeBootNodes('boot nodes', tried(undefined)))).toBe('ok');
    expect(result(judgeBootNodes('boot nodes', tried(undefined, undefined, 'ECONNREFUSED')))).toBe('ok');
    expect(result(judgeBootNodes('boot nodes', tried(undefined, 'ECONNREFUSED')))).toBe('warning');
    expect(result(judgeBootNodes('boot nodes', tried('ENOTFOUND', 'ECONNREFUSED')))).toBe('fault');
  });
});
