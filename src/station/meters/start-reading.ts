import type { StationError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import type { Journal } from '../../journal/index.ts';
import { startMetering, type Metering, type MeteringEvent } from '../../metering/index.ts';
import { acknowledgedEvidence, type AcknowledgedEvidence } from '../evidence/acknowledged-evidence.ts';
import { keepInBounds } from '../evidence/keep-in-bounds.ts';
import { openMeters, type OpenMeters, type Profiles } from './open-meters.ts';
import type { StationTime } from '../time/open-time.ts';
import { recallTotals } from './recall-totals.ts';
import type { StationEvent } from '../station-event.ts';
import type { StationOptions } from '../station-options.ts';

export interface Reading extends OpenMeters {
  readonly evidence: AcknowledgedEvidence;
  readonly metering: Metering;
  readonly clockWatch: { stop(): Promise<void> };
  readonly failed: Promise<StationError>;
  /** The journal has outgrown its size and nothing more may go. */
  readonly isExhausted: () => boolean;
}

interface ReadingParts {
  readonly options: Pick<StationOptions, 'clock' | 'log' | 'onEvent' | 'stateDirectory'>;
  readonly time: StationTime;
  readonly config: StationConfig;
  readonly journal: Journal;
  readonly profiles: Profiles;
}

/** Lines, meters and the watch over the wall clock: what makes entries. */
export function startReading(
  { options, config, journal, profiles, time }: ReadingParts,
  degraded: (part: 'journal', error: StationError) => void,
  show: (event: MeteringEvent) => void,
): Reading {
  const { clock, log, onEvent } = options;
  let lost: (error: StationError) => void = () => {};
  const failed = new Promise<StationError>((resolve) => (lost = resolve));
  const { stateDirectory } = options;
  const { maxSizeBytes } = config.journal;
  const onDegraded = (error: StationError): void => degraded('journal', error);
  const publishesReadings = config.chain?.publish.includes('reading') ?? false;
  const keep = keepInBounds({ journal, stateDirectory, publishesReadings, maxSizeBytes, log, onDegraded });
  const evidence = acknowledgedEvidence({
    ...{ journal, clock, log },
    onCommitted: (size) => {
      onEvent({ event: 'committed', size });
      keep.committed(size);
    },
    onNoRoom: () => keep.refused(),
    onDegraded,
    onLost: lost,
  });
  const { lines, meters } = openMeters(config, profiles, { clock, log });
  const recall = recallTotals(
    { directory: options.stateDirectory, bootCount: journal.bootCount, log },
    meters.length,
  );
  const metering = startMetering({
    meters,
    recall,
    evidence,
    clock,
    log,
    onEvent: (event) => {
      reportMeter(event, onEvent);
      show(event);
    },
  });
  const { isExhausted } = keep;
  return { lines, meters, evidence, metering, clockWatch: time.keeper.watch(evidence), failed, isExhausted };
}

function reportMeter(event: MeteringEvent, onEvent: (event: StationEvent) => void): void {
  if (event.type !== 'meter-status') return;
  const { meterId, state, errorCode } = event.status;
  onEvent({ event: 'meter', meterId, state, code: errorCode });
}
