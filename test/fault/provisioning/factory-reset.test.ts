import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import { createRootSeed, loadIdentity, type StationIdentity } from '../../../src/identity/index.ts';
import {
  decodeEntry,
  openJournalReader,
  parseVerifierKey,
  verifyCheckpoint,
  verifyJournal,
} from '../../../src/journal/index.ts';
import {
  assertNoReset,
  ConfigurationDesk,
  CredentialSeed,
  factoryReset,
  isResetUnfinished,
  unfinishedResetOf,
  type ResetOrder,
  type ResetStep,
} from '../../../src/provisioning/index.ts';
import { loadConfiguration } from '../../../src/station/index.ts';
import { writeTestLog } from '../../support/journal/journal-fixture.ts';
import { Oem } from '../../support/keys/oem.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const STEPS: readonly ResetStep[] = [
  ...(['close-log', 'keep-evidence', 'destroy-seed', 'clear-configuration', 'clear-record', 'end'] as const),
];
class PowerCut extends Error {}
const oem = new Oem();
const YAML = `station: { name: DE-1 }
lines: [{ id: lan, tcp: "192.0.2.1:502" }]
meters: [{ id: m, line: lan, unitId: 1, profile: abb-b23, every: 1s }]
`;

let directory: string;
let identity: StationIdentity;
const at = (...names: string[]) => path.join(directory, ...names);
const profiles = {
  listProfileIds: () => Promise.resolve(['abb-b23']),
  loadProfile: () => Promise.resolve({ identity: { serial: {} } }),
};
const desk = () =>
  new ConfigurationDesk({
    ...{ configPath: at('station.yaml'), stateDirectory: at('state'), profiles },
    ...{ log: silentLog, stationName: 'DE-1' },
  });
