// Receipts against a chain that runs: the station's anchor in a block that a real runtime built, and the question of
// finality put to a node and to a light client, by the command as it ships.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { WsProvider } from '@polkadot/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildExtrinsicProof,
  bytesToHex,
  decodeHeader,
  hexToBytes,
  type AnchorEvidence,
} from '../../src/chain/index.ts';
import { createReceipt, type CheckName, type ReceiptReport } from '../../src/receipt/index.ts';
import { startDevnet, type Devnet } from '../devnet/index.ts';
import { anchoredBlock, devnetShape, remarkExtrinsic } from '../support/sync/anchored-block.ts';
import { runProduct } from '../support/product.ts';
import { checkpointOf, receiptInput, testReceipt, testStation } from '../support/receipt/receipt-fixture.ts';

const station = testStation();
const { chainAccount } = station.identity;
const checkpoint = checkpointOf(station);
/** What a receipt of two readings has not. */
const NOT_OF_A_SESSION = ['session: the receipt holds no session', 'ocmf: the receipt holds no OCMF record'];
const folder = mkdtempSync(path.join(os.tmpdir(), 'receipt-chain-'));

describe('a receipt and the chain that it speaks of', { timeout: 60_000 }, () => {
  let devnet: Devnet;
  let good: string;

  beforeAll(async () => {
    devnet = await startDevnet({
      rpc: true,
      heartbeatMs: 1_000,
      endow: [{ publicKey: chainAccount.publicKey, balance: 10n ** 15n }],
    });
    const anchor = await anchorOnChain(devnet);
    good = save('good', createReceipt({ ...receiptInput(station, [4, 9], null), anchor }));
  });
  afterAll(async () => {
    await devnet.stop();
    rmSync(folder, { recursive: true });
  });

  const byNode = () => ['--chain', devnet.rpcUrl ?? ''];
  /** The relay chain's spec lies beside it. */
  const byLightClient = () => ['--chain', devnet.paraSpecPath];

  it('is good in every respect, says a node', async () => {
    const { report, status } = await verify(good, byNode());
    expect(notPassed(report)).toEqual(NOT_OF_A_SESSION);
    expect(status).toBe(0);
  });

  it('is good in every respect, says a light client, which tells of its progress', async () => {
    const { report, status, stderr } = await verify(good, byLightClient());
    expect(notPassed(report)).toEqual(NOT_OF_A_SESSION);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^asking a light client about block \d+ …$/m);
  });

  it('is not called good by a light client that finds nobody in time: it says so, and what to look at', async () => {
    const lonely = path.join(folder, 'lonely');
    mkdirSync(lonely);
    for (const [file, name] of [
      [devnet.paraSpecPath, 'para.json'],
      [devnet.relaySpecPath, 'any-name.json'],
    ] as const) {
      const spec = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(path.join(lonely, name), JSON.stringify({ ...spec, bootNodes: [] }));
    }
    const way = ['--chain', path.join(lonely, 'para.json'), '--timeout', '2s'];
    const { report, status } = await verify(good, way);
    expect(status).toBe(1);
    expect(failed(report)).toEqual([]);
    const finality = report.checks.find(({ name }) => name === 'finality');
    expect(finality?.result).toBe('not checked');
    expect(finality?.detail).toContain('[chain.timeout]');
    expect(finality?.detail).toContain('boot nodes');
  });

  it('is not good when the block was made up, however well everything in it fits', async () => {
    const { genesisHash } = devnet;
    const block = { account: chainAccount, checkpoint, size: station.log.length, blockNumber: 2 };
    const { additionalSigned, ...rest } = { ...anchoredBlock(block), genesisHash };
    // Without what was signed for another chain, only the chain itself can tell that nobody sent this to it.
    expect(additionalSigned).toBeDefined();
    const forged = save('forged', createReceipt({ ...receiptInput(station, [4], null), anchor: rest }));
    const { report, status } = await verify(forged, byLightClient());
    expect(failed(report)).toEqual(['finality']);
    expect(status).toBe(1);
  });

  it('is not good when it is of another chain', async () => {
    const { report, status } = await verify(save('elsewhere', testReceipt(station)), byNode());
    expect(failed(report)).toEqual(['finality']);
    expect(status).toBe(1);
  });
});

/** Sends the checkpoint through the network's own node, as any client would, and collects the evidence of it. */
async function anchorOnChain(devnet: Devnet): Promise<AnchorEvidence> {
  const node = new WsProvider(devnet.rpcUrl ?? '');
  await node.isReady;
  const version = await node.send<{ specVersion: number; transactionVersion: number }>(
    'state_getRuntimeVersion',
    [],
  );
  const shape = devnetShape(version, hexToBytes(devnet.genesisHash));
  const { extrinsic, additionalSigned } = remarkExtrinsic(chainAccount, Buffer.from(checkpoint), shape);
  const hash = await finalizedHash(node, bytesToHex(extrinsic));
  await node.disconnect();
  const found = (await devnet.findExtrinsics(bytesToHex(extrinsic))).find(
    ({ blockHash }) => blockHash === hash,
  );
  if (found === undefined) throw new Error(`block ${hash} does not hold the extrinsic`);
  const block = await devnet.block(found.blockNumber);
  const body = block?.extrinsics.map(hexToBytes) ?? [];
  const { extrinsicsRoot } = decodeHeader(hexToBytes(block?.header ?? '0x'));
  return {
    via: 'rpc',
    genesisHash: devnet.genesisHash,
    blockNumber: found.blockNumber,
    blockHash: found.blockHash,
    header: block?.header ?? '0x',
    extrinsicIndex: found.extrinsicIndex,
    extrinsic: found.extrinsic,
    extrinsicProof: buildExtrinsicProof(body, found.extrinsicIndex, extrinsicsRoot).map(bytesToHex),
    checkpoint,
    size: station.log.length,
    additionalSigned: bytesToHex(additionalSigned),
  };
}

/** Resolves with the hash of the final block that holds the extrinsic. */
async function finalizedHash(node: WsProvider, extrinsic: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    const told = (error: Error | null, status: unknown): void => {
      if (error !== null) reject(error);
      else if (typeof status === 'object' && status !== null && 'finalized' in status)
        resolve(String(status.finalized));
      else if (status === 'invalid' || status === 'dropped') reject(new Error(`the extrinsic is ${status}`));
    };
    node
      .subscribe('author_extrinsicUpdate', 'author_submitAndWatchExtrinsic', [extrinsic], told)
      .catch(reject);
  });
}

function save(name: string, receipt: string): string {
  const file = path.join(folder, `${name}.receipt.json`);
  writeFileSync(file, receipt);
  return file;
}

async function verify(
  file: string,
  way: readonly string[],
): Promise<{ report: ReceiptReport; status: number; stderr: string }> {
  const key = bytesToHex(station.identity.publicKey);
  const { stdout, stderr, status } = await runProduct([
    'receipt',
    'verify',
    file,
    '--json',
    '--key',
    key,
    ...way,
  ]);
  return { report: JSON.parse(stdout) as ReceiptReport, status, stderr };
}

const failed = ({ checks }: ReceiptReport): CheckName[] =>
  checks.filter(({ result }) => result === 'fail').map(({ name }) => name);

const notPassed = ({ checks }: ReceiptReport): string[] =>
  checks.filter(({ result }) => result !== 'pass').map(({ name, detail }) => `${name}: ${detail}`);
