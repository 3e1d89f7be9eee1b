import { connect } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ENERGY_IMPORT, formatDecimal, ZERO } from '../../hal/contract/index.ts';
import {
  DEMO_PACE,
  startSimulatedStation,
  type SimulatedStationOptions,
  type StationMeter,
} from '../../hal/simulator/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const EVSE: StationMeter = {
  id: 'evse1',
  model: 'eastron-sdm630',
  unitId: 1,
  serial: '24130001',
  on: 'tcp',
  startWh: 4_321_000,
};
const GRID: StationMeter = {
  id: 'grid',
  model: 'schneider-iem3155',
  unitId: 2,
  serial: '12004711',
  on: 'tcp',
  measures: 'grid',
};

const start = (options: Partial<SimulatedStationOptions> = {}) =>
  startSimulatedStation({ meters: [EVSE, GRID], seed: 1, ...options });

describe('a simulated station', () => {
  it('runs by the clock it is given, and its snapshot tells a panel what happens', async () => {
    const clock = new VirtualClock(1_000);
    const station = await start({ clock, pace: DEMO_PACE });
    const pilots: string[] = [];
    station.vehicles[0]?.onControlPilotState((state) => pilots.push(state));
    expect(station.snapshot()).toMatchObject([
      { id: 'evse1', serial: '24130001', controlPilotState: 'A', vehiclePhase: 'away' },
      { id: 'grid', controlPilotState: undefined, vehiclePhase: undefined },
    ]);
    const energy = () => station.snapshot()[0]?.energyImport?.value ?? ZERO;
    expect(formatDecimal(energy())).toBe('4321000');
    for (let second = 0; second < 60; second++) await clock.advance(1_000);
    expect(pilots.slice(0, 4)).toEqual(['B', 'C', 'B', 'A']);
    expect(Number(energy().mantissa)).toBeGreaterThan(4_321_010);
    const latest = station.truth.meter('24130001')?.history.latest();
    expect(latest?.values.get(ENERGY_IMPORT)?.value).toEqual(energy());
    expect(latest?.fromMonoMs).toBeGreaterThan(60_000);
    await station.stop();
  });

  it('leaves no port open and no state renewed after stop', async () => {
    const clock = new VirtualClock();
    const station = await start({ clock });
    const [line] = station.lines;
    if (line === undefined || line.kind === 'pty') throw new Error('no socket');
    const open = connect(line.port, line.host);
    await once(open, 'connect');
    await station.stop();
    await once(open, 'close');
    const refused = connect(line.port, line.host);
    expect(await once(refused, 'error')).toMatchObject([{ code: 'ECONNREFUSED' }]);
    const before = station.truth.meter('24130001')?.history.latest();
    await clock.advance(10_000);
    expect(station.truth.meter('24130001')?.history.latest()).toEqual(before);
  });

  it.each<{ why: string; options: Partial<SimulatedStationOptions> }>([
    { why: 'two meters with one unit id on a line', options: { meters: [EVSE, { ...GRID, unitId: 1 }] } },
    { why: 'a unit id that Modbus does not have', options: { meters: [{ ...EVSE, unitId: 248 }] } },
    { why: 'a line that is not declared', options: { meters: [{ ...EVSE, on: 'rs485' }] } },
    {
      why: 'two meters with one serial number',
      options: { meters: [EVSE, { ...EVSE, id: 'b', unitId: 2 }] },
    },
    { why: 'registers renewed between two steps', options: { stepMs: 100, showEveryMs: 250 } },
    { why: 'a baud rate on Modbus TCP', options: { lines: [{ id: 'tcp', kind: 'tcp', baudRate: 9_600 }] } },
  ])('does not start with $why', async ({ options }) => {
    await expect(start(options)).rejects.toMatchObject({ code: 'simulator.bad_option' });
  });

  it('does not start on a port that is taken, and leaves the lines before it closed', async () => {
    const first = await start();
    const [taken] = first.lines;
    if (taken === undefined || taken.kind === 'pty') throw new Error('no socket');
    const lines = [
      { id: 'free', kind: 'tcp' as const },
      { id: 'tcp', kind: 'tcp' as const, port: taken.port },
    ];
    await expect(start({ lines })).rejects.toMatchObject({ code: 'simulator.listen_failed' });
    await first.stop();
  });
});
