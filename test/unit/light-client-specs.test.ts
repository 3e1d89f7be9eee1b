import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lightClientSpecs } from '../../src/cli/receipt/light-client-specs.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

/** A directory with these files; every one that is an object is written as JSON. */
function directoryOf(files: Readonly<Record<string, object | string>>): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'specs-'));
  directories.push(directory);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(
      path.join(directory, name),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
  }
  return directory;
}

const PARA = { id: 'ours', relay_chain: 'paseo', bootNodes: [] };
const RELAY = { id: 'paseo', bootNodes: [] };

describe("the relay chain's spec for a light client", () => {
  it.each([
    ['by the name that the parachain gives it', { 'para.json': PARA, 'paseo.json': RELAY }, 'paseo.json'],
    ['by its id, whatever its name', { 'para.json': PARA, 'relay.json': RELAY }, 'relay.json'],
    [
      'also where the parachain writes it in camel case',
      { 'para.json': { id: 'ours', relayChain: 'paseo' }, 'relay.json': RELAY },
      'relay.json',
    ],
    [
      'among other files that are no specs, or of other chains',
      {
        'para.json': PARA,
        'broken.json': '{',
        'list.json': [1],
        'other.json': { id: 'kusama' },
        'relay.json': RELAY,
      },
      'relay.json',
    ],
    [
      'under its usual name where there are several',
      { 'para.json': PARA, 'a.json': RELAY, 'paseo.json': RELAY },
      'paseo.json',
    ],
  ])('is found %s', async (_how, files, expected) => {
    const directory = directoryOf(files);
    const paraSpec = path.join(directory, 'para.json');
    expect(await lightClientSpecs(paraSpec)).toEqual({ paraSpec, relaySpec: path.join(directory, expected) });
  });

  it('is the one that is named, in whatever directory', async () => {
    const paraSpec = path.join(directoryOf({ 'para.json': PARA, 'paseo.json': RELAY }), 'para.json');
    const relaySpec = path.join(directoryOf({ 'mine.json': RELAY }), 'mine.json');
    expect(await lightClientSpecs(paraSpec, relaySpec)).toEqual({ paraSpec, relaySpec });
  });

  it.each([
    ['none is there', { 'para.json': PARA }],
    ['several are, and none has the usual name', { 'para.json': PARA, 'a.json': RELAY, 'b.json': RELAY }],
    ['the usual name holds another chain', { 'para.json': PARA, 'paseo.json': { id: 'kusama' } }],
  ])('is asked for when %s', async (_what, files) => {
    const paraSpec = path.join(directoryOf(files), 'para.json');
    await expect(lightClientSpecs(paraSpec)).rejects.toMatchObject({ code: 'usage.bad_option' });
  });

  it('is not needed by a chain of its own, and refused beside one', async () => {
    const directory = directoryOf({ 'solo.json': { id: 'solo' }, 'paseo.json': RELAY });
    const [paraSpec, relay] = [path.join(directory, 'solo.json'), path.join(directory, 'paseo.json')];
    expect(await lightClientSpecs(paraSpec)).toEqual({ paraSpec });
    await expect(lightClientSpecs(paraSpec, relay)).rejects.toMatchObject({ code: 'usage.bad_option' });
  });

  it('is refused when it is of another relay chain', async () => {
    const directory = directoryOf({ 'para.json': PARA, 'other.json': { id: 'kusama' } });
    const [paraSpec, other] = [path.join(directory, 'para.json'), path.join(directory, 'other.json')];
    await expect(lightClientSpecs(paraSpec, other)).rejects.toMatchObject({ code: 'usage.bad_option' });
  });

  it.each([
    ['is missing', {}],
    ['is no JSON', { 'para.json': '{' }],
    ['is no spec', { 'para.json': { name: 'x' } }],
  ])('cannot be known when the spec of the parachain %s', async (_what, files) => {
    const paraSpec = path.join(directoryOf(files), 'para.json');
    await expect(lightClientSpecs(paraSpec)).rejects.toMatchObject({ code: 'usage.file_unreadable' });
  });
});
