import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { amountInWords, bytesInWords, durationInWords } from '../../../src/sync/status/amounts-in-words.ts';
import { statusInWords, SYNC_STATES, type SyncState } from '../../../src/sync/status/status-in-words.ts';
import type { LinkStatus, SyncFacts, SyncFailure } from '../../../src/sync/status/status.ts';

const IDLE: SyncFacts = {
  ...{
    phase: 'idle',
    transport: 'light-client',
    anchoredSize: 90,
    backlog: 10,
    lastAnchor: null,
    open: null,
  },
  ...{
    failure: null,
    retryInMs: null,
    chain: null,
    gateway: null,
    phaseForMs: 61_000,
    link: null,
    lastTry: null,
  },
  seen: {
    ...{ specName: 'model', specVersion: 1, token: { symbol: 'UNIT', decimals: 12 } },
    ...{ finalizedNumber: 120, finalizedAgeMs: 5_000, free: '2500000000000' },
  },
  ...{ held: null, nextDueInMs: 1_200_000, traffic: { session: null, last: null, today: null } },
  lastCost: '1000000000',
  balance: { free: '2500000000000', lowBelow: '1000000000000', low: false },
  clock: { trusted: true, problem: null, aheadMs: null },
  faults: [],
};
const LINK: LinkStatus = {
  ...{ stage: 'ready', stageForMs: 40_000, peers: 5, relayPeers: 6, peerlessForMs: null, peerLosses: 0 },
  ...{ best: 123, finalized: 120, finalizedAgeMs: 5_000, target: null, percent: null },
};
const connected = (link: Partial<LinkStatus>, more: Partial<SyncFacts> = {}): SyncFacts => ({
  ...IDLE,
  ...{ phase: 'connected', phaseForMs: 40_000, link: { ...LINK, ...link } },
  ...more,
});
const OPEN = { id: 4, state: 'broadcast', size: 100, attempts: 1 } as const;
const failing = (
  code: string,
  more: Partial<SyncFailure> = {},
  facts: Partial<SyncFacts> = {},
): SyncFacts => {
  const failure = { code, message: 'it failed', hint: null, remedy: 'retry', failures: 1, atMs: 0, ...more };
  return { ...IDLE, phase: 'waiting', retryInMs: 42_000, failure: failure as SyncFailure, ...facts };
};

/** Each state that is named, by a status in which it is named first or, for those that go beside, second. */
const STATUSES: Readonly<Record<SyncState, SyncFacts>> = {
  idle: IDLE,
  stopped: { ...IDLE, phase: 'stopped' },
  'held-backlog': { ...IDLE, held: { by: 'backlog', backlog: 10, minBacklog: 500, atMostMs: 7_200_000 } },
  'held-window': { ...IDLE, held: { by: 'window', opensInMs: 7_200_000 } },
  'held-bytes': {
    ...IDLE,
    held: { by: 'bytes', usedBytes: 5_300_000, bytesPerDay: 5_242_880, freeInMs: 7_200_000 },
  },
  'gateway-starting': { ...IDLE, phase: 'connecting' },
  'finding-peers': connected({ stage: 'finding-peers', stageForMs: 4_000, peers: 0, peerlessForMs: 4_000 }),
  'no-peers': connected({ stage: 'finding-peers', peers: 0, peerlessForMs: 31_000 }),
  'catching-up': connected({ stage: 'syncing', target: 200, percent: 20 }),
  'loading-runtime': connected({ stage: 'loading-runtime' }),
  connected: connected({}),
  anchoring: connected({}, { open: OPEN }),
  'in-block': connected({}, { open: { ...OPEN, state: 'inBlock' } }),
  'stale-finality': connected({}, { seen: IDLE.seen && { ...IDLE.seen, finalizedAgeMs: 130_000 } }),
  retrying: failing('chain.bad_answer'),
  unreachable: failing('chain.unreachable'),
  stalled: failing('sync.stalled'),
  'no-funds': failing('sync.no_funds'),
  'call-missing': failing('chain.call_missing'),
  'wrong-chain': failing('chain.wrong_chain'),
  'spec-unreadable': failing('chain.spec_unreadable'),
  'crash-loop': failing('chain.gateway_exited', { failures: 3 }),
  failed: failing('sync.payload_refused', { remedy: 'operator' }),
  'few-peers': connected({ peers: 1 }),
  'peers-unsteady': connected({ peerLosses: 3 }),
  'low-balance': { ...IDLE, balance: { free: '5', lowBelow: '10', low: true } },
  'clock-untrusted': { ...IDLE, clock: { trusted: false, problem: null, aheadMs: 3_000 } },
  'clock-wrong': { ...IDLE, clock: { trusted: false, problem: 'behind', aheadMs: -90_000_000 } },
  overdue: { ...IDLE, faults: ['sync.anchor_overdue'] },
};
const BESIDE = ['few-peers', 'peers-unsteady', 'low-balance', 'clock-untrusted', 'clock-wrong', 'overdue'];
/** States in which nothing happens until somebody acts, or in which somebody may wonder what is wrong. */
const WITH_ADVICE = Object.keys(STATUSES).filter((state) => {
  const said = statusInWords(STATUSES[state as SyncState]).find((words) => words.state === state);
  return said?.severity === 'act';
});

