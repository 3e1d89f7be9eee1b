import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SpecPair } from '../../../src/chain/gateway/transport/chain-spec.ts';
import { type Databases, KeptDatabases } from '../../../src/chain/gateway/kept/kept-databases.ts';
import { MetadataCache } from '../../../src/chain/gateway/kept/metadata-cache.ts';
import { readStored, writeStored } from '../../../src/chain/gateway/kept/stored-file.ts';

let state: string;
const said: string[] = [];
const log = (level: string, source: string, message: string): void =>
  void said.push(`${level} ${source} ${message}`);

beforeEach(() => {
  state = mkdtempSync(path.join(os.tmpdir(), 'kept-'));
  said.length = 0;
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const kept = (name: string): string => path.join(state, 'light-client', name);

function specs(identity = 'a', solo = false): SpecPair {
  const of = (id: string): SpecPair['para'] => ({
    ...{ file: id, id, identity: `${identity} ${id}`, text: '', bootNodes: [] },
    ...{ relayChain: undefined, paraId: undefined },
  });
  return { relay: solo ? undefined : of('relay'), para: of('para') };
}

const CODE = 'Q09ERQ'.repeat(20_000);
const OTHER_CODE = 'T1RIRVI'.repeat(20_000);
const relayDatabase = (number: number, runtimeCode = CODE) => ({
  genesisHash: '11',
  chain: { number },
  runtimeCode,
  codeMerkleValue: runtimeCode.slice(0, 6),
  codeClosestAncestor: '3a',
});
const paraDatabase = (number: number) => ({ genesisHash: '22', chain: { number }, nodes: { a: ['/ip4/1'] } });

/** What smoldot answers for the given databases: without the runtime when that is larger than asked for. */
function smoldot(databases: Record<'relay' | 'para', object>) {
  return (role: 'relay' | 'para', maxBytes: number): Promise<string> => {
    const text = JSON.stringify(databases[role]);
    return Promise.resolve(
      text.length <= maxBytes ? text : JSON.stringify({ ...databases[role], runtimeCode: undefined }),
    );
  };
}

function parsed({ relay, para }: Databases): unknown {
  return {
    ...(relay !== undefined && { relay: JSON.parse(relay) as unknown }),
    ...(para !== undefined && { para: JSON.parse(para) as unknown }),
  };
}

async function load(pair = specs()): Promise<unknown> {
  return parsed(await new KeptDatabases(state, pair, log).load());
}

const save = (databases: Record<'relay' | 'para', object>, pair = specs()): Promise<number> =>
  new KeptDatabases(state, pair, log).save(smoldot(databases));

const first = { relay: relayDatabase(1), para: paraDatabase(1) };

describe('databases', () => {
  it('are read back as they were saved', async () => {
    expect(await load()).toEqual({});
    expect(await save(first)).toBeGreaterThan(CODE.length);
    expect(await load()).toEqual(first);
    expect(said).toEqual([]);
    expect(statSync(kept('relay')).mode & 0o777).toBe(0o600);
  });

  it('cost the flash about a kilobyte while the runtime stays the same', async () => {
    await save(first);
    const second = { relay: relayDatabase(2), para: paraDatabase(2) };
    expect(await save(second)).toBeLessThan(1_500);
    expect(await load()).toEqual(second);
    const upgraded = { relay: relayDatabase(3, OTHER_CODE), para: paraDatabase(3) };
    expect(await save(upgraded)).toBeGreaterThan(OTHER_CODE.length);
    expect(await load()).toEqual(upgraded);
  });

  it('of a chain with the same name and another genesis are not used', async () => {
    await save(first);
    expect(await load(specs('reset'))).toEqual({});
    expect(said).toHaveLength(2);
  });

  it('of a chain of its own include its runtime', async () => {
    const solo = specs('a', true);
    await save({ ...first, para: relayDatabase(7) }, solo);
    expect(await load(solo)).toEqual({ para: relayDatabase(7) });
    expect(readdirSync(path.join(state, 'light-client'))).not.toContain('relay');
  });

  it.each([
    ['cut off', (file: string) => truncateSync(file, statSync(file).size - 1)],
    ['empty', (file: string) => truncateSync(file, 0)],
    ['with a flipped bit', flipLastByte],
    ['too large', (file: string) => truncateSync(file, 9 * 1024 * 1024)],
    ['of no known format', (file: string) => writeFileSync(file, '{"chain":{}}')],
  ])('that are %s are not used, each for itself, and said to be so', async (_how, damage) => {
    await save(first);
    damage(kept('relay'));
    expect(await load()).toEqual({ para: first.para });
    expect(said).toHaveLength(1);
    await save(first);
    expect(await load()).toEqual(first);
  });

  it('never come with a runtime that is not theirs', async () => {
    await save(first);
    const code = readFileSync(kept('relay-code'));
    await save({ ...first, relay: relayDatabase(2, OTHER_CODE) });
    writeFileSync(kept('relay-code'), code);
    expect(await load()).toEqual({ relay: { genesisHash: '11', chain: { number: 2 } }, para: first.para });
    rmSync(kept('relay-code'));
    expect(await load()).toEqual({ relay: { genesisHash: '11', chain: { number: 2 } }, para: first.para });
  });

  it('that a client cannot give (yet) leave what is kept', async () => {
    await save(first);
    const databases = new KeptDatabases(state, specs(), log);
    for (const answer of ['', '{}', 'x'.repeat(9 * 1024 * 1024), null, undefined]) {
      expect(await databases.save(() => Promise.resolve(answer))).toBe(0);
    }
    expect(await load()).toEqual(first);
  });

  it('are left alone by a disk that takes nothing, and a station without state keeps none', async () => {
    writeFileSync(path.join(state, 'light-client'), 'a file where the directory should be');
    expect(await save(first)).toBe(0);
    expect(await load()).toEqual({});
    expect(said.length).toBeGreaterThan(0);
    const without = new KeptDatabases(undefined, specs(), log);
    await without.beginTrial();
    expect(await without.save(smoldot(first))).toBe(0);
    expect(await without.load()).toEqual({});
  });

  it('are left out by the start after one that had peers and did not get ready, every other time', async () => {
    await save(first);
    const used: boolean[] = [];
    for (let start = 0; start < 4; start++) {
      const databases = new KeptDatabases(state, specs(), log);
      used.push((await databases.load()).relay !== undefined);
      await databases.beginTrial();
    }
    expect(used).toEqual([true, false, true, false]);
    const good = new KeptDatabases(state, specs(), log);
    await good.load();
    await good.beginTrial();
    await good.endTrial();
    await good.beginTrial();
    expect(await load()).toEqual(first);
    expect(await load()).toEqual(first);
  });

  it('are used again after starts that never had a peer', async () => {
    await save(first);
    for (let start = 0; start < 3; start++) expect(await load()).toEqual(first);
  });
});

function flipLastByte(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1);
  writeFileSync(file, bytes);
}

describe('metadata', () => {
  const genesisHash = `0x${'33'.repeat(32)}` as const;
  const runtime = { genesisHash, specVersion: 900, metadata: '0x6d657461' } as const;
  const cache = (source = 'wss://a.example'): MetadataCache => new MetadataCache(state, source, log);

  it('are kept by genesis hash and spec version, of the last runtime only', async () => {
    await cache().keep(runtime);
    expect(await cache().load()).toEqual({ [`${genesisHash}-900`]: '0x6d657461' });
    await cache().keep({ ...runtime, specVersion: 901, metadata: '0x6d65' });
    expect(await cache().load()).toEqual({ [`${genesisHash}-901`]: '0x6d65' });
  });

  it('are of use to nobody who asks somebody else', async () => {
    await cache().keep(runtime);
    expect(await cache('wss://b.example').load()).toEqual({});
    expect(await cache('light client of 33').load()).toEqual({});
  });

  it('that are doubted are fetched again, and only once when they come out the same', async () => {
    const unkept = cache();
    expect(await unkept.doubt()).toBe(false);
    await unkept.keep(runtime);
    expect(await unkept.doubt()).toBe(true);
    const second = cache();
    expect(await second.load()).toEqual({});
    await second.keep(runtime);
    expect(await second.doubt()).toBe(false);
    const third = cache();
    expect(Object.keys(await third.load())).toEqual([`${genesisHash}-900`]);
    expect(await third.doubt()).toBe(false);
    await third.keep({ ...runtime, specVersion: 901 });
    expect(await third.doubt(), 'another runtime may be wrong again').toBe(true);
  });

  it('that were wrong are replaced by what is fetched, which may be doubted in its turn', async () => {
    const wrong = cache();
    await wrong.keep({ ...runtime, metadata: '0xbad0' });
    await wrong.doubt();
    const next = cache();
    await next.load();
    await next.keep(runtime);
    expect(await cache().load()).toEqual({ [`${genesisHash}-900`]: '0x6d657461' });
    expect(await next.doubt()).toBe(true);
  });

  it('that are damaged, forgotten or nowhere kept are fetched again', async () => {
    await cache().keep(runtime);
    flipLastByte(kept('metadata'));
    expect(await cache().load()).toEqual({});
    await cache().keep(runtime);
    const again = cache();
    await again.load();
    await again.forget();
    expect(await cache().load()).toEqual({});
    await again.keep(runtime);
    expect(Object.keys(await cache().load())).toHaveLength(1);
    const nowhere = new MetadataCache(undefined, 'x', log);
    await nowhere.keep(runtime);
    await nowhere.forget();
    expect(await nowhere.load()).toEqual({});
  });
});

describe('a stored file', () => {
  it('is no pipe, no directory and no link: nothing waits for one, and nothing elsewhere is overwritten', async () => {
    const pipe = path.join(state, 'pipe');
    execFileSync('mkfifo', [pipe, `${pipe}.draft`]);
    expect(await readStored(pipe, 'me', 100)).toEqual({ found: false, why: 'damaged' });
    expect(await writeStored(pipe, 'me', 'mine')).toBeGreaterThan(4);
    expect(await readStored(pipe, 'me', 100)).toEqual({ found: true, content: 'mine' });

    const elsewhere = path.join(state, 'elsewhere');
    writeFileSync(elsewhere, 'of somebody else');
    const linked = path.join(state, 'linked');
    symlinkSync(elsewhere, `${linked}.draft`);
    await writeStored(linked, 'me', 'mine');
    expect(readFileSync(elsewhere, 'utf8')).toBe('of somebody else');

    mkdirSync(path.join(state, 'directory'));
    expect(await readStored(path.join(state, 'directory'), 'me', 100)).toMatchObject({ found: false });
  });

  it('is whole or of before, whatever draft a dead writer left', async () => {
    const file = path.join(state, 'file');
    await writeStored(file, 'me', 'one');
    writeFileSync(`${file}.draft`, 'half of');
    expect(await readStored(file, 'me', 10)).toEqual({ found: true, content: 'one' });
    await writeStored(file, 'me', 'two');
    expect(await readStored(file, 'me', 10)).toEqual({ found: true, content: 'two' });
    expect(readdirSync(state)).toEqual(['file']);
    expect(await readStored(file, 'you', 10)).toEqual({ found: false, why: 'foreign' });
    expect(await readStored(path.join(state, 'none'), 'me', 10)).toEqual({ found: false, why: 'absent' });
  });
});
