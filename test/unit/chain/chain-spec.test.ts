import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSpecs } from '../../../src/chain/gateway/transport/chain-spec.ts';
import { hasCode } from '../../support/has-code.ts';

const genesis = { stateRootHash: `0x${'11'.repeat(32)}` };
const RELAY = { id: 'relay', name: 'Relay', bootNodes: ['/ip4/1.2.3.4/tcp/1/p2p/x'], genesis };
const PARA = { ...RELAY, id: 'para', name: 'Para', relay_chain: 'relay', para_id: 1000 };
const NODE = '/dns/a.example/tcp/443/wss/p2p/12D3KooWSz8r2WyCdsfWHgPyvD8GKQdJ1UAiRmrcrs8sQB3fe2KU';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'chain-spec-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
function write(content: unknown): string {
  const file = path.join(directory, `${files++}.json`);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

it('takes a parachain with its relay chain, in either spelling', async () => {
  const { relay_chain, para_id, ...rest } = PARA;
  for (const para of [PARA, { ...rest, relayChain: relay_chain, paraId: para_id }]) {
    const specs = await readSpecs({ relaySpec: write(RELAY), paraSpec: write(para) });
    expect(specs).toMatchObject({ relay: { id: 'relay' }, para: { id: 'para', paraId: 1000 } });
    expect(JSON.parse(specs.para.text)).toEqual(para);
  }
});

it('takes a chain of its own without a relay chain', async () => {
  const specs = await readSpecs({ paraSpec: write(RELAY) });
  expect(specs).toMatchObject({ relay: undefined, para: { id: 'relay', paraId: undefined } });
});

it('puts other boot nodes in, and what identifies the chain stays', async () => {
  const relaySpec = write(RELAY);
  const paraSpec = write(PARA);
  const before = await readSpecs({ relaySpec, paraSpec });
  const after = await readSpecs({ relaySpec, paraSpec, bootNodes: { para: [NODE] } });
  expect(JSON.parse(after.para.text)).toEqual({ ...PARA, bootNodes: [NODE] });
  expect(JSON.parse(after.relay?.text ?? '')).toEqual(RELAY);
  expect(after.para.identity).toBe(before.para.identity);
  const reset = { ...PARA, genesis: { stateRootHash: `0x${'22'.repeat(32)}` } };
  const other = await readSpecs({ relaySpec, paraSpec: write(reset) });
  expect(other.para.identity).not.toBe(before.para.identity);
});

it('refuses a boot node that cannot be dialled', async () => {
  const files = { relaySpec: write(RELAY), paraSpec: write(PARA), bootNodes: { relay: ['/ip4/1'] } };
  await expect(readSpecs(files)).rejects.toThrow(hasCode('chain.boot_node_invalid'));
});

it.each<[string, unknown, unknown, string]>([
  ['relay chain and parachain swapped', PARA, RELAY, 'swapped'],
  ['a parachain without its relay chain', undefined, PARA, 'no_relay_spec'],
  ['the relay chain of another', { ...RELAY, id: 'other' }, PARA, 'other_relay'],
  ['a parachain in place of the relay chain', { ...PARA, id: 'relay' }, PARA, 'relay_is_parachain'],
  ['no para_id', RELAY, { ...PARA, para_id: null }, 'no_para_id'],
  ['a para_id and no relay chain', RELAY, { ...PARA, relay_chain: undefined }, 'no_relay_chain'],
  ['two chains of their own', RELAY, { ...RELAY, id: 'solo' }, 'no_parachain'],
  ['a spec that is not raw', RELAY, { ...PARA, genesis: { runtime: {} } }, 'not_raw'],
  ['no genesis', RELAY, { ...PARA, genesis: undefined }, 'no_spec'],
  ['no JSON', '{', PARA, 'no_spec'],
])('names what is wrong with %s', async (_what, relay, para, problem) => {
  const files = { ...(relay !== undefined && { relaySpec: write(relay) }), paraSpec: write(para) };
  const error = await readSpecs(files).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'chain.spec_unreadable', details: { problem } });
});

it('says that a file is not there', async () => {
  const error = await readSpecs({ paraSpec: path.join(directory, 'absent') }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: 'chain.spec_unreadable', details: { problem: 'no_file' } });
});
