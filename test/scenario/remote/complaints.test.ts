// The complaints of docs/debugging.md: each is made to happen, and its cause is looked for with what comes over MQTT alone.
import { describe, expect, it, type TestContext } from 'vitest';
import { startSimulatedStation } from '../../../hal/simulator/index.ts';
import { codeOf, resultOf } from '../../support/remote/asker.ts';
import {
  commandedStation,
  type CommandedStation,
  type CommandedStationOptions,
} from '../../support/remote/commanded-station.ts';

type Simulation = Parameters<typeof startSimulatedStation>[0];

async function simulated({ onTestFinished }: TestContext, options: Pick<Simulation, 'lines' | 'meters'>) {
  const site = await startSimulatedStation({ seed: 7, ...options });
  let isUp = true;
  const stop = async (): Promise<void> => {
    if (isUp) await site.stop();
    isUp = false;
  };
  onTestFinished(stop);
  const portOf = (id: string): number => {
    const line = site.lines.find((one) => one.id === id);
    if (line === undefined || line.kind === 'pty') throw new Error(`${id} is a socket`);
    return line.port;
  };
  return { site, stop, portOf };
}

async function station(
  { onTestFinished }: TestContext,
  options: CommandedStationOptions,
): Promise<CommandedStation> {
  const world = await commandedStation(options);
  onTestFinished(() => world.stop());
  return world;
}

const reading = ({ asker }: CommandedStation, meter: string) => asker.ask('meter read', { meter });

describe.concurrent('a complaint, and its cause over MQTT alone', () => {
  it('a meter is silent: nobody answers, noise, another meter, or the line is not there', async (test) => {
    const { site, portOf } = await simulated(test, {
      lines: [{ id: 'bus', kind: 'rtuOverTcp' }],
      meters: [
        { id: 'a', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'bus' },
        { id: 'b', model: 'abb-b23', serial: '41200002', unitId: 2, on: 'bus' },
      ],
    });
    const gone = await simulated(test, {
      lines: [{ id: 'lan', kind: 'tcp' }],
      meters: [{ id: 'c', model: 'abb-b23', serial: '41200003', unitId: 1, on: 'lan' }],
    });
    const gonePort = gone.portOf('lan');
    await gone.stop();
    const world = await station(test, {
      configuration: `lines:
  - { id: bus, rtuOverTcp: "127.0.0.1:${portOf('bus')}" }
  - { id: again, rtuOverTcp: "127.0.0.1:${portOf('bus')}" }
  - { id: gone, tcp: "127.0.0.1:${gonePort}" }
meters:
  - { id: dead, line: bus, unitId: 9, profile: abb-b23, every: 1h }
  - { id: well, line: bus, unitId: 1, profile: abb-b23, every: 1h }
  - { id: other, line: again, unitId: 1, profile: abb-b23, serial: '99999999', every: 1h }
  - { id: noisy, line: bus, unitId: 2, profile: abb-b23, every: 1h }
  - { id: unplugged, line: gone, unitId: 1, profile: abb-b23, every: 1h }`,
    });
    expect(codeOf(await reading(world, 'unplugged'))).toBe('line.open_failed');
    expect(codeOf(await reading(world, 'other'))).toBe('meter.incompatible');
    expect(codeOf(await reading(world, 'well'))).toBeUndefined();
    site.faults.inject({ line: 'bus', unitId: 2 }, { kind: 'garbage' });
    expect(codeOf(await reading(world, 'noisy'))).toBe('meter.bad_frame');
    const { parts } = await world.asker.ask('meter trace', { meter: 'dead', forMs: 500 });
    const last = parts.at(-1);
    expect(last).toMatchObject({ ok: true, result: { reading: { error: { code: 'meter.timeout' } } } });
    const status = await world.asker.heard<{ line: object }>('lines/gone/status');
    expect(status.line).toMatchObject({ device: `127.0.0.1:${gonePort}` });
  });

  it('wrong energy: a total that fell is marked, and shown with the serial number it is of', async (test) => {
    const at = (startWh: number, port?: number) =>
      simulated(test, {
        lines: [{ id: 'lan', kind: 'tcp', ...(port !== undefined && { port }) }],
        meters: [{ id: 'a', model: 'abb-b23', serial: '41200001', unitId: 1, on: 'lan', startWh }],
      });
    const before = await at(11_200_300);
    const port = before.portOf('lan');
    const world = await station(test, {
      configuration: `lines: [{ id: lan, tcp: "127.0.0.1:${port}" }]
meters:
  - { id: evse1, line: lan, unitId: 1, profile: abb-b23, every: 200ms }`,
    });
    interface Sample {
      readonly meter: { readonly serial: string };
      readonly values: readonly { readonly obis: string; readonly value: string; readonly quality: string }[];
    }
    const energy = ({ values }: Sample) => values.find(({ obis }) => obis === '1-0:1.8.0*255');
    const good = await world.asker.heard<Sample>('meters/evse1/sample');
    expect(energy(good)).toMatchObject({ quality: 'G', value: '11200300' });
    await before.stop();
    await at(500, port);
    const fell = await world.asker.heard<Sample>(
      'meters/evse1/sample',
      (one) => energy(one)?.quality !== 'G',
    );
    expect(energy(fell)).toMatchObject({ quality: 'O', value: '500' });
    expect(fell.meter.serial).toBe('41200001');
  });

  it('no anchors: the document says what holds them back', async (test) => {
    const world = await station(test, {
      configuration: `lines: [{ id: lan, tcp: "127.0.0.1:9" }]
meters: [{ id: evse1, line: lan, unitId: 1, profile: abb-b23, every: 1h }]
chain: { transport: rpc, url: "ws://127.0.0.1:9", call: remark, anchorEvery: 1s, minBacklog: 1000 }`,
    });
    const held = await world.asker.heard<{ heldBy: string | null; lastAnchor: null; states: string[] }>(
      'sync',
      ({ states }) => states.includes('held-backlog'),
    );
    expect(held).toMatchObject({ heldBy: 'backlog', lastAnchor: null });
  });

  it('the clock is wrong: what it is worth, and that it was set, is told', async (test) => {
    let aheadMs = -7_200_000;
    const world = await station(test, {
      synchronised: false,
      wallClock: { nowWallMs: () => Date.now() + aheadMs },
    });
    const { clock, time } = await world.asker.heard<{ clock: string; time: number }>('state');
    expect(clock).toBe('U');
    expect(Date.now() - time).toBeGreaterThan(7_000_000);
    // The answer comes all the same: nobody is locked out by a clock.
    const { items } = resultOf<{ items: { check: string; detail: string }[] }>(
      await world.asker.ask('doctor'),
    );
    expect(items.find(({ check }) => check === 'clock')?.detail).toMatch(/status U/);
    aheadMs = 0;
    const after = resultOf<{ time: number }>(await world.asker.ask('doctor'));
    expect(Date.now() - after.time).toBeLessThan(600_000);
  });

  it('flash full: how large the journal is and may be, and whether anything is refused or gone', async (test) => {
    const world = await station(test, {});
    const journal = await world.asker.heard<object>('journal');
    expect(journal).toMatchObject({ refusedBecause: null, dropped: 0, maxBytes: 512 * 1024 ** 2 });
    const { items } = resultOf<{ items: { check: string; detail: string }[] }>(
      await world.asker.ask('doctor'),
    );
    expect(items.find(({ check }) => check === 'disk')?.detail).toMatch(/MiB free/);
    expect(items.some(({ check }) => check === 'flash')).toBe(true);
  });
});
