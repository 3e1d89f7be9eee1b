import type {
  EnergyMeter,
  Line,
  LineStatistics,
  ListeningLine,
  ListeningLineStatistics,
  Log,
  MonotonicClock,
} from '../../../hal/contract/index.ts';
import { createModbusMeter, type ModbusMeterOptions } from '../../../hal/driver/modbus/index.ts';
import { createReadoutMeter, createStreamMeter } from '../../../hal/driver/stream/index.ts';
import { LineTap, openLine, openListeningLine } from '../../../hal/line/index.ts';
import { loadProfile } from '../../../hal/profile/index.ts';
import type { LineConfig, MeterConfig, StationConfig, StreamMeterConfig } from '../../config/index.ts';
import type { ScheduledMeter } from '../../metering/index.ts';
import { meterWithSerial } from './meter-with-serial.ts';

export type Profiles = ReadonlyMap<string, Awaited<ReturnType<typeof loadProfile>>>;

/** Read before anything is opened: a profile that cannot be used ends the start with nothing left behind. */
export async function profilesOf({ meters }: StationConfig): Promise<Profiles> {
  const ids = [...new Set(meters.flatMap((meter) => (meter.kind === 'modbus' ? [meter.profile] : [])))];
  return new Map(await Promise.all(ids.map(async (id) => [id, await loadProfile(id)] as const)));
}

/** A line as whoever closes it and whoever watches over it need it. */
export interface OpenedLine {
  readonly id: string;
  /** Where somebody may listen to it for a while. */
  readonly tap: LineTap;
  statistics(): LineStatistics | ListeningLineStatistics;
  /** Stable code of why a line that only listens hears nothing now; null: it does, or it is no such line. */
  trouble(): string | null;
  close(): Promise<void>;
}

export interface OpenMeters {
  readonly lines: readonly OpenedLine[];
  readonly meters: readonly ScheduledMeter[];
}

interface Ports {
  readonly clock: MonotonicClock;
  readonly log: Log;
}

/** Each meter on its line: Modbus meters share theirs, a meter that is no Modbus meter has one for itself. */
export function openMeters(config: StationConfig, profiles: Profiles, ports: Ports): OpenMeters {
  const shared = new Map<string, Line>();
  const lines: OpenedLine[] = [];
  const sharedLine = (line: LineConfig): Line => {
    const known = shared.get(line.id);
    if (known !== undefined) return known;
    const tap = new LineTap(ports.clock);
    const opened = openLine(line, { ...ports, tap });
    shared.set(line.id, opened);
    lines.push(tappedLine(opened, tap));
    return opened;
  };
  const meterOf = (meter: MeterConfig): EnergyMeter | undefined => {
    const line = config.lines.find(({ id }) => id === meter.line);
    if (line === undefined) return undefined;
    if (meter.kind === 'stream') {
      // Modbus TCP carries no telegrams; the configuration was checked.
      if (line.kind === 'tcp') return undefined;
      const tap = new LineTap(ports.clock);
      const place = line.kind === 'serial' ? line : { ...line, kind: line.kind };
      const own = openListeningLine(place, { ...ports, tap });
      lines.push(tappedLine(own, tap));
      return streamMeter(meter, line, { line: own, clock: ports.clock });
    }
    const profile = profiles.get(meter.profile);
    if (profile === undefined) return undefined;
    const { id, unitId, serial } = meter;
    const wire = wireOf(line);
    const withoutSerial = serial === undefined ? 'refuse' : 'accept';
    const options = { id, line: sharedLine(line), unitId, profile, withoutSerial } as const;
    return createModbusMeter({ ...options, ...(wire && { wire }) });
  };
  const meters = config.meters.flatMap((meter) => {
    const opened = meterOf(meter);
    if (opened === undefined) return [];
    const known = meter.serial === undefined ? opened : meterWithSerial(opened, meter.serial);
    return [{ meter: known, everyMs: meter.everyMs }];
  });
  return { lines, meters };
}

function tappedLine(line: Line | ListeningLine, tap: LineTap): OpenedLine {
  const trouble = (): string | null => ('trouble' in line ? (line.trouble?.code ?? null) : null);
  return { id: line.id, tap, trouble, statistics: () => line.statistics(), close: () => line.close() };
}

function streamMeter(
  { id, profile, readout, serial }: StreamMeterConfig,
  line: LineConfig,
  own: { line: ReturnType<typeof openListeningLine>; clock: MonotonicClock },
): EnergyMeter {
  const known = { id, ...own, ...(serial !== undefined && { serial }) };
  if (readout === 'push') return createStreamMeter({ ...known, protocol: profile });
  const initialBaudRate = line.kind === 'serial' ? line.baudRate : undefined;
  return createReadoutMeter({ ...known, ...(initialBaudRate === undefined ? {} : { initialBaudRate }) });
}

/** A serial line is filled by its characters; on a socket, and behind a gateway of unknown speed, requests are what counts. */
function wireOf(line: LineConfig): ModbusMeterOptions['wire'] {
  if (line.kind !== 'serial') return undefined;
  const { baudRate, dataBits, parity, stopBits } = line;
  return { baudRate, bitsPerCharacter: 1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits };
}
