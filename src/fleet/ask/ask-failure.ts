import { StationError } from '../../../hal/contract/index.ts';
import type { ResponseError } from '../../remote/index.ts';
import { FleetError } from '../errors.ts';
import type { PartCollector } from './part-collector.ts';

/** The error as the station told it; nobody has signed it. */
export function refused({ code, message, hint }: ResponseError): StationError {
  return new StationError(code, `the station says: ${message}`, {
    remedy: 'operator',
    effect: 'none',
    ...(hint !== null && { hint }),
  });
}

export function takesNone(station: string): FleetError {
  return new FleetError('fleet.takes_no_commands', `${station} takes no commands`, {
    hint: 'Its station.yaml names no operators (telemetry.operators), or its release knows no commands yet.',
  });
}

export function nobodyListens(station: string): FleetError {
  return new FleetError(
    'fleet.station_offline',
    `the broker says that nobody listens where ${station} should`,
    {
      remedy: 'retry',
      hint: "It has just gone, or the broker's access list does not let it subscribe to `request`.",
    },
  );
}

export function aheadOfUs(station: string, aheadMs: number): FleetError {
  const by = `${Math.round(aheadMs / 1_000)} s`;
  return new FleetError(
    'fleet.clock_differs',
    `${station} says that its clock is ${by} ahead of the one here`,
    {
      details: { stationAheadMs: aheadMs },
      hint: 'A command that acts is not signed for so late a time on its word alone. Check the clock here; if it is right, --believe-station-time.',
    },
  );
}

export function silent(
  station: string,
  silenceMs: number,
  { missing, left, isReplayed }: PartCollector,
): FleetError {
  const seconds = `${silenceMs / 1_000} s`;
  const foreign = left > 0 ? ` ${left} messages there were no answer to it.` : '';
  if (isReplayed && missing.part === 0) {
    return new FleetError(
      'fleet.no_answer',
      `${station} had obeyed a copy of this command, and its answer went elsewhere`,
      {
        effect: 'done',
        details: { replayed: true },
        hint: 'Somebody between here and the station takes commands and sends them on as their own: look at the broker, and who may read `request`.',
      },
    );
  }
  if (missing.part === 0 && !missing.laterOnes) {
    return new FleetError('fleet.no_answer', `${station} did not answer within ${seconds}.${foreign}`, {
      remedy: 'retry',
      effect: 'unknown',
      hint: 'A station does not answer what is not signed by a key that it knows: is --key one of its telemetry.operators? Its log and its journal tell. A slow link may want a longer --timeout.',
    });
  }
  const what = missing.laterOnes
    ? `part ${missing.part} of the answer is missing`
    : `nothing came after part ${missing.part - 1}`;
  return new FleetError('fleet.incomplete_answer', `${what}, after ${seconds}.${foreign}`, {
    remedy: 'retry',
    effect: 'unknown',
    details: { missing: missing.part },
    hint: 'Ask again; with a slow link and a longer --timeout.',
  });
}
