import {
  fleetDocument,
  fleetTable,
  inOrder,
  isGood,
  painted,
  stationDocument,
  stationPage,
  totalsLine,
  type Line,
} from '../../fleet/index.ts';
import { ExitCode, note, print, printJson } from '../output.ts';
import { paintFor } from './terminal.ts';
import type { TopView } from './top-view.ts';

/** What the broker keeps comes in one go after the subscription: when it pauses for so long, all is there. */
const QUIET_MS = 1_000;
/** Width of a table that goes into a pipe. */
const PIPE_COLUMNS = 120;

/** Prints what the broker keeps, and sets the exit status: good is online without a fault, as far as all of it was heard. */
export async function lookOnce(view: TopView, waitMs: number): Promise<void> {
  const { fleet, feed, station, nowMs } = view;
  const isQuiet = await retainedAreIn(view, waitMs);
  if (!isQuiet) note(`after ${waitMs / 1_000} s more was still coming: see --wait`);
  if (feed.link.refused !== null) note(feed.link.refused);
  const stations = station === null ? [...fleet.stations()] : [fleet.station(station)];
  if (view.json)
    printJson(station === null ? fleetDocument(fleet, nowMs()) : stationDocument(fleet, station, nowMs()));
  else for (const line of textOf(view)) print(line);
  const isWhole = isQuiet && feed.link.refused === null && fleet.heard.omitted === 0;
  if (!isWhole || !isGood(stations)) process.exitCode = ExitCode.bad;
}

/** @returns false: it was still coming when the time was over */
async function retainedAreIn({ feed, station, onHeard }: TopView, waitMs: number): Promise<boolean> {
  return await new Promise<boolean>((resolve, reject) => {
    let quiet: NodeJS.Timeout | undefined;
    const end = setTimeout(() => {
      clearTimeout(quiet);
      resolve(false);
    }, waitMs);
    const again = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => {
        clearTimeout(end);
        resolve(true);
      }, QUIET_MS);
    };
    onHeard(({ retained }) => {
      if (retained) again();
    });
    feed.look(station).then(again, reject);
  });
}

function textOf({ fleet, feed, station, nowMs }: TopView): string[] {
  const columns = process.stdout.isTTY ? process.stdout.columns || PIPE_COLUMNS : PIPE_COLUMNS;
  const paint = paintFor(process.env, process.stdout.isTTY === true);
  const lines: Line[] = [];
  if (station === null) {
    const { list, totals } = inOrder(fleet.stations(), '');
    lines.push(totalsLine({ totals }), [], ...fleetTable(list, nowMs(), columns));
  } else {
    const summary = fleet.station(station);
    const page = { link: feed.link, name: station, summary, detail: fleet.detail, nowMs: nowMs() };
    lines.push(...stationPage({ ...page, page: 'station', scrolled: 0 }, columns));
  }
  return lines.map((line) => painted(line, paint).trimEnd());
}
