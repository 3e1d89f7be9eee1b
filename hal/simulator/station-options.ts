import type { MonotonicClock } from '../contract/index.ts';
import { SimulatorError } from './errors.ts';
import type { SimulatedLineKind } from './line-server.ts';
import type { SiteMeter, SiteOptions } from './simulated-site.ts';

/** From one state of the circuits to the next. */
export const STEP_MS = 100;
/** Real meters renew their registers between every 100 ms and every second. */
export const SHOW_EVERY_MS = 500;

export interface StationMeter extends SiteMeter {
  readonly unitId: number;
  /** Id of the line it hangs on; `pty`, `tcp` and `rtuOverTcp` exist without being declared. */
  readonly on: string;
}

export interface StationLine {
  readonly id: string;
  readonly kind: SimulatedLineKind;
  /** TCP port; a free one unless told. */
  readonly port?: number;
  /** Lets bytes take their time, as on a real serial line of that speed. Not for `tcp`. */
  readonly baudRate?: number;
  /** What a meter needs between request and answer; 5 ms unless told. Only with a baud rate. */
  readonly turnaroundMs?: number;
}

export interface SimulatedStationOptions extends Partial<Omit<SiteOptions, 'meters' | 'seed'>> {
  readonly meters: readonly StationMeter[];
  readonly lines?: readonly StationLine[];
  readonly seed: number;
  readonly clock?: MonotonicClock;
}

/** @throws SimulatorError `simulator.bad_option` for what no station can have. */
export function checkOptions(options: SimulatedStationOptions): void {
  const bad = (why: string) => new SimulatorError('simulator.bad_option', why);
  const { meters, lines = [], stepMs = STEP_MS, showEveryMs = SHOW_EVERY_MS } = options;
  for (const { id, unitId } of meters) {
    if (!Number.isInteger(unitId) || unitId < 1 || unitId > 247)
      throw bad(`unit id ${unitId} of ${id} is not between 1 and 247`);
  }
  // The truth knows a meter by its serial number, a line by its unit id.
  const twice = (names: readonly string[]) => names.find((name, index) => names.indexOf(name) !== index);
  for (const names of [
    meters.map(({ serial }) => `serial number ${serial}`),
    meters.map(({ on, unitId }) => `unit id ${unitId} on line ${on}`),
    meters.map(({ id }) => `meter ${id}`),
    lines.map(({ id }) => `line ${id}`),
  ]) {
    const name = twice(names);
    if (name !== undefined) throw bad(`${name} is given twice`);
  }
  if (!(stepMs > 0) || !Number.isInteger(stepMs) || showEveryMs % stepMs !== 0)
    throw bad(`registers cannot be renewed every ${showEveryMs} ms in steps of ${stepMs} ms`);
  for (const line of lines) {
    if (line.kind === 'tcp' && line.baudRate !== undefined)
      throw bad(`line ${line.id} (tcp) has no baud rate`);
  }
}

/** The lines that were declared, and those that meters use by the name of their kind. */
export function declaredLines({ meters, lines = [] }: SimulatedStationOptions): readonly StationLine[] {
  const all = new Map(lines.map((line) => [line.id, line]));
  for (const { id, on } of meters) {
    if (!all.has(on)) {
      if (on !== 'pty' && on !== 'tcp' && on !== 'rtuOverTcp')
        throw new SimulatorError(
          'simulator.bad_option',
          `meter ${id} is on line ${on}, which is not declared`,
        );
      all.set(on, { id: on, kind: on });
    }
  }
  return [...all.values()];
}
