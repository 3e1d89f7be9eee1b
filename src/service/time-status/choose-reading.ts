import type { TimeReading } from './time-reading.ts';

/**
 * Which answer counts where several sources were asked. chronyd, if it runs, steers the clock and says the most. Of the other two
 * the kernel is right about a clock that was set by hand, of which timesyncd's marker knows nothing; where both call it
 * synchronised, the closer bound counts (timedatectl knows only of 16 s).
 */
export function chooseReading(readings: readonly (TimeReading | undefined)[]): TimeReading | undefined {
  const of = (source: TimeReading['source']): TimeReading | undefined =>
    readings.find((reading) => reading?.source === source);
  const [chrony, kernel, timesyncd] = [of('chrony'), of('kernel'), of('timesyncd')];
  if (chrony !== undefined) return chrony;
  if (kernel === undefined || timesyncd === undefined) return kernel ?? timesyncd;
  if (!kernel.synchronised || !timesyncd.synchronised) return kernel;
  return (timesyncd.maxErrorMs ?? Infinity) < (kernel.maxErrorMs ?? Infinity) ? timesyncd : kernel;
}
