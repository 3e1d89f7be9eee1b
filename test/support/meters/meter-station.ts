import { silentLog, type EnergyMeter, type Line, type MeterSample } from '../../../hal/contract/index.ts';
import { createModbusMeter } from '../../../hal/driver/modbus/index.ts';
import { openLine, type LineLimits, type LineOptions } from '../../../hal/line/index.ts';
import { loadProfile } from '../../../hal/profile/index.ts';
import { REAL_CLOCK, type SimulatedStation } from '../../../hal/simulator/index.ts';
import type { JournaledReading } from './truth.ts';

/** The product's line to a line of the simulated station. */
export function lineTo(
  station: SimulatedStation,
  id: string,
  options: { readonly limits?: Partial<LineLimits>; readonly baudRate?: number } = {},
): Line {
  const address = station.lines.find((line) => line.id === id);
  if (address === undefined) throw new Error(`the station has no line ${id}`);
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const line: LineOptions =
    address.kind === 'pty'
      ? {
          id,
          kind: 'serial',
          path: address.path,
          baudRate: options.baudRate ?? 38_400,
          parity: 'none',
          ...limits,
        }
      : { id, kind: address.kind, host: address.host, port: address.port, ...limits };
  return openLine(line, { clock: REAL_CLOCK, log: silentLog });
}

/** A meter of the station on a line of the product; answers are due within `responseTimeoutMs`. */
export async function meterOn(
  line: Line,
  meter: { readonly unitId: number; readonly model: string },
  responseTimeoutMs = 500,
): Promise<EnergyMeter> {
  const profile = await loadProfile(meter.model);
  const link = { ...profile.link, responseTimeoutMs };
  return createModbusMeter({
    id: `${line.id}/${meter.unitId}`,
    line,
    unitId: meter.unitId,
    profile: { ...profile, link },
  });
}

/** A sample as the truth judges it. */
export function asReading({ missing = [], ...sample }: MeterSample): JournaledReading {
  return {
    ...sample,
    values: [...sample.values, ...missing.map((each) => ({ ...each, value: '0' }))],
  };
}
