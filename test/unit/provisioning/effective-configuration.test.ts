import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import {
  ConfigurationDesk,
  effectiveConfiguration,
  incomingFiles,
  MAX_CONFIGURATION_BYTES,
  MAX_TRIALS,
  putIncoming,
  readConfiguration,
} from '../../../src/provisioning/index.ts';
import { Oem } from '../../support/keys/oem.ts';

const oem = new Oem();
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'configurations-'));
  mkdirSync(path.join(directory, 'state'));
  writeFileSync(at('oem-keys'), oem.keysFile);
  writeFileSync(at('station.yaml'), yaml('local'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (...names: string[]) => path.join(directory, ...names);
/** The meter's name tells which configuration it is. */
const yaml = (meter: string, name = 'DE-1') => `station: { name: ${name} }
lines: [{ id: lan, tcp: "192.0.2.1:502" }]
meters: [{ id: ${meter}, line: lan, unitId: 1, profile: abb-b23, every: 1s }]
`;
const profiles = {
  listProfileIds: () => Promise.resolve(['abb-b23']),
  loadProfile: () => Promise.resolve({ identity: { serial: {} } }),
};
const place = () => ({ configPath: at('station.yaml'), stateDirectory: at('state') });
const effective = (purpose: 'start' | 'look' = 'start') =>
  effectiveConfiguration({ ...place(), profiles, log: silentLog, purpose });
const meterInForce = async (purpose?: 'start' | 'look') => (await effective(purpose)).config.meters[0]?.id;
const desk = () => new ConfigurationDesk({ ...place(), profiles, log: silentLog, stationName: 'DE-1' });
const MOMENT = { wallTimeMs: 0, clockStatus: 'U', needs: { broker: false, meters: true } } as const;
const signed = (sequence: number, meter = `m${sequence}`, station = 'DE-1', name?: string) =>
  oem.sign({ station, sequence, yaml: yaml(meter, name) });
const bring = (bytes: Uint8Array) => desk().receive(bytes, MOMENT);

describe('the configuration to go by', () => {
  it('is the file, where nothing else was brought', async () => {
    expect(await effective()).toMatchObject({ source: 'file', sequence: null, onTrial: false, problems: [] });
  });

  it('is what the OEM signed: first on trial, then for good; its number, key and hash are told', async () => {
    expect(await bring(signed(7))).toMatchObject({ result: 'accepted', sequence: 7 });
    const tried = await effective();
    expect(tried).toMatchObject({ source: 'signed', sequence: 7, onTrial: true });
    expect(tried.signedBy).toMatch(/^acme-oem\+[0-9a-f]{16}$/);
    desk().confirm();
    expect(await effective()).toMatchObject({ sequence: 7, onTrial: false, news: { what: 'confirmed' } });
    expect(await meterInForce()).toBe('m7');
  });

  it('is not one that was accepted while another was on trial, before it was tried itself', async () => {
    await bring(signed(7));
    await effective();
    const tried = desk().onTrial?.id ?? '';
    await bring(signed(8));
    desk().confirm(tried);
    expect(desk().onTrial).toMatchObject({ sequence: 8, starts: 0 });
    expect(desk().folder.hasPresent()).toBe(false);
  });

  it('stays what it is, and its number counts, when the state beside it is gone', async () => {
    await bring(signed(7));
    desk().confirm();
    rmSync(at('state', 'config', 'state.json'));
    expect(await effective()).toMatchObject({
      sequence: 7,
      problems: [{ code: 'provisioning.config_state_damaged' }],
    });
    expect(await bring(signed(6))).toMatchObject({ code: 'provisioning.config_replayed' });
  });

  it('is the one before again when the station was not well with it', async () => {
    await bring(signed(7));
    desk().confirm();
    await bring(signed(8));
    expect(await meterInForce()).toBe('m8');
    desk().rollBack('no meter answers any more');
    expect(await meterInForce()).toBe('m7');
    expect((await effective()).news).toMatchObject({ what: 'rolled-back', sequence: 8 });
    expect(await bring(signed(8))).toMatchObject({ code: 'provisioning.config_failed_before' });
    expect(await bring(signed(9))).toMatchObject({ result: 'accepted' });
  });

  it('is given up after so many starts that never got well, as of a station that hangs or loses power', async () => {
    await bring(signed(7));
    for (let start = 0; start < MAX_TRIALS; start++) expect(await meterInForce()).toBe('m7');
    const after = await effective();
    expect(after).toMatchObject({ source: 'file', news: { what: 'rolled-back' } });
    expect(after.problems).toMatchObject([{ code: 'provisioning.config_rolled_back' }]);
  });

  it('is not touched by whoever only looks', async () => {
    await bring(signed(7));
    for (let look = 0; look < 2 * MAX_TRIALS; look++) expect(await meterInForce('look')).toBe('m7');
    expect(await meterInForce()).toBe('m7');
  });

  it('keeps the name of a station that is named by its key', async () => {
    // Bound to no name: here the station's log would be asked; `*` is what needs none.
    await bring(signed(7, 'm7', '*', 'ANY'));
    expect((await effective()).config.station.name).toBe('DE-1');
  });

  it('is not one that gives another name than the one it is bound to', async () => {
    expect(await bring(signed(7, 'm7', 'DE-1', 'DE-2'))).toMatchObject({
      code: 'provisioning.config_invalid',
    });
  });

  it.each([
    ['no YAML', ': ['],
    ['unknown keys', `${yaml('x')}more: 1\n`],
    ['an unknown meter model', yaml('x').replace('abb-b23', 'none')],
    ['aliases that multiply', `${'a: &a [x]\n'}b: [*a, *a]\n`],
    ['lists without end', '['.repeat(50_000)],
  ])('is not one that has %s', async (_what, text) => {
    const result = await bring(oem.sign({ station: 'DE-1', sequence: 7, yaml: text }));
    expect(result).toMatchObject({ result: 'refused', code: 'provisioning.config_invalid' });
    expect(await meterInForce()).toBe('local');
  });
});

describe('a signed configuration that does not hold any more', () => {
  beforeEach(async () => {
    await bring(signed(7));
    desk().confirm();
  });
  const expectFile = async (code: string) => {
    expect(await effective()).toMatchObject({ source: 'file', problems: [{ code }] });
  };

  it('was tampered with: the file is gone by, and it is said why', async () => {
    const file = at('state', 'config', 'station.cose');
    const bytes = readFileSync(file);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { problems, source } = await effective();
    expect(source).toBe('file');
    expect(problems).toHaveLength(1);
    expect(['provisioning.config_malformed', 'provisioning.config_bad_signature']).toContain(
      problems[0]?.code,
    );
  });

  it('is signed by a key that the image does not bring any more', async () => {
    writeFileSync(at('oem-keys'), new Oem('other').keysFile);
    await expectFile('provisioning.config_unknown_key');
  });

  it('is no regular file', async () => {
    const file = at('state', 'config', 'station.cose');
    renameSync(file, at('elsewhere'));
    symlinkSync(at('elsewhere'), file);
    await expectFile('provisioning.config_malformed');
  });

  it('holds also where the file does not', async () => {
    writeFileSync(at('station.yaml'), 'rubbish: [');
    expect(await meterInForce()).toBe('m7');
    writeFileSync(at('state', 'config', 'station.cose'), '');
    await expect(effective()).rejects.toMatchObject({ code: 'config.invalid' });
  });

  it('and a state that cannot be read: what is in force is the least that is accepted', async () => {
    writeFileSync(at('state', 'config', 'state.json'), '{');
    const { problems } = await effective();
    expect(problems).toMatchObject([{ code: 'provisioning.config_state_damaged' }]);
    expect(await bring(signed(6))).toMatchObject({ code: 'provisioning.config_replayed' });
    expect(await bring(signed(8))).toMatchObject({ result: 'accepted' });
  });
});

describe('a power cut', () => {
  const config = (name: string) => at('state', 'config', name);
  const trialFile = (bytes: Uint8Array) => config(`trial-${readConfiguration(bytes).id}.cose`);

  it('before the state names it: nothing was accepted, and its file goes', async () => {
    const bytes = signed(7);
    mkdirSync(at('state', 'config'));
    writeFileSync(trialFile(bytes), bytes);
    expect(await meterInForce()).toBe('local');
    expect(existsSync(trialFile(bytes))).toBe(false);
    expect(await bring(bytes)).toMatchObject({ result: 'accepted' });
  });

  it('while another took its place: the one that the state names is tried', async () => {
    await bring(signed(7));
    const newer = signed(8);
    writeFileSync(trialFile(newer), newer);
    expect(await meterInForce()).toBe('m7');
    expect(existsSync(trialFile(newer))).toBe(false);
  });

  it('between taking it for good and saying so: it is for good', async () => {
    const bytes = signed(7);
    await bring(bytes);
    renameSync(trialFile(bytes), config('station.cose'));
    expect(await effective()).toMatchObject({ sequence: 7, onTrial: false, news: { what: 'confirmed' } });
  });

  it('between giving it up and taking its file away: it is given up', async () => {
    const bytes = signed(7);
    await bring(bytes);
    desk().rollBack('why');
    writeFileSync(trialFile(bytes), bytes);
    expect(await meterInForce()).toBe('local');
    expect(readdirSync(at('state', 'config'))).toEqual(['state.json']);
  });

  it('that took its file along: the one before is gone by, and it is said', async () => {
    const bytes = signed(7);
    await bring(bytes);
    rmSync(trialFile(bytes));
    expect(await effective()).toMatchObject({ source: 'file', news: { what: 'rolled-back' } });
  });
});

describe('files that were brought', () => {
  it('are looked at with the highest number first; links, directories, pipes and large ones are none', () => {
    const incoming = at('state', 'config', 'incoming');
    for (const sequence of [3, 9, 5]) {
      const bytes = signed(sequence);
      putIncoming(at('state'), bytes, readConfiguration(bytes).id);
    }
    symlinkSync('/etc/passwd', path.join(incoming, 'a-link.cose'));
    mkdirSync(path.join(incoming, 'a-directory.cose'));
    writeFileSync(path.join(incoming, 'large.cose'), new Uint8Array(MAX_CONFIGURATION_BYTES + 1));
    writeFileSync(path.join(incoming, 'other.txt'), '');
    const found = incomingFiles(incoming);
    expect(found.slice(0, 3).map(({ bytes }) => bytes && readConfiguration(bytes).content.sequence)).toEqual([
      9, 5, 3,
    ]);
    expect(found.slice(3).map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a-link.cose', undefined],
      ['large.cose', undefined],
    ]);
  });

  it('are sixteen at a time, however many there are', () => {
    const incoming = at('state', 'config', 'incoming');
    mkdirSync(incoming, { recursive: true });
    for (let i = 0; i < 300; i++) writeFileSync(path.join(incoming, `f${i}.cose`), 'x');
    expect(incomingFiles(incoming)).toHaveLength(16);
    expect(incomingFiles(at('nowhere'))).toEqual([]);
  });
});
