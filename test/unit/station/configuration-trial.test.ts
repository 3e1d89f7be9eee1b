import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog, StationError } from '../../../hal/contract/index.ts';
import { ConfigurationIntake, TRIAL_TIMES } from '../../../src/station/configuration/configuration-intake.ts';
import {
  deskOf,
  inForce,
  loadConfiguration,
  startOnTrial,
} from '../../../src/station/configuration/load-configuration.ts';
import { Oem } from '../../support/keys/oem.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const oem = new Oem();
const YAML = `station: { name: DE-1 }
lines: [{ id: lan, tcp: "192.0.2.1:502" }]
meters: [{ id: m, line: lan, unitId: 1, profile: abb-b23, every: 1s }]
`;
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'trial-'));
  mkdirSync(path.join(directory, 'state'));
  writeFileSync(path.join(directory, 'station.yaml'), YAML);
  writeFileSync(path.join(directory, 'oem-keys'), oem.keysFile);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A station that started with a configuration on trial; what works is set from outside. */
async function onTrial() {
  const place = {
    ...{ configPath: path.join(directory, 'station.yaml'), stateDirectory: path.join(directory, 'state') },
    log: silentLog,
  };
  const desk = deskOf(place, await loadConfiguration(place, 'look'));
  await desk.receive(oem.sign({ station: 'DE-1', sequence: 7, yaml: YAML }), {
    ...{ wallTimeMs: 0, clockStatus: 'U', needs: { broker: true, meters: true } },
  });
  const clock = new VirtualClock();
  const works = { broker: true, meters: true };
  const entries: unknown[] = [];
  const told: unknown[] = [];
  const reloads: string[] = [];
  const intake = new ConfigurationIntake({
    ...{ configuration: await loadConfiguration(place), desk, clock, log: silentLog },
    evidence: {
      append: (kind, body) => Promise.resolve(entries.push([kind, body])),
    },
    metering: { status: () => [{ state: works.meters ? 'answering' : 'silent' }] as never },
    wallClock: { nowWallMs: () => 0, status: () => 'U' },
    requestReload: (why) => reloads.push(why),
    storesEvidence: () => true,
  });
  intake.open({
    configurationResult: ({ result }) => told.push(result),
    isConnected: () => works.broker,
  });
  return { place, desk, clock, works, entries, told, reloads, intake };
}

it('is confirmed once the station was well for long enough, without a break', async () => {
  const { clock, works, told, intake, entries, place } = await onTrial();
  await clock.advance(TRIAL_TIMES.wellForMs - 10_000);
  works.broker = false;
  await clock.advance(10_000);
  works.broker = true;
  await clock.advance(TRIAL_TIMES.wellForMs - 10_000);
  expect(intake.isOnTrial).toBe(true);
  await clock.advance(20_000);
  await intake.stop();
  expect([intake.isOnTrial, told]).toEqual([false, ['confirmed']]);
  expect(entries).toMatchObject([['config', { reason: expect.stringContaining('confirmed') as string }]]);
  expect(await loadConfiguration(place)).toMatchObject({ sequence: 7, onTrial: false });
});

it.each(['broker', 'meters'] as const)('is given up where the %s is lost by it', async (what) => {
  const { clock, works, reloads, intake, place } = await onTrial();
  works[what] = false;
  await clock.advance(TRIAL_TIMES.withinMs - 10_000);
  expect(reloads).toEqual([]);
  await clock.advance(20_000);
  await intake.stop();
  expect(reloads).toEqual(['rollback']);
  expect(await loadConfiguration(place)).toMatchObject({ source: 'file', news: { what: 'rolled-back' } });
});

function hear(intake: ConfigurationIntake, payload: Uint8Array): void {
  intake.listeners[0]?.receive({ payload, retained: false });
}

it('hears a message that comes with the connection, whatever else is looked at then, and one at a time', async () => {
  const { told, reloads, intake } = await onTrial();
  const bring = (sequence: number) => hear(intake, oem.sign({ station: 'DE-1', sequence, yaml: YAML }));
  bring(8);
  bring(9);
  await intake.takeIncoming();
  await intake.stop();
  expect([told, reloads]).toEqual([['accepted'], ['configuration']]);
});

it("tells of a stranger's garbage so often only, and of what the OEM signed all the same", async () => {
  const { clock, told, intake } = await onTrial();
  for (let n = 0; n < 100; n++) {
    hear(intake, new Uint8Array([n]));
    await intake.takeIncoming();
    await clock.advance(1_000);
  }
  expect(told).toContain('refused');
  expect(told.length).toBeLessThan(15);
  hear(intake, oem.sign({ station: 'DE-1', sequence: 9, yaml: YAML }));
  await intake.takeIncoming();
  await intake.stop();
  expect(told.at(-1)).toBe('accepted');
});

it('leaves what is accepted meanwhile to a start of its own', async () => {
  const { clock, intake, place } = await onTrial();
  await clock.advance(TRIAL_TIMES.wellForMs - 10_000);
  hear(intake, oem.sign({ station: 'DE-1', sequence: 8, yaml: YAML }));
  await intake.takeIncoming();
  await clock.advance(60_000);
  await intake.stop();
  expect(await loadConfiguration(place, 'look')).toMatchObject({ sequence: 8, onTrial: true });
});

it('stays on trial when another service has the station: that says nothing against it', async () => {
  const { place, intake } = await onTrial();
  await intake.stop();
  const locked = new StationError('journal.locked', 'another service runs', { remedy: 'operator' });
  await expect(startOnTrial(place, () => Promise.reject(locked))).rejects.toBe(locked);
  expect(await loadConfiguration(place, 'look')).toMatchObject({ sequence: 7, onTrial: true });
});

it('is decided as soon as that can be written, when it could not be at first', async () => {
  const { clock, works, reloads, intake, desk } = await onTrial();
  works.meters = false;
  const rollBack = desk.rollBack.bind(desk);
  desk.rollBack = () => {
    throw new Error('no room');
  };
  await clock.advance(TRIAL_TIMES.withinMs + 60_000);
  expect(reloads).toEqual([]);
  desk.rollBack = rollBack;
  await clock.advance(10_000);
  expect(reloads).toEqual(['rollback']);
  await intake.stop();
});

it('is shown in the health list: on trial, and afterwards why it was given up', async () => {
  const { clock, works, intake, place } = await onTrial();
  expect(inForce(await loadConfiguration(place, 'look'), intake.isOnTrial)).toMatchObject({
    ...{ source: 'signed', sequence: 7, onTrial: true, rolledBack: null },
  });
  works.meters = false;
  await clock.advance(TRIAL_TIMES.withinMs + 10_000);
  await intake.stop();
  expect(inForce(await loadConfiguration(place), false)).toMatchObject({
    ...{ source: 'file', rolledBack: 'configuration 7: no meter answers any more', problems: [] },
  });
});
