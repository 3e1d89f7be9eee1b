import {
  ENERGY_IMPORT,
  POWER_ACTIVE,
  type ControlPilotState,
  type Evse,
  type MonotonicClock,
  type ObisCode,
} from '../contract/index.ts';
import { FaultBoard } from './fault-board.ts';
import { servePty, serveTcp, traitsOf, type LineAddress, type LineServer } from './line-server.ts';
import { createRandom } from './random.ts';
import { REAL_CLOCK } from './real-clock.ts';
import type { ResponderOptions } from './responder.ts';
import type { ShownValue } from './register-image.ts';
import type { ShownHistory } from './shown-history.ts';
import type { SimulatedMeter } from './simulated-meter.ts';
import { SimulatedSite } from './simulated-site.ts';
import {
  checkOptions,
  declaredLines,
  SHOW_EVERY_MS,
  STEP_MS,
  type SimulatedStationOptions,
  type StationLine,
} from './station-options.ts';
import type { VehiclePhase } from './vehicle.ts';
import { Wire } from './wire.ts';

/** What a panel shows of one meter and its EVSE; energy and power as the meter's registers show them. */
export interface MeterSnapshot {
  readonly id: string;
  readonly model: string;
  readonly serial: string;
  readonly energyImport: ShownValue | undefined;
  readonly power: ShownValue | undefined;
  /** Absent for a grid meter. */
  readonly controlPilotState: ControlPilotState | undefined;
  readonly vehiclePhase: VehiclePhase | undefined;
}

/** What the meters showed, and when: the measure of every reading. */
export interface StationTruth {
  /** By serial number. */
  meter(serial: string): MeterTruth | undefined;
}

export interface MeterTruth {
  readonly serial: string;
  readonly modelId: string;
  readonly history: Pick<ShownHistory, 'between' | 'all' | 'latest' | 'sinceMonoMs'>;
}

export interface SimulatedStation {
  readonly lines: readonly (LineAddress & { readonly id: string } & Pick<LineServer, 'counts' | 'times'>)[];
  readonly meters: readonly { id: string; serial: string; model: string; unitId: number; line: string }[];
  readonly vehicles: readonly Evse[];
  readonly truth: StationTruth;
  readonly faults: Pick<FaultBoard, 'inject' | 'clear'>;
  snapshot(): readonly MeterSnapshot[];
  /** Closes all lines; resolves when no socket, terminal or process is left. */
  stop(): Promise<void>;
}

/**
 * A charging station on real sockets and pseudo terminals of this machine.
 * @throws SimulatorError `simulator.pty_unavailable` (use TCP then), `simulator.bad_option`, `simulator.listen_failed`
 */
export async function startSimulatedStation(options: SimulatedStationOptions): Promise<SimulatedStation> {
  const clock = options.clock ?? REAL_CLOCK;
  checkOptions(options);
  const lines = declaredLines(options);
  const site = new SimulatedSite(
    {
      meters: options.meters,
      seed: options.seed,
      pace: options.pace ?? 1,
      stepMs: options.stepMs ?? STEP_MS,
      showEveryMs: options.showEveryMs ?? SHOW_EVERY_MS,
      historyStates: options.historyStates ?? 4_000,
      solarPeakW: options.solarPeakW ?? 0,
    },
    clock.nowMonoMs(),
  );
  const faults = new FaultBoard(new Map(lines.map((line) => [line.id, traitsOf(line.kind)])));
  const servers: (LineServer & { readonly id: string })[] = [];
  const closeAll = () => Promise.all(servers.map((server) => server.close()));
  try {
    for (const line of lines) {
      const server = await serveLine(line, responderOptions(line, { options, site, faults, clock }));
      servers.push({ ...server, id: line.id });
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  const stopping = new AbortController();
  const running = keepGoing(site, clock, options.stepMs ?? STEP_MS, stopping.signal);
  return {
    lines: servers.map(({ id, address, counts, times }) => ({ ...address, id, counts, times })),
    meters: options.meters.map(({ id, serial, model, unitId, on }) => ({
      id,
      serial,
      model,
      unitId,
      line: on,
    })),
    vehicles: site.branches.flatMap(({ evse }) => (evse === undefined ? [] : [evse])),
    truth: truthOf(site),
    faults,
    snapshot: () => site.branches.map(snapshotOf),
    stop: async () => {
      stopping.abort();
      await running;
      await closeAll();
    },
  };
}

async function keepGoing(
  site: SimulatedSite,
  clock: MonotonicClock,
  stepMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // The only reason for the sleep to reject is that the station stops.
    await clock.sleep(stepMs, signal).catch(() => undefined);
    if (!signal.aborted) site.advanceTo(clock.nowMonoMs());
  }
}

function responderOptions(
  line: StationLine,
  parts: {
    options: SimulatedStationOptions;
    site: SimulatedSite;
    faults: FaultBoard;
    clock: MonotonicClock;
  },
): ResponderOptions {
  const units = new Map<number, SimulatedMeter>();
  parts.options.meters.forEach(({ on, unitId }, index) => {
    const meter = parts.site.branches[index]?.meter;
    if (on === line.id && meter !== undefined) units.set(unitId, meter);
  });
  const now = () => parts.clock.nowMonoMs();
  const pacing =
    line.baudRate === undefined
      ? undefined
      : { baudRate: line.baudRate, turnaroundMs: line.turnaroundMs ?? 5 };
  return {
    line: line.id,
    traits: traitsOf(line.kind),
    units,
    faults: parts.faults,
    random: createRandom(parts.options.seed, `line ${line.id}`),
    wire: new Wire(now, pacing),
    forgetAfterMs: 50,
    now,
  };
}

function serveLine(line: StationLine, options: ResponderOptions): Promise<LineServer> {
  return line.kind === 'pty' ? servePty(options) : serveTcp(options, line.kind, line.port ?? 0);
}

function truthOf(site: SimulatedSite): StationTruth {
  const bySerial = new Map<string, MeterTruth>(
    site.branches.map(({ meter }) => [
      meter.serial,
      { serial: meter.serial, modelId: meter.model.id, history: meter.history },
    ]),
  );
  return { meter: (serial) => bySerial.get(serial) };
}

function snapshotOf({ meter, evse }: SimulatedSite['branches'][number]): MeterSnapshot {
  const values: ReadonlyMap<ObisCode, ShownValue> = meter.history.latest()?.values ?? new Map();
  return {
    id: meter.id,
    model: meter.model.id,
    serial: meter.serial,
    energyImport: values.get(ENERGY_IMPORT),
    power: values.get(POWER_ACTIVE),
    controlPilotState: evse?.controlPilotState,
    vehiclePhase: evse?.vehicle.phase,
  };
}
