import { describe, expect, it } from 'vitest';
import { DEMO_PACE, SimulatedSite, type SiteOptions } from '../../../hal/simulator/index.ts';
import { decimal, ENERGY_IMPORT, type ControlPilotState } from '../../../hal/contract/index.ts';

const HOUR_MS = 3_600_000;
const MILLIWATT_MS_PER_MWH = 3_600_000n;

const site = (options: Partial<SiteOptions> = {}) =>
  new SimulatedSite(
    {
      meters: [
        { id: 'evse1', model: 'eastron-sdm630', serial: '24130001', startWh: 5_000_000 },
        { id: 'evse2', model: 'abb-b23', serial: '10543311', startWh: 0 },
        { id: 'grid', model: 'schneider-iem3155', serial: '12004711', measures: 'grid', startWh: 0 },
      ],
      seed: 1,
      pace: 1,
      stepMs: 1_000,
      showEveryMs: 60_000,
      historyStates: 10,
      solarPeakW: 0,
      ...options,
    },
    0,
  );

const activeMilliW = ({ flow }: SimulatedSite['branches'][number]['meter']) =>
  flow.activeMilliW[0] + flow.activeMilliW[1] + flow.activeMilliW[2];

describe('the simulated site', () => {
  it('counts exactly the integral of power over a day, import and export apart, to the milliwatt-hour', () => {
    const day = site({ solarPeakW: 20_000 });
    const start = day.branches.map(({ meter }) => meter.quantities());
    const imported = day.branches.map(() => 0n);
    const exported = day.branches.map(() => 0n);
    for (let now = 1_000; now <= 24 * HOUR_MS; now += 1_000) {
      day.branches.forEach(({ meter }, index) => {
        const flows = BigInt(activeMilliW(meter)) * 1_000n;
        if (flows > 0n) imported[index] = (imported[index] ?? 0n) + flows;
        else exported[index] = (exported[index] ?? 0n) - flows;
      });
      day.advanceTo(now);
    }
    day.branches.forEach(({ meter }, index) => {
      const begin = start[index];
      const end = meter.quantities();
      expect(end.energyImport - (begin?.energyImport ?? 0n)).toBe(
        (imported[index] ?? 0n) / MILLIWATT_MS_PER_MWH,
      );
      expect(end.energyExport - (begin?.energyExport ?? 0n)).toBe(
        (exported[index] ?? 0n) / MILLIWATT_MS_PER_MWH,
      );
    });
    // Renewed at the end of the day, the registers show the integral, cut to their last digit.
    for (const { meter } of day.branches) meter.show(24 * HOUR_MS);
    const shown = day.branches.map(({ meter }) => meter.history.latest()?.values.get(ENERGY_IMPORT)?.value);
    const wh = imported.map((milliWattMs) => milliWattMs / MILLIWATT_MS_PER_MWH / 1_000n);
    expect(shown).toEqual([
      decimal(5_000_000n + (wh[0] ?? 0n)),
      decimal((wh[1] ?? 0n) / 10n, 1),
      decimal(wh[2] ?? 0n),
    ]);
    // A day at two charging points and a plant of 20 kW: more than nothing, less than the site can.
    expect(Number(imported[0]) / 3.6e12).toBeGreaterThan(20);
    expect(Number(imported[0]) / 3.6e12).toBeLessThan(24 * 22.3);
    expect(Number(exported[2]) / 3.6e12).toBeGreaterThan(1);
  });

  it('lets the grid meter carry the sum of the charging points and the rest of the site', () => {
    const day = site();
    const baseLoads: number[] = [];
    for (let now = 1_000; now <= 4 * HOUR_MS; now += 1_000) {
      day.advanceTo(now);
      const [a, b, grid] = day.branches.map(({ meter }) => activeMilliW(meter));
      baseLoads.push((grid ?? 0) - (a ?? 0) - (b ?? 0));
    }
    expect(Math.min(...baseLoads)).toBeGreaterThan(390_000);
    expect(Math.max(...baseLoads)).toBeLessThan(4_000_001);
  });

  it('lets the voltage of a phase sag with its load and keeps U, I, P, Q and S of a phase consistent', () => {
    const day = site();
    for (let now = 1_000; now <= 6 * HOUR_MS; now += 1_000) day.advanceTo(now);
    let loaded = 0;
    for (let now = 6 * HOUR_MS; now <= 12 * HOUR_MS; now += 1_000) {
      day.advanceTo(now);
      const { flow } = day.branches[0]?.meter ?? { flow: undefined };
      const grid = day.branches[2]?.meter.flow;
      if (flow === undefined || grid === undefined || flow.currentMilliA[0] === 0) continue;
      loaded++;
      const apparent = (flow.voltageMilliV[0] * flow.currentMilliA[0]) / 1_000;
      expect(Math.hypot(flow.activeMilliW[0], flow.reactiveMilliVar[0]) / apparent).toBeCloseTo(1, 4);
      expect(flow.voltageMilliV[0]).toBeLessThan(235_000 - 500);
    }
    expect(loaded).toBeGreaterThan(100);
  });

  it('is the same for the same seed, however late its steps are taken, and another for another seed', () => {
    const often = site({ stepMs: 100, showEveryMs: 500, pace: 60 });
    const seldom = site({ stepMs: 100, showEveryMs: 500, pace: 60 });
    const other = site({ stepMs: 100, showEveryMs: 500, pace: 60, seed: 2 });
    for (let now = 0; now <= 600_000; now += 70) often.advanceTo(now);
    often.advanceTo(600_000);
    for (let now = 0; now <= 600_000; now += 60_000) seldom.advanceTo(now);
    other.advanceTo(600_000);
    const state = (of: SimulatedSite) => of.branches.map(({ meter }) => meter.quantities());
    expect(state(often)).toEqual(state(seldom));
    expect(state(often)).not.toEqual(state(other));
  });

  it('keeps the course of one meter when another one is added', () => {
    const one = site({ meters: [{ id: 'evse1', model: 'abb-b23', serial: '10543311' }], pace: 60 });
    const two = site({
      meters: [
        { id: 'evse0', model: 'eastron-sdm630', serial: '24130001' },
        { id: 'evse1', model: 'abb-b23', serial: '10543311' },
      ],
      pace: 60,
    });
    one.advanceTo(HOUR_MS);
    two.advanceTo(HOUR_MS);
    expect(one.branches[0]?.meter.quantities()).toEqual(two.branches[1]?.meter.quantities());
  });

  it('shows at the pace of the demo within a minute a vehicle that comes, charges and goes, at every EVSE', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const minute = site({ seed, pace: DEMO_PACE, stepMs: 100, showEveryMs: 500 });
      const pilots = minute.branches.flatMap(({ evse }) => {
        const states: ControlPilotState[] = [];
        evse?.onControlPilotState((state) => states.push(state));
        return evse === undefined ? [] : [states];
      });
      minute.advanceTo(60_000);
      for (const states of pilots) expect(states.slice(0, 4), `seed ${seed}`).toEqual(['B', 'C', 'B', 'A']);
    }
  });

  it('changes the control pilot in the order of IEC 61851-1 only, and charges in state C only', () => {
    const day = site({ pace: 20, stepMs: 1_000 });
    const evse = day.branches[0]?.evse;
    const states: ControlPilotState[] = [evse?.controlPilotState ?? 'F'];
    const times: number[] = [];
    const end = evse?.onControlPilotState((state, atMonoMs) => {
      states.push(state);
      times.push(atMonoMs);
    });
    for (let now = 1_000; now <= 12 * HOUR_MS; now += 1_000) {
      day.advanceTo(now);
      const { meter } = day.branches[0] ?? {};
      expect((meter?.flow.currentMilliA[0] ?? 0) > 0).toBe(evse?.controlPilotState === 'C');
    }
    const cycle = ['A', 'B', 'C', 'B'];
    expect(states.length).toBeGreaterThan(20);
    expect(states).toEqual(states.map((_, index) => cycle[index % 4]));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    end?.();
    const before = states.length;
    day.advanceTo(24 * HOUR_MS);
    expect(states.length).toBe(before);
  });

  it('never draws more than the EVSE allows, and tapers before it ends', () => {
    const day = site({
      meters: [{ id: 'evse1', model: 'abb-b23', serial: '10543311', limitMilliA: 10_000 }],
      pace: 5,
    });
    const drawn: number[] = [];
    for (let now = 1_000; now <= 6 * HOUR_MS; now += 1_000) {
      day.advanceTo(now);
      drawn.push(day.branches[0]?.meter.flow.currentMilliA[0] ?? 0);
    }
    expect(Math.max(...drawn)).toBeLessThanOrEqual(10_000);
    expect(Math.max(...drawn)).toBeGreaterThan(9_900);
    const lastOf = drawn.flatMap((current, index) =>
      current > 0 && drawn[index + 1] === 0 ? [current] : [],
    );
    expect(lastOf.length).toBeGreaterThan(1);
    for (const current of lastOf) expect(current).toBeLessThan(6_200);
  });
});
