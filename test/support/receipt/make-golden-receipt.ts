// Makes test/vector/receipt/: `npx tsx test/support/receipt/make-golden-receipt.ts`. Station, log and checkpoint come from a
// fixed seed and stay the same; the block is built by the real runtime of the dev network, which checks the station's
// signature, and differs each time, because a dev network's genesis stands in the present. Review the difference.
import { writeFileSync } from 'node:fs';
import { get_runtime_version } from '@acala-network/chopsticks-executor';
import { buildExtrinsicProof, bytesToHex, decodeHeader } from '../../../src/chain/index.ts';
import { createReceipt, verifyReceipt } from '../../../src/receipt/index.ts';
import { DevNetwork } from '../../devnet/network.ts';
import { registrySpec } from '../../devnet/parachain/genesis.ts';
import { devnetShape, remarkExtrinsic } from '../sync/anchored-block.ts';
import { checkpointOf, receiptInput, testStation } from './receipt-fixture.ts';

const CODE_KEY = '0x3a636f6465';
const station = testStation();
const { chainAccount } = station.identity;

const endowment = { publicKey: chainAccount.publicKey, balance: 10n ** 15n };
const network = await DevNetwork.create([endowment], (_extrinsic, reason) => {
  throw new Error(`the runtime refused the extrinsic: ${JSON.stringify(reason)}`);
});
const { chain } = network.parachain;
const code = registrySpec().genesis.raw.top[CODE_KEY];
const version = (await get_runtime_version(code)) as { specVersion: number; transactionVersion: number };
const checkpoint = checkpointOf(station);
const shape = devnetShape(version, chain.genesis.hash);
const { extrinsic, additionalSigned } = remarkExtrinsic(chainAccount, Buffer.from(checkpoint), shape);
await network.include(extrinsic);

const block = chain.finalized;
const extrinsicIndex = block.body.findIndex((each) => Buffer.from(each).equals(extrinsic));
if (extrinsicIndex < 0) throw new Error('the runtime did not take the extrinsic');
const { extrinsicsRoot } = decodeHeader(block.header);
const receipt = createReceipt({
  ...receiptInput(station, [4, 9], null),
  anchor: {
    via: 'rpc',
    genesisHash: bytesToHex(chain.genesis.hash),
    blockNumber: block.number,
    blockHash: bytesToHex(block.hash),
    header: bytesToHex(block.header),
    extrinsicIndex,
    extrinsic: bytesToHex(extrinsic),
    extrinsicProof: buildExtrinsicProof(block.body, extrinsicIndex, extrinsicsRoot).map(bytesToHex),
    checkpoint,
    size: station.log.length,
    additionalSigned: bytesToHex(additionalSigned),
  },
});
const folder = new URL('../../vector/receipt/', import.meta.url);
writeFileSync(new URL('anchored.receipt.json', folder), receipt);
writeFileSync(
  new URL('anchored.report.json', folder),
  `${JSON.stringify(verifyReceipt(receipt), null, 2)}\n`,
);
