import { describe, expect, it } from 'vitest';
import { ConfigError, parseStationConfig, type StationConfig } from '../../src/config/index.ts';
import { ENTRY_KINDS } from '../../src/journal/entry/entry-payload.ts';
import { ANCHOR_FIELDS as FIELDS_OF_A_CHECKPOINT } from '../../src/chain/index.ts';
import { ANCHOR_FIELDS, PUBLISHED_KINDS } from '../../src/config/chain-schema.ts';

const LIGHT = ['transport: light-client', 'relaySpec: /r.json', 'paraSpec: /p.json'];
const RPC = ['transport: rpc', 'url: wss://node.example'];

function textOf(chain: readonly string[]): string {
  return [
    'station: { name: A }',
    'lines: []',
    'meters: []',
    'chain:',
    ...chain.map((line) => `  ${line}`),
  ].join('\n');
}

function chainOf(chain: readonly string[]): NonNullable<StationConfig['chain']> {
  const config = parseStationConfig(textOf(chain)).chain;
  if (config === undefined) throw new Error('there is a section chain');
  return config;
}

function problemsOf(chain: readonly string[]): ConfigError['problems'] {
  try {
    parseStationConfig(textOf(chain));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the section chain', () => {
  it('anchors with a remark every hour, publishes nothing and holds nothing back unless it says so', () => {
    expect(chainOf(RPC)).toEqual({
      ...{ transport: 'rpc', url: 'wss://node.example', call: 'remark', ss58Prefix: 42 },
      ...{ anchorEveryMs: 3_600_000, maxAgeMs: 86_400_000, minBacklog: 1, publish: [] },
      lowBalance: { anchors: 100 },
    });
    expect(chainOf([...RPC, 'anchorEvery: 48h']).maxAgeMs).toBe(48 * 3_600_000);
  });

  it('takes everything that it knows', () => {
    const chain = chainOf([
      ...LIGHT,
      'bootNodes: { para: [/dns/boot.example/tcp/443/wss/p2p/12D3KooW] }',
      'call: pallet',
      'pallet: { name: Anchors, call: commit, arguments: { note: checkpoint, leaves: size } }',
      'anchorEvery: 15m',
      'maxAge: 6h',
      'minBacklog: 5000',
      'metered: { windows: ["01:00-05:00", "22:30-00:15"], bytesPerDay: 5MiB }',
      'publish: [session-end, fault, fault]',
      'maxFee: "700"',
      'lowBalance: "5000000000000"',
    ]);
    expect(chain).toMatchObject({
      bootNodes: { para: ['/dns/boot.example/tcp/443/wss/p2p/12D3KooW'] },
      call: 'pallet',
      pallet: { name: 'Anchors', call: 'commit', arguments: { note: 'checkpoint', leaves: 'size' } },
      ...{ anchorEveryMs: 900_000, maxAgeMs: 21_600_000, minBacklog: 5_000 },
      metered: {
        windows: [
          { fromMinute: 60, toMinute: 300 },
          { fromMinute: 1_350, toMinute: 15 },
        ],
        bytesPerDay: 5 * 1024 ** 2,
      },
      publish: ['session-end', 'fault'],
      ...{ maxFee: '700', lowBalance: { amount: '5000000000000' } },
    });
  });

  it('needs no relay chain: the light client follows a chain of its own as well', () => {
    const chain = chainOf(['transport: light-client', 'paraSpec: /solo.json']);
    expect(chain).toMatchObject({ transport: 'light-client', paraSpec: '/solo.json' });
    expect(chain).not.toHaveProperty('relaySpec');
    expect(problemsOf(['transport: light-client', 'relaySpec: /r.json'])[0]).toMatchObject({
      ...{ path: 'chain.transport', message: 'transport light-client needs paraSpec' },
    });
  });

  it.each([
    ['call: pallet', 'chain.call', 'needs pallet.name'],
    ['pallet: { name: A, call: b }', 'chain.pallet', 'call: pallet only'],
    [
      'pallet: { name: A, call: b, arguments: { x: colour } }',
      'chain.pallet.arguments.x',
      'origin, size, root',
    ],
    ['pallet: { name: "A b", call: c }', 'chain.pallet.name', 'metadata'],
    ['bootNodes: { para: [/dns/a/tcp/1] }', 'chain.bootNodes', 'light-client only'],
    ['bootNodes: { relay: ["boot.example:30333"] }', 'chain.bootNodes.relay[0]', 'multiaddress'],
    ['metered: { windows: ["1:00-5:00"] }', 'chain.metered.windows[0]', '01:00-05:00'],
    ['metered: { windows: ["24:00-05:00"] }', 'chain.metered.windows[0]', '01:00-05:00'],
    ['metered: { windows: ["05:00-05:00"] }', 'chain.metered.windows[0]', 'same time'],
    ['metered: { windows: [] }', 'chain.metered.windows', 'without the key'],
    ['metered: { bytesPerDay: 1KiB }', 'chain.metered.bytesPerDay', 'at least 64KiB'],
    ['publish: [sessions]', 'chain.publish[0]', 'session-begin'],
    ['publish: []', 'chain.publish', 'without the key'],
    ['maxAge: 30m', 'chain.maxAge', 'at least anchorEvery (1h)'],
    ['lowBalance: "a lot"', 'chain.lowBalance', '100 anchors'],
    ['maxFee: 700', 'chain.maxFee', 'quotes'],
    ['lowBalance: 50', 'chain.lowBalance', 'quotes'],
    ['minBacklog: 0', 'chain.minBacklog', ''],
  ])('refuses %s and says what to do', (line, where, why) => {
    const problem = problemsOf([...RPC, line]).find(({ path }) => path === where);
    expect(problem?.message).toContain(why);
    expect(problem?.line).toBe(7);
  });

  it('knows the kinds of the journal and the fields of a checkpoint', () => {
    expect([...PUBLISHED_KINDS].sort()).toEqual([...ENTRY_KINDS].sort());
    expect(ANCHOR_FIELDS).toEqual(FIELDS_OF_A_CHECKPOINT);
  });
});
