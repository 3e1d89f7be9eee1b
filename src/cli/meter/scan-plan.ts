import type { Parity } from '../../../hal/contract/index.ts';
import { UsageError } from '../usage-error.ts';

/** How a serial port is set while units are asked; null where there is nothing to set (TCP). */
export interface SerialSetting {
  readonly baudRate: number;
  readonly parity: Parity;
}

/** Units to ask without touching the port's settings in between. */
export interface ScanPass {
  readonly setting: SerialSetting | null;
  readonly units: readonly number[];
}

/** What meters are delivered with, the most frequent first. */
export const USUAL_BAUD_RATES = [9_600, 19_200, 38_400, 115_200] as const;
export const USUAL_PARITIES = ['none', 'even'] as const;
/** Meters leave their makers with one of these, and whoever installs several counts on from there. */
const LIKELY_UNITS = 10;

/**
 * First the likely units at every setting, then the others: a meter as it was delivered is found within seconds, and the whole
 * takes no longer.
 */
export function scanPasses(
  settings: readonly (SerialSetting | null)[],
  units: readonly number[],
): ScanPass[] {
  const likely = units.filter((unit) => unit <= LIKELY_UNITS);
  const others = units.filter((unit) => unit > LIKELY_UNITS);
  return [likely, others]
    .filter((group) => group.length > 0)
    .flatMap((group) => settings.map((setting) => ({ setting, units: group })));
}

/** Every baud rate with every parity. */
export function settingsOf(bauds: readonly number[], parities: readonly Parity[]): SerialSetting[] {
  return bauds.flatMap((baudRate) => parities.map((parity) => ({ baudRate, parity })));
}

/** Bytes of a question, and the silence before it, in characters of 11 bits. */
const QUESTION_CHARACTERS = 8 + 4;

/** Upper bound for a scan in which nobody answers, in milliseconds. */
export function longestScanMs(passes: readonly ScanPass[], timeoutMs: number): number {
  return passes.reduce((sum, { setting, units }) => {
    const wireMs = setting === null ? 0 : (QUESTION_CHARACTERS * 11_000) / setting.baudRate;
    return sum + units.length * (timeoutMs + wireMs);
  }, 0);
}

/** `1-247`, `1,2,10-20`, in rising order. @throws UsageError */
export function parseUnits(text: string, min: number, max: number): number[] {
  const units = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(part.trim());
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || from < min || to > max || from > to) {
      throw new UsageError(
        'usage.bad_option',
        `--units "${text}": give ${min}-${max} or a part of it, such as 1-10,20`,
      );
    }
    for (let unit = from; unit <= to; unit++) units.add(unit);
  }
  return [...units].sort((a, b) => a - b);
}

/** `9600,19200`. @throws UsageError */
export function parseBauds(text: string): number[] {
  const bauds = text.split(',').map(Number);
  if (bauds.every((baud) => Number.isInteger(baud) && baud >= 300 && baud <= 4e6)) return bauds;
  throw new UsageError('usage.bad_option', `--bauds "${text}": give baud rates such as 9600,19200`);
}

/** `none,even`. @throws UsageError */
export function parseParities(text: string): Parity[] {
  const parities = text.split(',');
  const known = ['none', 'even', 'odd'] as const;
  return parities.map((parity) => {
    const found = known.find((name) => name === parity);
    if (found !== undefined) return found;
    throw new UsageError('usage.bad_option', `--parities "${text}": give some of ${known.join(',')}`);
  });
}

/** `3 s`, `4 min`: for people. */
export function roughly(durationMs: number): string {
  return durationMs < 90_000
    ? `${Math.max(1, Math.round(durationMs / 1_000))} s`
    : `${Math.round(durationMs / 60_000)} min`;
}
