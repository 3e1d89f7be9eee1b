// The gateway on a target: an anchor by way of a node, and through the light client, whose WebAssembly is translated twice here.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Devnet, startDevnet } from '../devnet/index.ts';
import { runProduct } from '../support/product.ts';
import type { SyncEvent } from '../support/running-world.ts';
import { builtBundle } from './bundles.ts';
import { EmulatedProduct, EVENT_MS } from './emulated-product.ts';
import { chosenTargets } from './emulated-target.ts';
import { seconds, seen, timed } from './seen.ts';
import { startYard } from './yard.ts';

const ENDOWMENT = 10n ** 15n;
type Transport = 'rpc' | 'light-client';
/** The light client takes minutes on an emulated arm64; on armv7 it was not tried. */
const TRANSPORTS: Readonly<Record<'arm64' | 'armv7', readonly Transport[]>> = {
  arm64: ['rpc', 'light-client'],
  armv7: ['rpc'],
};

interface Keys {
  readonly chainAccount: { readonly publicKey: string };
}

for (const target of chosenTargets(['arm64 Node 20', 'armv7 Node 20'])) {
  describe(`the gateway on ${target.name}`, { timeout: 1_800_000 }, () => {
    let product: EmulatedProduct;
    beforeAll(() => {
      product = new EmulatedProduct(target, builtBundle(target));
    });

    describe.each(TRANSPORTS[target.arch])('by way of %s', (transport) => {
      it('anchors what the station read, and the anchor becomes final', async () => {
        const yard = await startYard();
        onTestFinished(() => yard.stop());
        await product.done(['key', 'init', yard.stateDirectory]);
        const { chainAccount } = await product.json<Keys>(['key', 'show', yard.stateDirectory]);
        const publicKey = Buffer.from(chainAccount.publicKey.replace(/^0x/, ''), 'hex');
        const devnet = await startDevnet({
          rpc: transport === 'rpc',
          heartbeatMs: 1_000,
          endow: [{ publicKey, balance: ENDOWMENT }],
        });
        onTestFinished(() => devnet.stop());
        yard.configure(chainYaml(devnet, transport));
        const beganAt = performance.now();
        const service = product.start(yard.configPath, yard.stateDirectory);
        const event = await service.event(
          ({ event: name, status }) => name === 'sync' && (status as SyncEvent).lastAnchor !== null,
          EVENT_MS * 4,
        );
        seen(target.name, `anchor final, ${transport}`, seconds(performance.now() - beganAt));
        const { lastAnchor } = event['status'] as SyncEvent;
        expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
        const receipt = `${yard.directory}/anchored.receipt`;
        const index = String((lastAnchor?.size ?? 0) - 1);
        await product.done(['receipt', 'create', yard.stateDirectory, '--index', index, '-o', receipt]);
        // What the light client says of it is asked on this machine: started anew under emulation it needs minutes.
        const verify = ['receipt', 'verify', receipt, '--chain'];
        const said =
          transport === 'rpc'
            ? await timed(target.name, 'receipt verify --chain URL', () =>
                product.run([...verify, devnet.rpcUrl ?? '', '--timeout', '240s', '--json']),
              )
            : await runProduct([...verify, devnet.paraSpecPath, '--timeout', '240s', '--json'], EVENT_MS);
        expect(JSON.parse(said.stdout)).toMatchObject({ ok: true });
      });
    });
  });
}

function chainYaml(devnet: Devnet, transport: Transport): string {
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
