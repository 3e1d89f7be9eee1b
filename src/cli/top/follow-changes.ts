import { documentOf, newsOf, summaryDocument, type FleetMessage } from '../../fleet/index.ts';
import { lineWriter } from '../line-writer.ts';
import { jsonLine } from '../output.ts';
import type { TopView } from './top-view.ts';

/** Changes of one station within this time are one line. */
const GATHER_MS = 200;

/**
 * JSON lines: of a fleet a line for each station that has become another one, of a station each document as it came, and
 * whenever the link comes or goes. Until the signal.
 */
export async function followChanges(view: TopView, signal: AbortSignal): Promise<void> {
  const write = lineWriter(process.stdout);
  const say = (event: string, what: object): void =>
    write(jsonLine({ time: Math.round(view.nowMs()), event, ...what }));
  let toldOfLink = '';
  const link = (): void => {
    const { connected, failure, refused } = view.feed.link;
    const news = JSON.stringify([connected, failure, refused]);
    if (news !== toldOfLink) say('link', { connected, failure, refused });
    toldOfLink = news;
  };
  view.onLink(link);
  link();
  const timer = view.station === null ? followFleet(view, say) : followStation(view, say);
  await view.feed.look(view.station);
  link();
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  clearInterval(timer);
}

type Say = (event: string, what: object) => void;

function followFleet({ fleet, onHeard }: TopView, say: Say): NodeJS.Timeout {
  const told = new Map<string, string>();
  const changed = new Set<string>();
  onHeard((_message, received) => {
    if (received !== null) changed.add(received.station);
  });
  return setInterval(() => {
    for (const name of changed) {
      const station = fleet.station(name);
      const news = station === undefined ? undefined : newsOf(station);
      if (news === told.get(name)) continue;
      if (news === undefined) told.delete(name);
      else told.set(name, news);
      if (station === undefined) say('gone', { station: name });
      else say('station', summaryDocument(station));
    }
    changed.clear();
  }, GATHER_MS);
}

function followStation({ station, onHeard }: TopView, say: Say): undefined {
  onHeard((message: FleetMessage, received) => {
    if (received === null) return;
    const { topic, retained } = message;
    say('document', { station, topic, retained, document: documentOf(message) });
  });
  return undefined;
}