const bring = (sequence: number) =>
  desk().receive(oem.sign({ station: 'DE-1', sequence, yaml: YAML }), {
    ...{ wallTimeMs: 0, clockStatus: 'U', needs: { broker: false, meters: false } },
  });

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'reset-'));
  mkdirSync(at('out'));
  writeFileSync(at('out', 'done'), '');
  writeFileSync(at('station.yaml'), YAML);
  writeFileSync(at('oem-keys'), oem.keysFile);
  await createRootSeed(at('state'));
  identity = await loadIdentity(at('state'));
  await writeTestLog(at('state'), 8, {
    signer: identity,
    origin: `delmonicos/${identity.chainAccount.ss58}`,
  });
  await bring(70);
  desk().confirm();
});
afterEach(() => {
  for (const folder of [at('state', 'kept', 'reset-1'), at('state', 'kept', 'reset-2')])
    if (existsSync(folder)) chmodSync(folder, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

const order = (more: Partial<ResetOrder> = {}): ResetOrder => ({
  stateDirectory: at('state'),
  outDirectory: at('out'),
  stationName: 'DE-1',
  seed: {},
  credential: new CredentialSeed({ file: at('out', 'root-seed'), key: 'auto', pcrs: '' }),
  identity: () => loadIdentity(at('state')),
  anchored: () => Promise.resolve([]),
  software: 'test 1.0',
  clock: new VirtualClock(),
  wallClock: { nowWallMs: () => 1_790_000_000_000, status: () => 'U' },
  ...more,
});

async function expectKept(folder: string): Promise<void> {
  const { verifierKey } = JSON.parse(readFileSync(path.join(folder, 'keys.json'), 'utf8')) as {
    verifierKey: string;
  };
  const key = parseVerifierKey(verifierKey);
  expect(key.publicKey).toEqual(identity.publicKey);
  const audit = await verifyJournal(folder, { publicKey: key.publicKey });
  expect(audit).toMatchObject({ ok: true, firstBad: null });
  const checkpoint = verifyCheckpoint(readFileSync(path.join(folder, 'final.checkpoint'), 'utf8'), {
    origin: key.keyName,
    publicKey: key.publicKey,
  });
  const reader = openJournalReader(folder);
  try {
    expect(checkpoint.size).toBe(reader.size);
    expect(decodeEntry(reader.entry(reader.size - 1).cose).entry).toMatchObject({
      kind: 'fault',
      body: { code: 'provisioning.factory_reset' },
    });
  } finally {
    reader.close();
  }
  for (const name of readdirSync(folder))
    expect(statSync(path.join(folder, name)).mode & 0o222, name).toBe(0);
  expect(readdirSync(folder).filter((name) => name.includes('seed'))).toEqual([]);
}

describe('a factory reset', () => {
  it('closes the log, keeps it, and leaves no seed and no configuration, but the number', async () => {
    const { keptIn } = await factoryReset(order());
    expect(keptIn).toBe(at('state', 'kept', 'reset-1'));
    await expectKept(keptIn);
    expect(readdirSync(at('state')).sort()).toEqual(['config', 'journal.lock', 'kept']);
    expect(readdirSync(at('state', 'config'))).toEqual(['state.json']);
    expect(readdirSync(at('out'))).toEqual([]);
    expect(await bring(69)).toMatchObject({ code: 'provisioning.config_replayed' });
    expect(await bring(71)).toMatchObject({ result: 'accepted' });
  });

  it('gives room for another identity with another log, whose reset keeps that beside', async () => {
    await factoryReset(order());
    await createRootSeed(at('state'));
    const second = await loadIdentity(at('state'));
    expect(second.publicKey).not.toEqual(identity.publicKey);
    await writeTestLog(at('state'), 4, { signer: second, origin: `delmonicos/${second.chainAccount.ss58}` });
    await expectKept(at('state', 'kept', 'reset-1'));
    identity = second;
    const { keptIn } = await factoryReset(order());
    expect(keptIn).toBe(at('state', 'kept', 'reset-2'));
    await expectKept(keptIn);
  });

  it.each(STEPS)(
    'whose power is cut before %s stops the service from starting, and goes on',
    async (step) => {
      const cut = (now: ResetStep): void => {
        if (now === step) throw new PowerCut(step);
      };
      await expect(factoryReset(order({ onStep: cut }))).rejects.toBeInstanceOf(PowerCut);
      expect(isResetUnfinished(at('state'))).toBe(true);
      const place = { configPath: at('station.yaml'), stateDirectory: at('state'), log: silentLog };
      await expect(loadConfiguration(place)).rejects.toMatchObject({ code: 'provisioning.reset_unfinished' });
      const { keptIn } = await factoryReset(order());
      await expectKept(keptIn);
      expect(isResetUnfinished(at('state'))).toBe(false);
      expect(readdirSync(at('state')).sort()).toEqual(['config', 'journal.lock', 'kept']);
    },
  );

  it('of a station whose log somebody writes changes nothing', async () => {
    const { openTestJournal } = await import('../../support/journal/journal-fixture.ts');
    const origin = `delmonicos/${identity.chainAccount.ss58}`;
    const journal = await openTestJournal(at('state'), { signer: identity, origin });
    try {
      await expect(factoryReset(order())).rejects.toMatchObject({ code: 'journal.locked' });
      expect((await loadIdentity(at('state'))).publicKey).toEqual(identity.publicKey);
      expect(isResetUnfinished(at('state'))).toBe(false);
    } finally {
      await journal.close();
    }
  });

  it('whose key is out of reach changes nothing, and does not go on by itself later', async () => {
    const outOfReach = new Error('no TPM');
    await expect(factoryReset(order({ identity: () => Promise.reject(outOfReach) }))).rejects.toBe(
      outOfReach,
    );
    expect(isResetUnfinished(at('state'))).toBe(false);
    expect(desk().folder.hasPresent()).toBe(true);
  });

  it('destroys the next seed of a rotation, too', async () => {
    writeFileSync(at('out', 'root-seed.next'), 'sealed');
    await factoryReset(order());
    expect(existsSync(at('out', 'root-seed.next'))).toBe(false);
  });

  it('forgets the state of configurations that is damaged, and no number of what is in force', async () => {
    writeFileSync(at('state', 'config', 'state.json'), 'damaged');
    await factoryReset(order());
    expect(await bring(70)).toMatchObject({ code: 'provisioning.config_replayed' });
  });
});

/** A user that every Linux has; the service's, here. */
const NOBODY = 65_534;

describe.runIf(process.getuid?.() === 0)(
  'a factory reset by root, in a directory of the service (only as root)',
  () => {
    beforeEach(() => {
      chmodSync(directory, 0o755);
      execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, at('state')]);
    });

    it("leaves nothing of root's that the service could not read or replace", async () => {
      const { keptIn } = await factoryReset(order());
      await expectKept(keptIn);
      for (const name of readdirSync(at('state'), { recursive: true, encoding: 'utf8' }))
        expect(statSync(at('state', name)).uid, name).toBe(NOBODY);
      expect(process.geteuid?.()).toBe(0);
    });

    it('is ordered by root alone', async () => {
      const forged = { format: 'delmonicos-factory-reset/v1', keptAs: 'reset-7', station: 'DE-1', timeMs: 0 };
      writeFileSync(at('state', 'factory-reset.json'), JSON.stringify(forged));
      chownSync(at('state', 'factory-reset.json'), NOBODY, NOBODY);
      expect(unfinishedResetOf(at('state'))).toBeUndefined();
      expect(() => assertNoReset(at('state'))).toThrow(
        expect.objectContaining({ code: 'provisioning.reset_unfinished' }) as Error,
      );
      expect((await factoryReset(order())).keptIn).toBe(at('state', 'kept', 'reset-1'));
    });

    it('touches nothing that the service has led it to by links', async () => {
      mkdirSync(at('secrets'), { mode: 0o700 });
      writeFileSync(at('secrets', 'credential.secret'), 'key');
      rmSync(at('state', 'config'), { recursive: true });
      symlinkSync(at('secrets'), at('state', 'config'));
      await expect(factoryReset(order())).rejects.toMatchObject({ code: expect.any(String) as string });
      expect(readdirSync(at('secrets'))).toEqual(['credential.secret']);
      expect(statSync(at('secrets')).mode & 0o777).toBe(0o700);
      expect(process.geteuid?.()).toBe(0);
    });
  },
);
