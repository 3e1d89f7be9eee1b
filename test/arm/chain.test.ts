// The gateway on a target: an anchor by way of a node, and through the light client, whose WebAssembly is translated twice here.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import type { SyncEvent } from '../support/running-world.ts';
import { builtBundle } from './bundles.ts';
import { EmulatedProduct, EVENT_MS } from './emulated-product.ts';
import { chosenTargets } from './emulated-target.ts';
import { seconds, seen, timed } from './seen.ts';
import { startYard } from './yard.ts';

const ENDOWMENT = 10n ** 15n;
const TRANSPORTS = ['rpc', 'light-client'] as const;

interface Keys {
  readonly chainAccount: { readonly publicKey: string };
}

for (const target of chosenTargets(['arm64 Node 20', 'armv7 Node 20'])) {
  describe(`the gateway on ${target.name}`, { timeout: 900_000 }, () => {
    let product: EmulatedProduct;
    beforeAll(() => {
      product = new EmulatedProduct(target, builtBundle(target));
    });

    describe.each(TRANSPORTS)('by way of %s', (transport) => {
      let devnet: Devnet;
      afterAll(() => devnet.stop());

      it('anchors what the station read, and the anchor becomes final', async () => {
        const yard = await startYard();
        await product.done(['key', 'init', yard.stateDirectory]);
        const { chainAccount } = await product.json<Keys>(['key', 'show', yard.stateDirectory]);
        const publicKey = Buffer.from(chainAccount.publicKey.replace(/^0x/, ''), 'hex');
        devnet = await startDevnet({
          rpc: transport === 'rpc',
          heartbeatMs: 1_000,
          endow: [{ publicKey, balance: ENDOWMENT }],
        });
        yard.configure(chainYaml(devnet, transport));
        const beganAt = performance.now();
        const service = product.start(yard.configPath, yard.stateDirectory);
        const event = await service.event(
          ({ event: name, status }) => name === 'sync' && (status as SyncEvent).lastAnchor !== null,
          EVENT_MS * 2,
        );
        seen(target.name, `anchor final, ${transport}`, seconds(performance.now() - beganAt));
        const { lastAnchor } = event['status'] as SyncEvent;
        expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
        const receipt = `${yard.directory}/anchored.receipt`;
        const index = String((lastAnchor?.size ?? 0) - 1);
        await product.done(['receipt', 'create', yard.stateDirectory, '--index', index, '-o', receipt]);
        const chain = transport === 'rpc' ? (devnet.rpcUrl ?? '') : devnet.paraSpecPath;
        const said = await timed(target.name, `receipt verify --chain, ${transport}`, () =>
          product.run(['receipt', 'verify', receipt, '--chain', chain, '--timeout', '240s', '--json']),
        );
        expect(JSON.parse(said.stdout)).toMatchObject({ ok: true });
        await yard.stop();
      });
    });
  });
}

function chainYaml(devnet: Devnet, transport: (typeof TRANSPORTS)[number]): string {
  const way =
    transport === 'rpc'
      ? `url: "${devnet.rpcUrl}"`
      : `relaySpec: ${devnet.relaySpecPath}\n  paraSpec: ${devnet.paraSpecPath}`;
  return `chain:
  transport: ${transport}
  ${way}
  genesisHash: "${devnet.genesisHash}"
  call: remark
  anchorEvery: 3s
`;
}
