import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { readCommandLine } from '../../devnet/command-line.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';

describe("the dev network's command line", () => {
  beforeAll(() => cryptoWaitReady());

  it('needs nothing', () => {
    const { options, ...rest } = readCommandLine([]);
    expect(rest).toEqual({ help: false, json: false, stdin: false, controlPort: undefined });
    expect(options).toEqual({ peers: { relay: 1, parachain: 1 }, endow: [] });
  });

  it('says everything that startDevnet can be told', () => {
    const { options, controlPort } = readCommandLine(
      `--directory specs --relay-peers 2 --parachain-peers 3 --port-rpc 9944 --heartbeat 0 --port-control 0
       --endow ${ALICE}=7`
        .split(/\s+/)
        .concat('--link', '20kbit 600ms 5%'),
    );
    expect(controlPort).toBe(0);
    expect(options).toEqual({
      directory: 'specs',
      peers: { relay: 2, parachain: 3 },
      rpc: { port: 9944 },
      heartbeatMs: false,
      link: { bitsPerSecond: 20_000, delayMs: 600, lossPercent: 5 },
      endow: [{ publicKey: expect.any(Uint8Array) as Uint8Array, balance: 7n }],
    });
  });

  it.each([
    ['--relay-peers', '9'],
    ['--port-control', 'x'],
    ['--port-rpc', '70000'],
    ['--heartbeat', '-1'],
    ['--link', 'fast'],
    ['--endow', 'nobody'],
    ['--endow', `${ALICE}=much`],
  ])('refuses %s %s', (...args) => {
    expect(() => readCommandLine([args.join('=')])).toThrow(
      expect.objectContaining({ code: 'devnet.bad_input' }) as Error,
    );
  });
});
