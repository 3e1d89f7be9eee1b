import { fieldsOf } from './model/fields.ts';
import type { FleetMessage } from './model/fleet-message.ts';
import type { Fleet } from './model/fleet.ts';
import type { StationSummary } from './model/station-summary.ts';
import { inOrder, troubleOf } from './model/trouble.ts';

// What `delmonicos top --json` prints: the same as the screens show, exact and as it was sent.

/** One row of the list. */
export function summaryDocument(station: StationSummary): object {
  const { name, presence, version, bootReason, health, meters, journal, sync, state, lastSeenMs } = station;
  return {
    station: name,
    is: troubleOf(station),
    online: presence === null ? null : presence.online,
    reason: presence?.reason ?? null,
    boot: { count: presence?.boot ?? null, reason: bootReason },
    version,
    uptimeMs: state?.uptimeMs ?? null,
    health: health && {
      state: health.state,
      faults: health.faults,
      warnings: health.warnings,
      worst: health.worst,
      asOfMs: health.asOfMs,
    },
    meters: Object.fromEntries(meters),
    journal,
    sync,
    lastSeen: lastSeenMs,
  };
}

/** The whole list, worst first. */
export function fleetDocument(fleet: Fleet, nowMs: number): object {
  const { list, totals } = inOrder(fleet.stations(), '');
  const { messages, bytes, malformed, named, omitted } = fleet.heard;
  return {
    time: Math.round(nowMs),
    totals,
    heard: { messages, bytes, malformed, omitted, named },
    stations: list.map(summaryDocument),
  };
}

/** The station that is looked at. */
export function stationDocument(fleet: Fleet, name: string, nowMs: number): object {
  const summary = fleet.station(name);
  const { documents, meters, lines, changes, log } = fleet.detail;
  const { messages, bytes, malformed, named } = fleet.heard;
  return {
    time: Math.round(nowMs),
    heard: { messages, bytes, malformed, named },
    station: summary === undefined ? null : summaryDocument(summary),
    documents,
    meters: Object.fromEntries(
      [...meters].map(([id, { status, readings, newest }]) => [
        id,
        { status, newest, values: [...readings.values()] },
      ]),
    ),
    lines: Object.fromEntries(lines),
    changes,
    log,
  };
}

/** What makes a row another one: not the figures and ages in it. */
export function newsOf(station: StationSummary): string {
  const { presence, version, health, meters, sync } = station;
  return JSON.stringify([
    ...[presence, version, health?.state, health?.faults, health?.warnings, health?.worst?.code],
    ...[health?.worst?.name, [...meters], sync?.states, sync?.anchor?.size],
  ]);
}

/** Whether all that was asked for is online and without a fault: exit status 0. */
export function isGood(stations: readonly (StationSummary | undefined)[]): boolean {
  const isWell = (station: StationSummary | undefined): boolean =>
    station?.presence?.online === true && station.health?.state !== 'fault';
  return stations.length > 0 && stations.every(isWell);
}

/** A document as it came; null: it is no JSON object. */
export function documentOf({ payload }: FleetMessage): object | null {
  const fields = fieldsOf(payload);
  return typeof fields === 'string' ? null : fields;
}