describe('a status in words', () => {
  it.each(SYNC_STATES.map((state) => [state]))('names %s', (state) => {
    const said = statusInWords(STATUSES[state]).map((words) => words.state);
    expect(said[BESIDE.includes(state) ? 1 : 0]).toBe(state);
  });

  it('has one name only for a state in which nothing else is to be said', () => {
    for (const state of SYNC_STATES.filter((each) => !BESIDE.includes(each))) {
      expect(statusInWords(STATUSES[state]).map((words) => words.state)).toEqual([state]);
    }
  });

  it('says what to do wherever somebody has to do something', () => {
    expect(WITH_ADVICE).toEqual(
      expect.arrayContaining([
        'no-funds',
        'call-missing',
        'wrong-chain',
        'crash-loop',
        'low-balance',
        'clock-wrong',
      ]),
    );
    for (const status of Object.values(STATUSES)) {
      for (const { severity, advice } of statusInWords(status)) {
        if (severity === 'act') expect(advice).toBeTruthy();
      }
    }
  });

  it('asks nobody to act on what comes right by itself', () => {
    for (const state of ['retrying', 'unreachable', 'stalled', 'no-peers', 'held-window', 'idle'] as const) {
      expect(statusInWords(STATUSES[state])[0].severity).not.toBe('act');
    }
  });

  it('blames the clock only when nothing vouches for it, or when it is certain', () => {
    const clock = { problem: 'ahead-or-chain-stalled', aheadMs: 90_000_000 } as const;
    const said = (trusted: boolean) => statusInWords({ ...IDLE, clock: { ...clock, trusted } }).at(-1);
    expect(said(true)).toMatchObject({ state: 'stale-finality', severity: 'waiting' });
    expect(said(false)).toMatchObject({ state: 'clock-wrong', severity: 'waiting' });
    const behind = { trusted: true, problem: 'behind', aheadMs: -90_000 } as const;
    expect(statusInWords({ ...IDLE, clock: behind }).at(-1)).toMatchObject({
      state: 'clock-wrong',
      severity: 'act',
    });
  });

  it('prefers the hint of what failed over what is said of its kind', () => {
    const [said] = statusInWords(failing('chain.call_missing', { hint: 'there is System.remark' }));
    expect(said.advice).toBe('there is System.remark');
  });

  it('tells a try that found no peer from one that a server refused', () => {
    const lastTry = { stage: 'finding-peers', peers: 0 } as const;
    const [light] = statusInWords(failing('chain.timeout', {}, { lastTry }));
    const [node] = statusInWords(failing('chain.timeout', {}, { lastTry, transport: 'rpc' }));
    expect([light.state, node.state]).toEqual(['no-peers', 'unreachable']);
  });

  it('does not speak of peers to whoever asks a node', () => {
    const status = connected({ stage: 'ready', peers: null }, { transport: 'rpc' });
    expect(statusInWords(status).map((words) => words.state)).toEqual(['connected']);
  });

  it('says a gateway has crashed once without calling it a loop', () => {
    expect(statusInWords(failing('chain.gateway_exited'))[0].state).toBe('retrying');
  });

  it('is explained in docs/sync.md, state by state', () => {
    const page = readFileSync(new URL('../../../docs/sync.md', import.meta.url), 'utf8');
    const explained = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map((match) => match[1]);
    expect(
      explained.filter((name) => (SYNC_STATES as readonly string[]).includes(name ?? '')).sort(),
    ).toEqual([...SYNC_STATES].sort());
  });
});

describe('amounts in words', () => {
  it('rounds durations down', () => {
    expect([0, 999, 119_999, 120_000, 7_200_000, 172_800_000].map(durationInWords)).toEqual([
      ...['0 s', '0 s', '119 s', '2 min', '2 h', '2 d'],
    ]);
  });

  it('writes money digit by digit', () => {
    const token = { symbol: 'UNIT', decimals: 12 };
    expect(amountInWords('2500000000001', token)).toBe('2.500000000001 UNIT');
    expect(amountInWords('3000000000000', token)).toBe('3 UNIT');
    expect(amountInWords('10', { symbol: 'P', decimals: 0 })).toBe('10 P');
    expect(amountInWords('12345678901234567890', null)).toBe('12345678901234567890 of the smallest unit');
  });

  it('writes bytes in the unit that suits them', () => {
    expect([0, 1_023, 1_536, 5_242_880].map(bytesInWords)).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 MiB']);
  });
});
